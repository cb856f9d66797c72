import type { HeldReceiveStream, SendSink, StreamDialect } from './stream.ts';
import { ReceiveStream, readAll, WritableSink } from './stream.ts';

/** Makes a receive stream; `gone` is called once, when nothing more will be read. */
export type Receiving = (gone: (stream: HeldReceiveStream) => void) => HeldReceiveStream;

/** Who takes the streams that the peer opens. */
export interface StreamTaker {
  bidirectional(send: SendSink, receive: Receiving): void;
  unidirectional(receive: Receiving): void;
}

/** The streams of a session, as its package has them. */
export interface PackageStreams {
  /** Hands out each that the peer opens. Called once. */
  start(taker: StreamTaker): void;
  openUnidirectional(): Promise<SendSink>;
  openBidirectional(): Promise<{ readonly send: SendSink; readonly receive: Receiving }>;
  /** Ends a session whose own close cannot get out, because its peer takes nothing in. */
  sever(): void;
}

/** The part of the W3C's session that has streams. */
export interface StreamSession {
  readonly incomingBidirectionalStreams: ReadableStream<BidirectionalStream>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  createBidirectionalStream(options?: { waitUntilAvailable?: boolean }): Promise<BidirectionalStream>;
  createUnidirectionalStream(options?: { waitUntilAvailable?: boolean }): Promise<WritableStream<Uint8Array>>;
}

interface BidirectionalStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

const WAIT = { waitUntilAvailable: true } as const;

/** The W3C's streams of a package. */
export class W3cStreams implements PackageStreams {
  readonly #session: StreamSession;
  readonly #dialect: StreamDialect;

  constructor(session: StreamSession, dialect: StreamDialect) {
    this.#session = session;
    this.#dialect = dialect;
  }

  start(taker: StreamTaker): void {
    readAll(this.#session.incomingBidirectionalStreams, ({ readable, writable }) =>
      taker.bidirectional(this.#sink(writable), this.#receiving(readable)),
    );
    readAll(this.#session.incomingUnidirectionalStreams, (readable) =>
      taker.unidirectional(this.#receiving(readable)),
    );
  }

  async openUnidirectional(): Promise<SendSink> {
    return this.#sink(await this.#session.createUnidirectionalStream(WAIT));
  }

  async openBidirectional(): Promise<{ readonly send: SendSink; readonly receive: Receiving }> {
    const { readable, writable } = await this.#session.createBidirectionalStream(WAIT);
    return { send: this.#sink(writable), receive: this.#receiving(readable) };
  }

  sever(): void {
    // The one package that is used through these closes without waiting for its peer.
  }

  #sink(writable: WritableStream<Uint8Array>): SendSink {
    return new WritableSink(writable, this.#dialect);
  }

  #receiving(readable: ReadableStream<Uint8Array>): Receiving {
    return (gone) => new ReceiveStream(readable, this.#dialect, gone);
  }
}
