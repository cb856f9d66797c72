import type {
  EngineBidirectionalStream,
  EngineRequest,
  EngineSendStream,
  EngineSession,
  EngineSessionHandler,
} from '../core/contracts/engine.ts';
import { EngineError, SERVER_CLOSE } from '../core/contracts/engine.ts';
import type { DatagramPath } from './datagrams.ts';
import type { PackageStreams, Receiving } from './package-streams.ts';
import type { HeldReceiveStream, SendSink } from './stream.ts';
import { SendStream } from './stream.ts';

/** What of a package's session is no stream and no datagram. */
export interface PackageSession {
  readonly closed: Promise<{ readonly closeCode?: number; readonly reason?: string }>;
  close(info: { closeCode: number; reason: string }): void;
}

/** How long a peer that takes nothing can hold up the end of a session that was closed here, in milliseconds. */
const CLOSING = 2000;

/** An `EngineSession` over a package's session. Reads everything eagerly from `start` on. */
export class WebSession implements EngineSession {
  readonly request: EngineRequest;
  readonly #session: PackageSession;
  readonly #datagrams: DatagramPath;
  readonly #source: PackageStreams;
  readonly #streams = new Set<{ lost(): void }>();
  readonly #gone: (session: WebSession) => void;
  readonly #opening = new Set<(error: Error) => void>();
  #handler: EngineSessionHandler | undefined;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #patience: NodeJS.Timeout | undefined;
  #over = false;

  /** `gone` is called once, just before the handler hears of the end. */
  constructor(
    session: PackageSession,
    request: EngineRequest,
    datagrams: DatagramPath,
    streams: PackageStreams,
    gone: (session: WebSession) => void,
  ) {
    this.request = request;
    this.#session = session;
    this.#source = streams;
    this.#datagrams = datagrams;
    this.#gone = gone;
    session.closed.then(
      (info) => this.#closed(info.closeCode ?? 0, info.reason ?? ''),
      () => this.#closed(0, ''),
    );
  }

  get maxDatagramSize(): number {
    return this.#closing !== undefined ? 0 : this.#datagrams.maxDatagramSize;
  }

  start(handler: EngineSessionHandler): void {
    this.#handler = handler;
    this.#datagrams.start((bytes) => {
      if (!this.#over) handler.datagram(bytes);
    });
    this.#source.start({
      bidirectional: (send, receive) => {
        if (!this.#over) handler.bidirectional({ send: this.#send(send), receive: this.#receive(receive) });
      },
      unidirectional: (receive) => {
        if (!this.#over) handler.unidirectional(this.#receive(receive));
      },
    });
  }

  sendDatagram(bytes: Uint8Array): boolean {
    return this.#closing === undefined && this.#datagrams.send(bytes);
  }

  async openUnidirectional(): Promise<EngineSendStream> {
    return this.#send(await this.#opened(() => this.#source.openUnidirectional()));
  }

  async openBidirectional(): Promise<EngineBidirectionalStream> {
    const { send, receive } = await this.#opened(() => this.#source.openBidirectional());
    return { send: this.#send(send), receive: this.#receive(receive) };
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = { code, reason };
    this.#session.close({ closeCode: code, reason });
    this.#patience = setTimeout(() => {
      this.#source.sever();
      this.#end();
    }, CLOSING);
    this.#patience.unref();
  }

  #closed(code: number, reason: string): void {
    this.#closing ??= { code, reason };
    // What came in before the end is still on its way through the readers' microtasks.
    setImmediate(() => this.#end());
  }

  #end(): void {
    if (this.#over || this.#closing === undefined) return;
    this.#over = true;
    clearTimeout(this.#patience);
    this.#gone(this);
    for (const reject of this.#opening) reject(sessionClosed());
    this.#opening.clear();
    for (const stream of [...this.#streams]) stream.lost();
    this.#handler?.closed(this.#closing.code, this.#closing.reason);
  }

  /** A package may leave an opening unanswered when the session ends; the caller still gets its answer. */
  #opened<T>(open: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(sessionClosed());
    return new Promise<T>((resolve, reject) => {
      this.#opening.add(reject);
      open().then(
        (stream) => {
          this.#opening.delete(reject);
          resolve(stream);
        },
        (error: unknown) => {
          this.#opening.delete(reject);
          reject(sessionClosed(error));
        },
      );
    });
  }

  #send(sink: SendSink): SendStream {
    return this.#held(new SendStream(sink, (stream) => this.#streams.delete(stream)));
  }

  #receive(receiving: Receiving): HeldReceiveStream {
    return this.#held(receiving((stream) => this.#streams.delete(stream)));
  }

  #held<T extends { lost(): void }>(stream: T): T {
    if (this.#over) stream.lost();
    else this.#streams.add(stream);
    return stream;
  }
}

function sessionClosed(cause?: unknown): EngineError {
  return new EngineError('session-closed', 'the session ended before the stream opened', { cause });
}

/** The sessions of one server, so that it can close them all. */
export class OpenSessions {
  readonly #open = new Set<WebSession>();
  #empty: (() => void) | undefined;

  add(session: WebSession): void {
    this.#open.add(session);
  }

  readonly remove = (session: WebSession): void => {
    this.#open.delete(session);
    if (this.#open.size === 0) this.#empty?.();
  };

  /** Closes every session and waits for the last one, at most `patience` milliseconds. */
  async close(patience: number): Promise<void> {
    if (this.#open.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#empty = resolve;
    });
    for (const session of [...this.#open]) session.close(SERVER_CLOSE.code, SERVER_CLOSE.reason);
    await within(emptied, patience);
  }
}

/** Resolves with the promise or after `patience` milliseconds, whichever is first. True: the promise was. */
export function within(promise: Promise<unknown>, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), patience);
    const settled = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
