import type { EngineReceiveStream, EngineSendStream, EngineStreamHandler } from '../core/contracts/engine.ts';

/** Where one package departs from the W3C's streams. */
export interface StreamDialect {
  /** The reason for `abort` and `cancel` that makes the package send this application code. */
  reason(code: number): unknown;
  /** The application code in the error of a failed read; 0 where it holds none. */
  code(error: unknown): number;
  /** The number of the write that the session began last. */
  writeId(): number;
  /**
   * Settles a write that flow control holds up, so that the reset behind it can go. `writeId` is undefined
   * where the stream did not begin the write at once.
   */
  release(writable: WritableStream<Uint8Array>, writeId: number | undefined): void;
  /** Ends a session whose own close cannot get out, because its peer takes nothing in. */
  sever(): void;
}

/**
 * Most bytes joined into one write. A `WritableStream` passes on one write at a time, each a round trip to
 * the package's thread, so what gathers meanwhile goes as one; 64 KiB is past the point where that is felt.
 */
const JOINED_BYTES = 64 * 1024;

const nothing = () => {};

/**
 * Hands out what comes until the end. Never cancels: one of the packages answers that with an uncaught error later.
 */
export function readAll<T>(stream: ReadableStream<T>, take: (value: T) => void): void {
  const reader = stream.getReader();
  reader.closed.catch(nothing);
  const took = ({ done, value }: ReadableStreamReadResult<T>): void => {
    if (done) return;
    take(value);
    reader.read().then(took, nothing);
  };
  reader.read().then(took, nothing);
}

/** An `EngineSendStream` over a W3C send stream. */
export class SendStream implements EngineSendStream {
  readonly #writable: WritableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #dialect: StreamDialect;
  readonly #gone: (stream: SendStream) => void;
  #queue: Uint8Array[] = [];
  #backlog = 0;
  #inFlight = 0;
  #writeId: number | undefined;
  #finishing = false;
  #over = false;

  /** `gone` is called once, when nothing more can be sent. */
  constructor(
    writable: WritableStream<Uint8Array>,
    dialect: StreamDialect,
    gone: (stream: SendStream) => void,
  ) {
    this.#writable = writable;
    this.#dialect = dialect;
    this.#gone = gone;
    this.#writer = writable.getWriter();
    // STOP_SENDING with nothing in flight shows here alone.
    this.#writer.closed.then(this.lost, this.lost);
  }

  get backlog(): number {
    return this.#backlog;
  }

  get done(): boolean {
    return this.#over;
  }

  write(bytes: Uint8Array): void {
    if (this.#over || this.#finishing || bytes.byteLength === 0) return;
    this.#backlog += bytes.byteLength;
    if (this.#inFlight > 0) this.#queue.push(bytes);
    else this.#send(bytes);
  }

  finish(): void {
    if (this.#over || this.#finishing) return;
    this.#finishing = true;
    if (this.#inFlight === 0) this.#close();
  }

  reset(code: number): void {
    if (this.#over) return;
    const stalled = this.#inFlight > 0;
    this.lost();
    this.#writer.abort(this.#dialect.reason(code)).catch(nothing);
    // `abort` waits for the write in flight, which waits for the peer's credit: perhaps for ever.
    if (stalled) this.#dialect.release(this.#writable, this.#writeId);
  }

  /** Nothing more can be sent: the session ended, the peer stopped the stream, or its end is on the way. */
  readonly lost = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    this.#backlog = 0;
    this.#gone(this);
  };

  #send(bytes: Uint8Array): void {
    this.#inFlight = bytes.byteLength;
    const before = this.#dialect.writeId();
    this.#writer.write(bytes).then(this.#written, this.lost);
    const after = this.#dialect.writeId();
    this.#writeId = after === before ? undefined : after;
  }

  readonly #written = (): void => {
    if (this.#over) return;
    this.#backlog -= this.#inFlight;
    this.#inFlight = 0;
    if (this.#queue.length > 0) this.#send(takeJoined(this.#queue));
    else if (this.#finishing) this.#close();
  };

  #close(): void {
    this.#writer.close().catch(nothing);
    // No reset overtakes FIN: the package has the last byte already.
    this.lost();
  }
}

/** Takes the first buffers off the queue as one, up to `JOINED_BYTES` unless the first is longer. */
function takeJoined(queue: Uint8Array[]): Uint8Array {
  let count = 0;
  let length = 0;
  for (const bytes of queue) {
    if (count > 0 && length + bytes.byteLength > JOINED_BYTES) break;
    length += bytes.byteLength;
    count += 1;
  }
  const taken = queue.splice(0, count);
  if (taken.length === 1) return taken[0]!;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const bytes of taken) {
    joined.set(bytes, offset);
    offset += bytes.byteLength;
  }
  return joined;
}

/** An `EngineReceiveStream` over a W3C receive stream. */
export class ReceiveStream implements EngineReceiveStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #dialect: StreamDialect;
  readonly #gone: (stream: ReceiveStream) => void;
  #handler: EngineStreamHandler | undefined;
  #over = false;

  /** `gone` is called once, when nothing more will be read. */
  constructor(
    readable: ReadableStream<Uint8Array>,
    dialect: StreamDialect,
    gone: (stream: ReceiveStream) => void,
  ) {
    this.#dialect = dialect;
    this.#gone = gone;
    this.#reader = readable.getReader();
    this.#reader.closed.catch(nothing);
  }

  start(handler: EngineStreamHandler): void {
    if (this.#handler !== undefined) return;
    this.#handler = handler;
    if (this.#over) handler.end(0);
    else this.#read();
  }

  cancel(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.cancel(this.#dialect.reason(code)).catch(nothing);
    this.#gone(this);
  }

  /** The session is gone and the package may leave the stream hanging. */
  lost(): void {
    this.#end(0);
  }

  #read(): void {
    this.#reader.read().then(this.#took, this.#failed);
  }

  readonly #took = ({ done, value }: ReadableStreamReadResult<Uint8Array>): void => {
    if (this.#over) return;
    if (done) {
      this.#end(undefined);
      return;
    }
    this.#handler?.data(value);
    if (!this.#over) this.#read();
  };

  readonly #failed = (error: unknown): void => this.#end(this.#dialect.code(error));

  #end(resetCode: number | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#gone(this);
    this.#handler?.end(resetCode);
  }
}
