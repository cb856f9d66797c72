import { ProtocolError } from './errors.ts';

/**
 * Unsigned LEB128, shortest form only, at most 2^53 - 1. Because only the shortest form is valid, a value
 * tells its own size: who has read one goes on at `at + varintSize(value)`.
 */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest /= 128) size++;
  return size;
}

/** Appends a value whose range the caller has checked. */
export function pushVarint(out: number[], value: number): void {
  let rest = value;
  // Division, not shifts: values may be wider than 32 bits.
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  out.push(rest);
}

/** Reads at `at`. Throws `truncated` or `bad-varint`. */
export function readVarint(bytes: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  // Eight groups of seven bits hold 2^53 - 1; a ninth would be past it.
  for (let index = at; index < at + 8; index++) {
    if (index >= bytes.length) throw new ProtocolError('truncated', 'inside a varint');
    const byte = bytes[index]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (byte === 0 && index > at) throw new ProtocolError('bad-varint', 'longer than needed');
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    scale *= 128;
  }
  throw new ProtocolError('bad-varint', 'past 2^53 - 1');
}
