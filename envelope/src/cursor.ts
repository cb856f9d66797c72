import { ProtocolError } from './errors.ts';
import { encodeUtf8, readUtf8, utf8Size } from './utf8.ts';
import { pushVarint, readVarint, varintSize } from './varint.ts';

/** Everything after one another, in one buffer of the exact size. */
export function concat(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const part of parts) size += part.length;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Gathers a header, which is small, and allocates the result once, with the payload behind it. */
export class Writer {
  readonly #bytes: number[] = [];

  byte(value: number): void {
    this.#bytes.push(value);
  }

  varint(value: number): void {
    pushVarint(this.#bytes, value);
  }

  /** Three bytes, big-endian. */
  uint24(value: number): void {
    this.#bytes.push(value >> 16, (value >> 8) & 255, value & 255);
  }

  /** Its size, then the UTF-8. The text is known to be well-formed. */
  string(text: string): void {
    const size = utf8Size(text);
    this.varint(size);
    if (size > text.length) this.#bytes.push(...encodeUtf8(text));
    else for (let index = 0; index < size; index++) this.byte(text.charCodeAt(index));
  }

  /** Its size, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.#bytes.push(...bytes);
  }

  done(payload: ArrayLike<number> = []): Uint8Array<ArrayBuffer> {
    return concat([this.#bytes, payload]);
  }
}

/** A position in received bytes. Every method throws `truncated` rather than read past the end. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    const at = this.#at++;
    if (at >= this.#bytes.length) throw new ProtocolError('truncated', 'inside a field');
    return this.#bytes[at]!;
  }

  varint(): number {
    const value = readVarint(this.#bytes, this.#at);
    this.#at += varintSize(value);
    return value;
  }

  /** Three bytes, big-endian. */
  uint24(): number {
    return (this.byte() << 16) | (this.byte() << 8) | this.byte();
  }

  string(): string {
    const size = this.varint();
    const from = this.#at;
    this.#at += size;
    return readUtf8(this.#bytes, from, this.#at);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const size = this.varint();
    const from = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.length) throw new ProtocolError('truncated', 'inside bytes');
    return this.#bytes.subarray(from, this.#at);
  }

  /** What is left: a view, not a copy. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }
}
