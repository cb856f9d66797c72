import {
  CLOSE,
  type CloseName,
  closeName,
  type Hello,
  mayReconnect,
  type ProtocolError,
  type Rung,
  type RungReason,
} from '@spillway/envelope';
import type { CloseInfo, SessionState, TransportInfo } from './api.ts';
import { Backoff } from './backoff.ts';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { Dial, type DialOptions } from './dial.ts';
import { ConnectError, RequestError } from './errors.ts';
import type { LifeWatcher } from './life.ts';
import type { Link, LinkUser } from './link.ts';
import { isChromium } from './quirks.ts';
import { LOST } from './transports/transport.ts';

/** A connection that held this long makes the next backoff begin anew, ms. */
const STABLE = 10_000;

/** Between attempts to reconnect that do not wait, ms. */
const AT_ONCE = 1_000;

/** Between attempts to get a better transport because the network may be another, ms. */
const CLIMB_INTERVAL = 10_000;

/** Another attempt would fail as the last did. */
const HOPELESS = /^(no-api|disabled|quirk)$/;

/** What a connector tells its session. */
export interface ConnectorHandler {
  /** What HELLO asks to go on with, if anything. */
  resume(): Hello['resume'];
  /** This link carries the session from here on. Not yet announced: whatever has to go first. */
  opened(link: Link): void;
  /** A packet from the link that carries the session. Throws `ProtocolError`. */
  receive(bytes: Uint8Array, reliable: boolean): void;
  /** The connection is gone. */
  lost(): void;
  entered(state: SessionState): void;
  carriedBy(transport: TransportInfo): void;
  /** Once, the last call: nothing is left. */
  closed(info: CloseInfo): void;
}

/** Keeps a session connected: dials, dials again after a loss, moves to other and better transports. */
export class Connector implements LifeWatcher, LinkUser {
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
  /** Looks for another one beside the present link. */
  #move: Dial | undefined;
  /** Whoever waits for `open` or `switchTo`. */
  #waiting: { readonly dial: Dial; readonly failed: (error: ConnectError) => void } | undefined;
  /** Failed attempts in a row. */
  #failures = 0;
  #dialledAt = Number.NEGATIVE_INFINITY;
  #climbedAt = Number.NEGATIVE_INFINITY;
  /** The gateway has said that it goes away. */
  #draining = false;
  /** The next attempt: to reconnect, or to move. */
  #cancelTimer: Undo = () => {};
  /** Lets out what came with the first WELCOME. */
  #release: Undo = () => {};
  #unwatch: Undo = () => {};

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
    const { settings, watchLife } = this.#context;
    const { signal } = settings;
    if (signal?.aborted) throw ended('aborted', signal.reason);
    signal?.addEventListener('abort', this.#abort);
    this.#unwatch = watchLife(this);
    await this.#connect({ transports: this.#transports });
  }

  /** Dials with another allow-list beside the present connection. Rejects with `ConnectError`, changing nothing. */
  async switchTo(transports: readonly Rung[]): Promise<void> {
    if (this.#state === 'closed') throw ended('closed');
    this.#refuse(ended('aborted'));
    this.#cancelTimer();
    this.#move?.cancel();
    if (!this.#link) this.#dial?.cancel();
    await this.#connect({ transports, isRetry: true });
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

  /** The gateway goes away within so many ms: moves before that, at another time than others. */
  drain(within: number): void {
    const { clock, random } = this.#context;
    this.#draining = true;
    this.#cancelTimer();
    this.#cancelTimer = clock.after(random() * 0.8 * within, () => {
      if (!this.#waiting) this.#try({ transports: this.#transports, isRetry: true });
    });
  }

  // LifeWatcher: what the page calls.

  leave(): void {
    void this.close();
  }

  wake(newNetwork = false): void {
    const now = this.#context.clock.now();
    if (this.#waiting) return;
    if (this.#state === 'reconnecting' && now - this.#dialledAt >= AT_ONCE) {
      this.#cancelTimer();
      this.#redial({ isUrgent: true, isProbe: newNetwork });
    } else if (this.link) {
      this.link.stall.check();
      if (now - this.#climbedAt >= CLIMB_INTERVAL) this.#climb();
    }
  }

  // LinkUser: what links call.

  receive(bytes: Uint8Array, reliable: boolean): void {
    this.#handler.receive(bytes, reliable);
  }

  closed(link: Link, code: number, reason: string, cause: ProtocolError | undefined): void {
    if (this.#link !== link) return;
    const { settings, clock, tokens } = this.#context;
    this.#link = undefined;
    if (code === CLOSE['token-expired']) tokens.refused('expired');
    if (this.#state === 'closed') {
      this.#finish(CLOSE.normal, '');
      return;
    }
    this.#cancelTimer();
    this.#dial?.cancel();
    if (!this.#waiting) this.#move?.cancel();
    this.#handler.lost();
    if (!mayReconnect(code) || settings.maxAttempts === 0) {
      const error = cause && new RequestError('protocol-error', cause.message, { cause });
      this.#end(code, reason, error);
      return;
    }
    const held = clock.now() - this.#openedAt;
    if (held >= STABLE) this.#backoff.reset();
    // Where the gateway goes away, all its clients are looking for another at this moment.
    const isUrgent = link.stalled || (held >= AT_ONCE && !this.#draining);
    this.#setState('reconnecting');
    // A change of transport that is under way is as good as a retry.
    if (this.#waiting || this.#state !== 'reconnecting') return;
    const stalled = link.stalled && this.#transport.name === 'webtransport';
    if (isUrgent) this.#redial({ isUrgent, stalled });
    else this.#retry();
  }

  #connect(options: DialOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const opened = (): void => {
        this.#waiting = undefined;
        this.#transports = options.transports;
        resolve();
      };
      const failed = (error: ConnectError): void => {
        this.#waiting = undefined;
        this.#move = undefined;
        reject(error);
        if (this.#state === 'connecting') this.#halt();
        else if (this.#state === 'reconnecting') this.#retry(error);
        else if (this.#state === 'open') this.#plan();
      };
      const dial = this.#start(options, opened, failed);
      this.#waiting = { dial, failed };
      if (this.#link) this.#move = dial;
      else this.#dial = dial;
    });
  }

  #start(options: DialOptions, opened: () => void, failed: (error: ConnectError) => void): Dial {
    this.#dialledAt = this.#context.clock.now();
    const dial = new Dial(this.#context, {
      resume: () => this.#handler.resume(),
      open: (link, name, reasons) => {
        if (this.#adopt(dial, link, name, reasons)) opened();
      },
      reasons: (reasons) => {
        if (this.#dial !== dial) return;
        this.#setTransport(this.#transport.name, reasons);
        // It works after all, only later than the other.
        if (reasons.some(({ reason }) => reason === 'stalled')) this.#climb();
      },
      failed,
    });
    void dial.start(options);
    return dial;
  }

  /** False: it is not wanted. */
  #adopt(dial: Dial, link: Link, name: Rung, reasons: readonly RungReason[]): boolean {
    const old = this.#link;
    if (old && dial === this.#move && !this.#waiting && !this.#draining && !link.welcome!.resumed) {
      // A better transport is not worth a session that works.
      this.#move = undefined;
      link.close(CLOSE.normal, 'not needed');
      this.#plan();
      return false;
    }
    if (this.#dial !== dial) this.#dial?.cancel();
    if (this.#move !== dial) this.#move?.cancel();
    this.#cancelTimer();
    this.#dial = dial;
    this.#move = undefined;
    this.#link = link;
    this.#openedAt = this.#context.clock.now();
    this.#failures = 0;
    this.#draining = false;
    this.#handler.opened(link);
    const first = this.#state === 'connecting';
    if (this.#state !== 'open') this.#setState('open');
    this.#setTransport(name, reasons);
    if (first) this.#hold(link);
    else link.serve(this);
    old?.close(CLOSE.normal, 'moved');
    this.#plan();
    return true;
  }

  /** Nobody can listen before `connect` has returned, so what came with WELCOME waits until the caller had its turn. */
  #hold(link: Link): void {
    const cancel = this.#context.clock.after(0, () => this.#release());
    this.#release = () => {
      cancel();
      this.#release = () => {};
      link.serve(this);
    };
  }

  #retry(last?: ConnectError): void {
    const { settings, clock } = this.#context;
    if (this.#failures >= settings.maxAttempts) this.#end(LOST, '', last);
    else this.#cancelTimer = clock.after(this.#backoff.next(), () => this.#redial({}));
  }

  #redial(options: Partial<DialOptions>): void {
    this.#dial?.cancel();
    this.#dial = this.#start(
      { transports: this.#transports, isRetry: true, known: this.#transport.name, ...options },
      () => {},
      (error) => {
        this.#failures++;
        if (error.final) this.#end(CLOSE[error.code as CloseName] ?? LOST, error.message, error);
        else this.#retry(error);
      },
    );
  }

  /** Tries to move, while the present link goes on. */
  #try(options: DialOptions): void {
    this.#move?.cancel();
    this.#move = this.#start(
      options,
      () => {},
      ({ reasons }) => {
        this.#move = undefined;
        if (options.isProbe) this.#learn(reasons);
        this.#plan();
      },
    );
  }

  /** A probe failed: what it tells of the better transports is newer than what is known. */
  #learn(news: readonly RungReason[]): void {
    const { name, reasons } = this.#transport;
    const newer = (old: RungReason): RungReason =>
      news.find(({ transport, reason }) => transport === old.transport && reason !== 'disabled') ?? old;
    this.#setTransport(name, reasons.map(newer));
  }

  /** The transports that are better than the present one and may work. */
  get #better(): readonly Rung[] {
    return this.#transport.reasons
      .filter(({ reason }) => !HOPELESS.test(reason))
      .map(({ transport }) => transport);
  }

  /** Tries the better transports beside the present one. */
  #climb(): void {
    const { clock, settings, throttle, userAgent } = this.#context;
    const now = clock.now();
    // Too many tries, and Chromium would hold back the one that works.
    const isHeld = isChromium(userAgent) && throttle.delay(now) > settings.webtransportTimeout;
    const transports = this.#better.filter((rung) => !isHeld || rung !== 'webtransport');
    if (isHeld && transports.length === 0) {
      this.#plan();
      return;
    }
    if (!this.link || this.#move || this.#draining || transports.length === 0 || !this.#handler.resume())
      return;
    this.#cancelTimer();
    this.#climbedAt = now;
    this.#try({ transports, isRetry: true, isProbe: true, reasons: this.#transport.reasons });
  }

  /** Another try for the better transports, some time after the last. */
  #plan(): void {
    const { settings, clock } = this.#context;
    if (!this.link || this.#draining || this.#better.length === 0) return;
    this.#cancelTimer = clock.after(settings.probeInterval || Number.POSITIVE_INFINITY, () => this.#climb());
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
    this.#unwatch();
    this.#dial?.cancel();
    this.#move?.cancel();
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
