import { ProtocolError } from './errors.ts';

/**
 * Unsigned LEB128, shortest form only, at most 2^53 - 1. Because only the shortest form is valid, a value
 * tells its own size: readers advance by `varintSize(value)` and need no cursor object.
 */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest /= 128) size++;
  return size;
}

/** Writes at `at` and returns the index after the last byte. The caller has checked range and room. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  let rest = value;
  // Division, not shifts: values may be wider than 32 bits.
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[next++] = (rest % 128) | 0x80;
  bytes[next++] = rest;
  return next;
}

/** Reads at `at`. Throws `truncated` or `bad-varint`. */
export function readVarint(bytes: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  // Eight groups of seven bits hold 2^53 - 1; the ninth byte would be past it.
  for (let index = at; index < at + 8; index++) {
    if (index >= bytes.length) throw new ProtocolError('truncated', 'the bytes end inside a varint');
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
