import { ProtocolError } from '../errors.ts';
import { readUtf8 } from '../utf8.ts';

/** A position in received bytes that can be set anew: one serves all packets. Throws `truncated` rather than read past the end. */
export class Scan {
  bytes: Uint8Array = new Uint8Array();
  at = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));

  set(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw truncated();
    return this.bytes[this.at++]!;
  }

  /** Unsigned LEB128, shortest form only, at most 2^53 - 1. Throws `bad-varint` for any other. */
  varint(): number {
    const first = this.byte();
    if (first < 128) return first;
    let value = first & 127;
    for (let scale = 128; scale < 2 ** 56; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte >= 128) continue;
      if (byte === 0) throw new ProtocolError('bad-varint', 'longer than needed');
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw new ProtocolError('bad-varint', 'past 2^53 - 1');
  }

  /** A signed integer as zigzag varint: 0, -1, 1, -2, … are 0, 1, 2, 3, … */
  signed(): number {
    const zigzag = this.varint();
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  uint16(): number {
    const at = this.skip(2);
    return this.#view.getUint16(at, true);
  }

  uint32(): number {
    const at = this.skip(4);
    return this.#view.getUint32(at, true);
  }

  float32(): number {
    const at = this.skip(4);
    return this.#view.getFloat32(at, true);
  }

  float64(): number {
    const at = this.skip(8);
    return this.#view.getFloat64(at, true);
  }

  /** A size, then that much UTF-8. Throws `bad-value` past `most` bytes. */
  text(most: number): string {
    const size = this.varint();
    if (size > most) throw new ProtocolError('bad-value', `text of ${size} bytes, ${most} at most`);
    const from = this.skip(size);
    return readUtf8(this.bytes, from, from + size);
  }

  /** Moves on and returns where it was. */
  skip(size: number): number {
    const from = this.at;
    if (size > this.bytes.length - from) throw truncated();
    this.at = from + size;
    return from;
  }
}

function truncated(): ProtocolError {
  return new ProtocolError('truncated', 'the bytes end inside a field');
}
