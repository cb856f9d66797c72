import { encodeUtf8, utf8Size } from '../utf8.ts';

/** A buffer that is written from the front and used again and again. The writer above it sees to it that there is room. */
export class Room {
  readonly bytes: Uint8Array<ArrayBuffer>;
  at = 0;
  readonly #view: DataView<ArrayBuffer>;

  /** @param size in bytes */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** Unsigned LEB128 of a safe integer. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) | 0x80;
    for (; rest >= 128; rest >>>= 7) this.bytes[this.at++] = (rest & 127) | 0x80;
    this.bytes[this.at++] = rest;
  }

  /** Zigzag varint of an integer up to 2^52 either way. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Fixed integers and floats are little-endian. */
  uint16(value: number): void {
    this.#view.setUint16(this.at, value, true);
    this.at += 2;
  }

  /** Writes over what stands at `at`. */
  patch16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  uint32(value: number): void {
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  float32(value: number): void {
    this.#view.setFloat32(this.at, value, true);
    this.at += 4;
  }

  float64(value: number): void {
    this.#view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** Its size, then the UTF-8. The text is known to be well-formed. */
  text(text: string): void {
    this.varint(utf8Size(text));
    const bytes = encodeUtf8(text);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** A copy of what is written. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.at);
  }
}
