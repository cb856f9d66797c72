import type { MessageStream } from '@spillway/delivery';

/** Counts what is on its way to the engine, for all streams of a session. */
export interface Backlog {
  bytes: number;
}

const ignore = (): void => {};

/**
 * An outgoing stream that may not be open yet: what is written until then waits, in order. The transport is its
 * only writer.
 */
export class SendStream implements MessageStream {
  /** The engine has taken everything, and the end. */
  done = false;
  readonly #backlog: Backlog;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #waiting: Uint8Array[] = [];
  #finished = false;
  #reset = false;

  /** `onEnd`: it is over, or never opened; the session's end counts as well. `wanted`: we ended it ourselves. */
  constructor(
    stream: Promise<WritableStream<Uint8Array>>,
    backlog: Backlog,
    onEnd: (wanted: boolean) => void,
  ) {
    this.#backlog = backlog;
    const failed = (): void => {
      this.#drop();
      onEnd(this.#finished || this.#reset);
    };
    stream.then((writable) => {
      const writer = writable.getWriter();
      this.#writer = writer;
      writer.closed.then(() => {
        this.done = true;
        onEnd(true);
      }, failed);
      writer.ready.catch(ignore); // says the same as `closed`
      for (const bytes of this.#waiting) this.#send(writer, bytes);
      this.#waiting = [];
      if (this.#reset) this.reset();
      else if (this.#finished) this.finish();
    }, failed);
  }

  write(bytes: Uint8Array): void {
    this.#backlog.bytes += bytes.length;
    if (this.#writer) this.#send(this.#writer, bytes);
    else this.#waiting.push(bytes);
  }

  /** FIN after what was written. */
  finish(): void {
    this.#finished = true;
    this.#writer?.close().catch(ignore); // `closed` tells
  }

  /** RESET_STREAM: what has not left is given up, also on a stream that is not open yet. */
  reset(): void {
    this.#reset = true;
    this.#drop();
    this.#writer?.abort().catch(ignore);
  }

  #drop(): void {
    for (const { length } of this.#waiting) this.#backlog.bytes -= length;
    this.#waiting = [];
  }

  #send(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array): void {
    const taken = (): void => {
      this.#backlog.bytes -= bytes.length;
    };
    writer.write(bytes).then(taken, taken);
  }
}
