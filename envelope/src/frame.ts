import { allocate, putVarint, varintSize } from './cursor.ts';
import { ProtocolError } from './errors.ts';
import { badValue } from './fields.ts';

/** One envelope as it goes into a byte stream: its length as a varint, then itself. */
export function frame(envelope: Uint8Array): Uint8Array<ArrayBuffer> {
  if (envelope.length === 0) throw badValue('frame', 'at least one byte');
  const bytes = allocate(varintSize(envelope.length) + envelope.length);
  bytes.set(envelope, putVarint(bytes, 0, envelope.length));
  return bytes;
}

/**
 * Cuts a byte stream into frames, however its chunks are split. A frame that lies within one chunk is handed
 * out as a view of it; any other is gathered in a buffer of its exact size. After an error the stream cannot
 * be read on, and the reader throws that error again.
 */
export class FrameReader {
  readonly #maxBytes: number;
  /** The length read so far, and the weight of its next seven bits. */
  #length = 0;
  #scale = 1;
  /** Bytes of the length seen; 0 between frames. */
  #lengthBytes = 0;
  #frame: Uint8Array | undefined;
  #filled = 0;
  #error: ProtocolError | undefined;

  /** `maxBytes`: the longest frame taken, without its length field. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held of a frame that is not complete. At the end of a stream anything but 0 means it was cut. */
  get pending(): number {
    return this.#lengthBytes + this.#filled;
  }

  /**
   * Takes the next chunk and hands out each frame that it completes. The chunk must not change as long as a
   * frame of it is in use. Throws `too-large` as soon as a length is known to be past the limit, before any
   * allocation; `bad-varint`; `bad-value` for a frame of no bytes.
   */
  push(chunk: Uint8Array, onFrame: (bytes: Uint8Array) => void): void {
    if (this.#error) throw this.#error;
    let at = 0;
    while (at < chunk.length) {
      if (!this.#frame) {
        if (!this.#readLength(chunk[at++]!)) continue;
        if (this.#length <= chunk.length - at) {
          const end = at + this.#length;
          this.#reset();
          onFrame(chunk.subarray(at, end));
          at = end;
          continue;
        }
        this.#frame = new Uint8Array(this.#length);
      }
      const part = chunk.subarray(at, at + this.#frame.length - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#frame.length) {
        const whole = this.#frame;
        this.#reset();
        onFrame(whole);
      }
    }
  }

  /** True when the length is complete. */
  #readLength(byte: number): boolean {
    this.#length += (byte & 0x7f) * this.#scale;
    this.#scale *= 128;
    this.#lengthBytes++;
    if (this.#length > this.#maxBytes)
      throw this.#fail('too-large', `a frame of more than ${this.#maxBytes} bytes`);
    if (byte >= 0x80) {
      if (this.#lengthBytes === 8) throw this.#fail('bad-varint', 'past 2^53 - 1');
      return false;
    }
    if (byte === 0 && this.#lengthBytes > 1) throw this.#fail('bad-varint', 'longer than needed');
    if (this.#length === 0) throw this.#fail('bad-value', 'a frame of no bytes');
    return true;
  }

  #fail(code: ProtocolError['code'], message: string): ProtocolError {
    this.#error = new ProtocolError(code, message);
    return this.#error;
  }

  #reset(): void {
    this.#length = 0;
    this.#scale = 1;
    this.#lengthBytes = 0;
    this.#frame = undefined;
    this.#filled = 0;
  }
}
