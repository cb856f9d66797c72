import type { MessageStream } from '@spillway/delivery';
import type { EngineSendStream } from '../core/contracts/engine.ts';

/** Application code of a reset: what was under way is worth nothing any more. */
const GIVEN_UP = 0;

/**
 * A stream of ours: control, a lane, or one message. It may not be open yet: what is written until then waits, in
 * order. The transport is the only writer.
 */
export class OutgoingStream implements MessageStream {
  #stream: EngineSendStream | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #end: 'finish' | 'reset' | undefined;
  #failed = false;
  /** Already among those that the transport asks for their backlog. */
  counted = false;

  /** Bytes not yet taken by the QUIC stack. */
  get backlog(): number {
    return this.#stream === undefined ? this.#waitingBytes : this.#stream.backlog;
  }

  /** The QUIC stack has everything and the end; or there is no stream any more. It takes no place then. */
  get done(): boolean {
    return this.#stream === undefined ? this.#failed : this.#stream.done;
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
    this.#discard();
    if (this.#end === 'finish') stream.finish();
    else if (this.#end === 'reset') stream.reset(GIVEN_UP);
  }

  /** The session ended before there was a stream. */
  failed(): void {
    this.#failed = true;
    this.#discard();
  }

  /** FIN after what was written. */
  finish(): void {
    this.#end = 'finish';
    this.#stream?.finish();
  }

  /** Drops what has not left. A stream that is not open yet cannot be called off; it is reset as soon as it is. */
  reset(): void {
    this.#end = 'reset';
    this.#discard();
    this.#stream?.reset(GIVEN_UP);
  }

  #discard(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
