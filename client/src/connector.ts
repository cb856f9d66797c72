import {
  CLOSE,
  type CloseName,
  closeName,
  mayReconnect,
  type ProtocolError,
  type Rung,
  type RungReason,
} from '@spillway/envelope';
import type { CloseInfo, SessionState, TransportInfo } from './api.ts';
import { Backoff } from './backoff.ts';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { Dial } from './dial.ts';
import { ConnectError, RequestError } from './errors.ts';
import type { Link, LinkUser } from './link.ts';
import { LOST } from './transports/transport.ts';

/** A connection that held this long makes the next backoff begin anew, ms. */
const STABLE = 10_000;

/** What a connector tells its session, beside what comes in. */
export interface ConnectorHandler extends Omit<LinkUser, 'closed'> {
  /** There is a connection, not yet announced: whatever has to go first. */
  opened(link: Link): void;
  /** The connection is gone, and what was in flight with it. */
  lost(): void;
  entered(state: SessionState): void;
  carriedBy(transport: TransportInfo): void;
  /** Once, the last call: nothing is left. */
  closed(info: CloseInfo): void;
}

/** Keeps a session connected: dials, dials again after a loss, changes over to other transports. */
export class Connector {
  readonly #context: Context;
  readonly #handler: ConnectorHandler;
  readonly #backoff: Backoff;
  readonly #gone = Promise.withResolvers<void>();
  #transports: readonly Rung[];
  #state: SessionState = 'connecting';
  #transport: TransportInfo = { name: 'websocket', reasons: [] };
  #link: Link | undefined;
  #openedAt = 0;
  /** Looks for a connection; after it got one, for the reasons why it is no better one. */
  #dial: Dial | undefined;
  /** Whoever waits for `open` or `switchTo`. */
  #waiting: { readonly dial: Dial; readonly failed: (error: ConnectError) => void } | undefined;
  #cancelTimer: Undo = () => {};
  /** Lets out what came with the first WELCOME. */
  #release: Undo = () => {};

  constructor(context: Context, handler: ConnectorHandler) {
    const { settings, random } = context;
    this.#context = context;
    this.#handler = handler;
    this.#transports = settings.transports;
    this.#backoff = new Backoff(settings.minDelay, settings.maxDelay, random);
  }

  /** The connection that carries the session now. */
  get link(): Link | undefined {
    return this.#state === 'closed' ? undefined : this.#link;
  }

  get state(): SessionState {
    return this.#state;
  }

  get transport(): TransportInfo {
    return this.#transport;
  }

  /** The first connection. Rejects with `ConnectError`; then it is all over. */
  async open(): Promise<void> {
    const { signal } = this.#context.settings;
    if (signal?.aborted) throw ended('aborted', signal.reason);
    signal?.addEventListener('abort', this.#abort);
    await this.#connect(this.#transports, false);
  }

  /** Dials with another allow-list beside the present connection. Rejects with `ConnectError`, changing nothing. */
  async switchTo(transports: readonly Rung[]): Promise<void> {
    if (this.#state === 'closed') throw ended('closed');
    this.#refuse(ended('aborted'));
    this.#cancelTimer();
    if (!this.#link) this.#dial?.cancel();
    await this.#connect(transports, true);
  }

  /** Flushes and closes for good. Resolves when the connection is gone. */
  close(): Promise<void> {
    this.#release();
    if (this.#state === 'closed') return this.#gone.promise;
    const link = this.#link;
    this.#halt();
    this.#handler.entered('closed');
    if (link) link.close(CLOSE.normal, '');
    else this.#finish(CLOSE.normal, '');
    return this.#gone.promise;
  }

  #connect(transports: readonly Rung[], isRetry: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const opened = (): void => {
        this.#waiting = undefined;
        this.#transports = transports;
        resolve();
      };
      const failed = (error: ConnectError): void => {
        this.#waiting = undefined;
        reject(error);
        if (this.#state === 'connecting') this.#halt();
        else if (this.#state === 'reconnecting') this.#retry(error);
      };
      this.#waiting = { dial: this.#start(transports, isRetry, opened, failed), failed };
    });
  }

  #start(
    transports: readonly Rung[],
    isRetry: boolean,
    opened: () => void,
    failed: (error: ConnectError) => void,
  ): Dial {
    const dial = new Dial(this.#context, {
      open: (link, name, reasons) => {
        this.#adopt(dial, link, name, reasons);
        opened();
      },
      reasons: (reasons) => {
        if (this.#dial === dial) this.#setTransport(this.#transport.name, reasons);
      },
      failed,
    });
    void dial.start(transports, isRetry);
    return dial;
  }

  #adopt(dial: Dial, link: Link, name: Rung, reasons: readonly RungReason[]): void {
    const old = this.#link;
    if (this.#dial !== dial) this.#dial?.cancel();
    this.#dial = dial;
    this.#link = link;
    this.#openedAt = this.#context.clock.now();
    if (old) {
      old.close(CLOSE.normal, 'moved');
      this.#handler.lost();
    }
    this.#handler.opened(link);
    const first = this.#state === 'connecting';
    this.#setState('open');
    this.#setTransport(name, reasons);
    if (first) this.#hold(link);
    else this.#serve(link);
  }

  /** Nobody can listen before `connect` has returned, so what came with WELCOME waits until the caller had its turn. */
  #hold(link: Link): void {
    const cancel = this.#context.clock.after(0, () => this.#release());
    this.#release = () => {
      cancel();
      this.#release = () => {};
      this.#serve(link);
    };
  }

  #serve(link: Link): void {
    link.serve({
      incoming: (envelope) => {
        if (this.link === link) this.#handler.incoming(envelope);
      },
      closed: (code, reason, error) => {
        if (this.#link === link) this.#lost(code, reason, error);
      },
    });
  }

  #lost(code: number, reason: string, cause: ProtocolError | undefined): void {
    const { settings, clock } = this.#context;
    this.#link = undefined;
    if (this.#state === 'closed') {
      this.#finish(CLOSE.normal, '');
      return;
    }
    this.#dial?.cancel();
    this.#handler.lost();
    if (!mayReconnect(code) || settings.maxAttempts === 0) {
      const error = cause && new RequestError('protocol-error', cause.message, { cause });
      this.#end(code, reason, error);
      return;
    }
    if (clock.now() - this.#openedAt >= STABLE) this.#backoff.reset();
    this.#setState('reconnecting');
    // A change of transport that is under way is as good as a retry.
    if (!this.#waiting && this.#state === 'reconnecting') this.#retry();
  }

  #retry(last?: ConnectError): void {
    const { settings, clock } = this.#context;
    if (this.#backoff.attempts >= settings.maxAttempts) {
      this.#end(LOST, '', last);
      return;
    }
    this.#cancelTimer = clock.after(this.#backoff.next(), () => {
      this.#dial = this.#start(
        this.#transports,
        true,
        () => {},
        (error) => {
          if (error.final) this.#end(CLOSE[error.code as CloseName] ?? LOST, error.message, error);
          else this.#retry(error);
        },
      );
    });
  }

  #end(code: number, reason: string, error?: ConnectError | RequestError): void {
    this.#halt();
    this.#handler.entered('closed');
    this.#finish(code, reason, error);
  }

  readonly #abort = (): void => {
    if (this.#state === 'connecting') this.#refuse(ended('aborted', this.#context.settings.signal!.reason));
    else void this.close();
  };

  /** Nothing begins any more; only the link itself has still to end. */
  #halt(): void {
    this.#state = 'closed';
    this.#cancelTimer();
    this.#dial?.cancel();
    this.#context.settings.signal?.removeEventListener('abort', this.#abort);
    this.#refuse(ended('closed'));
  }

  /** Whoever waits for a connection gets none. */
  #refuse(error: ConnectError): void {
    this.#waiting?.dial.cancel();
    this.#waiting?.failed(error);
  }

  #finish(code: number, reason: string, error?: ConnectError | RequestError): void {
    this.#handler.closed({ code, name: closeName(code), reason, error });
    this.#gone.resolve();
  }

  #setState(state: SessionState): void {
    this.#state = state;
    this.#handler.entered(state);
  }

  #setTransport(name: Rung, reasons: readonly RungReason[]): void {
    this.#transport = { name, reasons };
    this.#handler.carriedBy(this.#transport);
  }
}

/** Somebody did not want it any more. */
function ended(code: 'aborted' | 'closed', cause?: unknown): ConnectError {
  return new ConnectError(code, [], { cause, final: true });
}
