import { ProtocolError } from '../errors.ts';
import type { Scan } from './scan.ts';

/** Numbers in a frame; the last one of a column may have fewer. A full frame ends on a byte at any width. */
export const FRAME = 32;

/** Bytes of a frame at most: width, shift, 32 numbers of 32 bits. */
export const MAX_FRAME = 2 + 4 * FRAME;

/** In the width byte: a byte follows with the number of zero bits that all numbers end in, which are left out. */
const SHIFTED = 0x40;

/** Below this a number and what is left of the byte before it fit 32 bits. */
const ONE_STEP = 24;

/** Bytes that `count` numbers take whose bits are `or`ed into one; with a shift where `shifting`. */
export function frameSize(or: number, count: number, shifting: boolean): number {
  const shift = shifting ? endingZeros(or) : 0;
  const width = 32 - Math.clz32(or) - shift;
  return 1 + (shift > 0 ? 1 : 0) + ((width * count + 7) >> 3);
}

/**
 * Writes the first `count` of `numbers`, each with the same number of bits, lowest first. `or`: all of them `or`ed.
 * Returns the position after them; the room is there.
 */
export function packFrame(
  numbers: Uint32Array,
  count: number,
  or: number,
  shifting: boolean,
  bytes: Uint8Array,
  from: number,
): number {
  const shift = shifting ? endingZeros(or) : 0;
  const width = 32 - Math.clz32(or) - shift;
  let at = from;
  bytes[at++] = shift > 0 ? width | SHIFTED : width;
  if (shift > 0) bytes[at++] = shift;
  let bits = 0;
  let have = 0;
  for (let index = 0; index < count; index++) {
    const number = numbers[index]! >>> shift;
    // Up to 7 bits are left over: a wide number goes in two steps.
    const low = width > ONE_STEP ? number & 0xffff : number;
    bits |= low << have;
    have += width > ONE_STEP ? 16 : width;
    for (; have >= 8; have -= 8, bits >>>= 8) bytes[at++] = bits;
    if (width <= ONE_STEP) continue;
    bits |= (number >>> 16) << have;
    have += width - 16;
    for (; have >= 8; have -= 8, bits >>>= 8) bytes[at++] = bits;
  }
  if (have > 0) bytes[at++] = bits;
  return at;
}

/** Reads `count` numbers, 32 at most, into `numbers`. Throws `truncated`, and `bad-value` for a width past 32 bits. */
export function unpackFrame(scan: Scan, count: number, numbers: Uint32Array): void {
  const first = scan.byte();
  const width = first & 0x3f;
  const shift = first & SHIFTED ? scan.byte() : 0;
  if (first >= 0x80 || width + shift > 32 || (first & SHIFTED && (shift === 0 || width === 0)))
    throw new ProtocolError('bad-value', `frame of ${width} bits, shifted by ${shift}`);
  let at = scan.skip((width * count + 7) >> 3);
  const { bytes } = scan;
  if (width === 0) {
    numbers.fill(0, 0, count);
    return;
  }
  if (width > ONE_STEP) {
    unpackWide(bytes, at, width, shift, count, numbers);
    return;
  }
  const mask = (1 << width) - 1;
  let bits = 0;
  let have = 0;
  for (let index = 0; index < count; index++) {
    for (; have < width; have += 8) bits |= bytes[at++]! << have;
    numbers[index] = (bits & mask) << shift;
    bits >>>= width;
    have -= width;
  }
}

function unpackWide(
  bytes: Uint8Array,
  from: number,
  width: number,
  shift: number,
  count: number,
  numbers: Uint32Array,
): void {
  const mask = 2 ** (width - 16) - 1;
  let at = from;
  let bits = 0;
  let have = 0;
  for (let index = 0; index < count; index++) {
    for (; have < 16; have += 8) bits |= bytes[at++]! << have;
    const low = bits & 0xffff;
    bits >>>= 16;
    have -= 16;
    for (; have < width - 16; have += 8) bits |= bytes[at++]! << have;
    numbers[index] = (low | ((bits & mask) << 16)) << shift;
    bits >>>= width - 16;
    have -= width - 16;
  }
}

/** How many zero bits it ends in; none for 0. */
function endingZeros(or: number): number {
  return or === 0 ? 0 : 31 - Math.clz32(or & -or);
}
