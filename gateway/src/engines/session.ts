import type {
  EngineBidirectionalStream,
  EngineRequest,
  EngineSendStream,
  EngineSession,
  EngineSessionHandler,
} from '../core/contracts/engine.ts';
import { EngineError, SERVER_CLOSE } from '../core/contracts/engine.ts';
import type { DatagramPath } from './datagrams.ts';
import type { StreamDialect } from './stream.ts';
import { ReceiveStream, readAll, SendStream } from './stream.ts';

/** What both packages share of the W3C's WebTransport session. */
export interface PackageSession {
  readonly closed: Promise<{ readonly closeCode?: number; readonly reason?: string }>;
  readonly incomingBidirectionalStreams: ReadableStream<PackageStream>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  createBidirectionalStream(options?: { waitUntilAvailable?: boolean }): Promise<PackageStream>;
  createUnidirectionalStream(options?: { waitUntilAvailable?: boolean }): Promise<WritableStream<Uint8Array>>;
  close(info: { closeCode: number; reason: string }): void;
}

interface PackageStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** How long a peer that takes nothing can hold up the end of a session that was closed here, in milliseconds. */
const CLOSING = 2000;

const WAIT = { waitUntilAvailable: true } as const;

/** An `EngineSession` over a package's W3C session. Reads everything eagerly from `start` on. */
export class WebSession implements EngineSession {
  readonly request: EngineRequest;
  readonly #session: PackageSession;
  readonly #dialect: StreamDialect;
  readonly #datagrams: DatagramPath;
  readonly #streams = new Set<SendStream | ReceiveStream>();
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
    dialect: StreamDialect,
    gone: (session: WebSession) => void,
  ) {
    this.request = request;
    this.#session = session;
    this.#dialect = dialect;
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
    readAll(this.#session.incomingBidirectionalStreams, (stream) => {
      if (!this.#over) handler.bidirectional(this.#bidirectional(stream));
    });
    readAll(this.#session.incomingUnidirectionalStreams, (readable) => {
      if (!this.#over) handler.unidirectional(this.#receive(readable));
    });
  }

  sendDatagram(bytes: Uint8Array): boolean {
    return this.#closing === undefined && this.#datagrams.send(bytes);
  }

  async openUnidirectional(): Promise<EngineSendStream> {
    return this.#send(await this.#opened(() => this.#session.createUnidirectionalStream(WAIT)));
  }

  async openBidirectional(): Promise<EngineBidirectionalStream> {
    return this.#bidirectional(await this.#opened(() => this.#session.createBidirectionalStream(WAIT)));
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = { code, reason };
    this.#session.close({ closeCode: code, reason });
    this.#patience = setTimeout(() => {
      this.#dialect.sever();
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

  #bidirectional(stream: PackageStream): EngineBidirectionalStream {
    return { send: this.#send(stream.writable), receive: this.#receive(stream.readable) };
  }

  #send(writable: WritableStream<Uint8Array>): SendStream {
    return this.#held(new SendStream(writable, this.#dialect, (stream) => this.#streams.delete(stream)));
  }

  #receive(readable: ReadableStream<Uint8Array>): ReceiveStream {
    return this.#held(new ReceiveStream(readable, this.#dialect, (stream) => this.#streams.delete(stream)));
  }

  #held<T extends SendStream | ReceiveStream>(stream: T): T {
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
