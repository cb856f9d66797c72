import { MAX_TS } from './bounds.ts';

// The flags byte of event, request and response. Bits 0-1: delivery.
export const CODEC_SHIFT = 2;
export const COMPACT = 0x10;
export const STAMPED = 0x20;
export const KEYED = 0x40;
export const IDENTIFIED = 0x80;
/** Only in a response, which has no key. */
export const MORE = KEYED;

/** A compact header carries only the low 24 bits of `ts`. */
export const LOW_TS = 2 ** 24;

/** The low 24 bits of a time. A division: the remainder of what is wider than 32 bits costs more than all the rest. */
export function lowOf(ts: number): number {
  return ts - Math.floor(ts / LOW_TS) * LOW_TS;
}

/** The time nearest to `clock` whose low 24 bits are `low`: right where the clock is within 2.3 hours. */
export function nearest(low: number, clock: number): number {
  const base = Math.floor(clock) - LOW_TS / 2;
  const ts = base + ((low - lowOf(base)) & (LOW_TS - 1));
  // At either end of what `ts` can be there is only one candidate.
  if (ts < 0) return ts + LOW_TS;
  return ts > MAX_TS ? ts - LOW_TS : ts;
}
