import { ProtocolError } from './errors.ts';
import { encodeUtf8, readUtf8, utf8Size } from './utf8.ts';

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

/** Bytes of `value` as unsigned LEB128; a safe integer. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes it at `at`; the position behind it. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let end = at;
  // Division, not shifts: values may be wider than 32 bits.
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) | 0x80;
  bytes[end++] = rest;
  return end;
}

/** Small results share slabs of this size: memory of its own costs an array more than all that is written into it. */
const SLAB = 8192;
/** Results up to this size do. */
const SHARING = 2048;
/** Where headers are gathered. It carries nothing from one envelope to the next, and grows to the largest header. */
let scratch = new Uint8Array(1024);
let slab = new ArrayBuffer(SLAB);
let taken = 0;

/** Zeroes, to be written once by whoever asked. */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  if (size > SHARING) return new Uint8Array(size);
  if (taken + size > SLAB) {
    slab = new ArrayBuffer(SLAB);
    taken = 0;
  }
  const bytes = new Uint8Array(slab, taken, size);
  taken += size;
  return bytes;
}

/** Gathers a header, and allocates the result once, with the payload behind it. One at a time. */
export class Writer {
  #size = 0;

  byte(value: number): void {
    if (this.#size === scratch.length) this.#grow(1);
    scratch[this.#size++] = value;
  }

  /** Unsigned LEB128 of a safe integer. */
  varint(value: number): void {
    let rest = value;
    // Division, not shifts: values may be wider than 32 bits.
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80);
    this.byte(rest);
  }

  /** Three bytes, big-endian. */
  uint24(value: number): void {
    this.byte(value >> 16);
    this.byte(value >> 8);
    this.byte(value);
  }

  /** Its size, then the UTF-8. The text is known to be well-formed. */
  string(text: string): void {
    const size = utf8Size(text);
    if (size > text.length) {
      this.bytes(encodeUtf8(text));
      return;
    }
    this.varint(size);
    for (let index = 0; index < size; index++) this.byte(text.charCodeAt(index));
  }

  /** Its size, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    if (this.#size + bytes.length > scratch.length) this.#grow(bytes.length);
    scratch.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  done(payload?: Uint8Array): Uint8Array<ArrayBuffer> {
    const size = this.#size;
    const bytes = allocate(size + (payload?.length ?? 0));
    // A loop is faster than a call where there is as little as a hot header.
    if (size > SHORT) bytes.set(scratch.subarray(0, size));
    else for (let at = 0; at < size; at++) bytes[at] = scratch[at]!;
    if (payload !== undefined) bytes.set(payload, size);
    return bytes;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(scratch.length * 2, this.#size + by));
    larger.set(scratch);
    scratch = larger;
  }
}

/** Bytes of a header that are copied one by one. */
const SHORT = 32;

/** A position in received bytes. Every method throws `truncated` rather than read past the end. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#bytes[this.skip(1)]!;
  }

  /** Unsigned LEB128, shortest form only, at most 2^53 - 1. Throws `bad-varint` for any other. */
  varint(): number {
    let value = 0;
    // Eight groups of seven bits hold 2^53 - 1; a ninth would be past it.
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if (byte === 0 && scale > 1) throw new ProtocolError('bad-varint', 'longer than needed');
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw new ProtocolError('bad-varint', 'past 2^53 - 1');
  }

  /** Three bytes, big-endian. */
  uint24(): number {
    return (this.byte() << 16) | (this.byte() << 8) | this.byte();
  }

  /** A size, then that much UTF-8. */
  string(): string {
    const size = this.varint();
    const from = this.skip(size);
    return readUtf8(this.#bytes, from, from + size);
  }

  /** A size, then that many bytes: a view, not a copy. */
  bytes(): Uint8Array {
    return this.take(this.varint());
  }

  /** The next bytes, all that are left unless told otherwise: a view, not a copy. */
  take(size = this.left): Uint8Array {
    const from = this.skip(size);
    return this.#bytes.subarray(from, from + size);
  }

  /** Moves on and returns where it was. */
  skip(size: number): number {
    if (size > this.left) throw new ProtocolError('truncated', 'the bytes end inside a field');
    const from = this.#at;
    this.#at += size;
    return from;
  }
}
