import type { EngineReceiveStream, EngineSendStream, EngineStreamHandler } from '../core/contracts/engine.ts';

/** Where one package departs from the W3C's streams. */
export interface StreamDialect {
  /** The reason for `abort` and `cancel` that makes the package send this application code. */
  reason(code: number): unknown;
  /** The application code in the error of a failed read; 0 where it holds none. */
  code(error: unknown): number;
  /** Settles a write that flow control holds up, so that the reset behind it can go. */
  release(writable: WritableStream<Uint8Array>): void;
}

/** What a stream's bytes go into. The stream is its only user. */
export interface SendSink {
  /** One at a time: the next comes after `written`, or `lost` where nothing more can be sent. */
  write(bytes: Uint8Array, written: () => void, lost: () => void): void;
  /** FIN. */
  finish(): void;
  /** `stalled`: a write is under way, perhaps for ever. */
  reset(code: number, stalled: boolean): void;
  /** Calls `lost` when the peer stops the stream or the session ends, also while nothing is written. Once, at first. */
  watch(lost: () => void): void;
}

/** A receive stream that its session ends where nobody else does. */
export interface HeldReceiveStream extends EngineReceiveStream {
  lost(): void;
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

/** A W3C send stream as a sink. */
export class WritableSink implements SendSink {
  readonly #writable: WritableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #dialect: StreamDialect;

  constructor(writable: WritableStream<Uint8Array>, dialect: StreamDialect) {
    this.#writable = writable;
    this.#dialect = dialect;
    this.#writer = writable.getWriter();
  }

  watch(lost: () => void): void {
    // STOP_SENDING with nothing in flight shows here alone.
    this.#writer.closed.then(lost, lost);
  }

  write(bytes: Uint8Array, written: () => void, lost: () => void): void {
    this.#writer.write(bytes).then(written, lost);
  }

  finish(): void {
    this.#writer.close().catch(nothing);
  }

  reset(code: number, stalled: boolean): void {
    this.#writer.abort(this.#dialect.reason(code)).catch(nothing);
    // `abort` waits for the write in flight, which waits for the peer's credit: perhaps for ever.
    if (stalled) this.#dialect.release(this.#writable);
  }
}

/** An `EngineSendStream` that joins what is written while a write is under way. */
export class SendStream implements EngineSendStream {
  readonly #sink: SendSink;
  readonly #gone: (stream: SendStream) => void;
  #queue: Uint8Array[] = [];
  #backlog = 0;
  #inFlight = 0;
  #finishing = false;
  #over = false;

  /** `gone` is called once, when nothing more can be sent. */
  constructor(sink: SendSink, gone: (stream: SendStream) => void) {
    this.#sink = sink;
    this.#gone = gone;
    sink.watch(this.lost);
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
    this.#sink.reset(code, stalled);
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
    this.#sink.write(bytes, this.#written, this.lost);
  }

  readonly #written = (): void => {
    if (this.#over) return;
    this.#backlog -= this.#inFlight;
    this.#inFlight = 0;
    if (this.#queue.length > 0) this.#send(takeJoined(this.#queue));
    else if (this.#finishing) this.#close();
  };

  #close(): void {
    this.#sink.finish();
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
export class ReceiveStream implements HeldReceiveStream {
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
