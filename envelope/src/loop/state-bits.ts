import { ProtocolError } from '../errors.ts';
import { readUtf8 } from '../utf8.ts';

/** Quotients below this are told in unary; so many ones are an escape, and the level follows in full. */
export const ESCAPE = 8;
/** No value of ours has a longer Exp-Golomb code: 33 bits would be past 2^16. */
const MAX_GOLOMB_ZEROS = 32;

/** Writes bits, most significant first, into a buffer of fixed size. The caller knows that they fit. */
export class BitWriter {
  readonly bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Bits written since `start`. */
  get length(): number {
    return this.#at * 8 + this.#count;
  }

  /** Begins anew. */
  start(): void {
    this.#at = 0;
    this.#held = 0;
    this.#count = 0;
  }

  /** The low `count` bits of `value`, 0-32. */
  write(value: number, count: number): void {
    if (count > 24) {
      this.write(value >>> 16, count - 16);
      this.write(value & 0xffff, 16);
      return;
    }
    // At most 7 bits are held from before, so 24 more fit an int32.
    this.#held = (this.#held << count) | value;
    this.#count += count;
    while (this.#count >= 8) {
      this.#count -= 8;
      this.bytes[this.#at++] = this.#held >>> this.#count;
    }
    this.#held &= (1 << this.#count) - 1;
  }

  /** Exp-Golomb of order 0: 0 is one bit, 1 and 2 are three, 3 to 6 five. Up to 2^31. */
  golomb(value: number): void {
    const width = 32 - Math.clz32(value + 1);
    this.write(0, width - 1);
    this.write(value + 1, width);
  }

  /** Fills the last byte with zeros. Returns the size in bytes. */
  finish(): number {
    if (this.#count > 0) this.write(0, 8 - this.#count);
    return this.#at;
  }
}

/** Reads what BitWriter wrote. Every method throws ProtocolError `truncated` rather than read past the end. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#at = 0;
  }

  /** The next `count` bits, 0-32, as an unsigned number. */
  read(count: number): number {
    if (count > 24) return this.read(count - 16) * 0x10000 + this.read(16);
    while (this.#count < count) {
      if (this.#at >= this.#bytes.length)
        throw new ProtocolError('truncated', 'the bytes end inside a record');
      this.#held = (this.#held << 8) | this.#bytes[this.#at++]!;
      this.#count += 8;
    }
    this.#count -= count;
    const value = this.#held >>> this.#count;
    this.#held &= (1 << this.#count) - 1;
    return value;
  }

  /** Throws `bad-value` past 2^31. */
  golomb(): number {
    let zeros = 0;
    while (this.read(1) === 0) {
      if (++zeros >= MAX_GOLOMB_ZEROS) throw new ProtocolError('bad-value', 'a number past 2^31');
    }
    return 2 ** zeros + this.read(zeros) - 1;
  }

  /** How many ones come before the next zero, at most ESCAPE. */
  unary(): number {
    let ones = 0;
    while (ones < ESCAPE && this.read(1) === 1) ones++;
    return ones;
  }

  /** That many bytes of UTF-8. Throws `bad-utf8`. */
  text(size: number): string {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at++) bytes[at] = this.read(8);
    return readUtf8(bytes);
  }

  /** Throws `trailing-bytes`, or `bad-flags` where the bits that fill the last byte are not zero. */
  end(): void {
    if (this.#at < this.#bytes.length)
      throw new ProtocolError('trailing-bytes', 'bytes after the last record');
    if (this.#held !== 0) throw new ProtocolError('bad-flags', 'the last byte is not filled with zeros');
  }
}
