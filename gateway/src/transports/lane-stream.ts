import type { EngineSendStream } from '../core/contracts/engine.ts';

/**
 * The outgoing stream of one lane. It may not be open yet: what is written until then waits, in order. The
 * transport is the only writer.
 */
export class LaneStream {
  #stream: EngineSendStream | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #finished = false;
  /** Already among those that the transport asks for their backlog. */
  counted = false;

  /** Bytes not yet taken by the QUIC stack. */
  get backlog(): number {
    return this.#stream === undefined ? this.#waitingBytes : this.#stream.backlog;
  }

  write(bytes: Uint8Array): void {
    if (this.#stream !== undefined) {
      this.#stream.write(bytes);
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  opened(stream: EngineSendStream): void {
    this.#stream = stream;
    for (const bytes of this.#waiting) stream.write(bytes);
    this.#waiting = [];
    if (this.#finished) stream.finish();
  }

  /** FIN after what was written. */
  finish(): void {
    this.#finished = true;
    this.#stream?.finish();
  }
}
