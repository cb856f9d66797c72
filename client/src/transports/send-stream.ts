/** Counts what is on its way to the engine, for all streams of a session. */
export interface Backlog {
  bytes: number;
}

/**
 * An outgoing stream that may not be open yet: what is written until then waits, in order. The transport is its
 * only writer.
 */
export class SendStream {
  readonly #backlog: Backlog;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #waiting: Uint8Array[] = [];
  #finished = false;

  /** `onEnd`: it is over, or never opened; the session's end counts as well. */
  constructor(stream: Promise<WritableStream<Uint8Array>>, backlog: Backlog, onEnd: () => void) {
    this.#backlog = backlog;
    stream.then((writable) => {
      const writer = writable.getWriter();
      this.#writer = writer;
      writer.closed.then(onEnd, onEnd);
      writer.ready.catch(() => {}); // says the same as `closed`
      for (const bytes of this.#waiting) this.#send(writer, bytes);
      this.#waiting = [];
      if (this.#finished) this.finish();
    }, onEnd);
  }

  write(bytes: Uint8Array): void {
    this.#backlog.bytes += bytes.length;
    if (this.#writer) this.#send(this.#writer, bytes);
    else this.#waiting.push(bytes);
  }

  /** FIN after what was written. */
  finish(): void {
    this.#finished = true;
    this.#writer?.close().catch(() => {}); // `closed` tells
  }

  #send(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array): void {
    const taken = (): void => {
      this.#backlog.bytes -= bytes.length;
    };
    writer.write(bytes).then(taken, taken);
  }
}
