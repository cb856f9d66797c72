import { now } from '../harness/clock.ts';

/** When a message was made, in its first bytes, so that whoever gets it knows how long it took. */
const DIGITS = 16;

/** Latin letters and digits, so that it is the same bytes as text and as binary. First comes the time in us. */
export function stampedText(size: number): string {
  return String(Math.round(now() * 1000))
    .padStart(DIGITS, '0')
    .padEnd(size, 'x');
}

/** Bytes of `stampedText`. */
export function stamped(size: number): Buffer {
  return Buffer.from(stampedText(size), 'latin1');
}

/** When what stands at `start` was made, in ms of `now()`. */
export function stampOf(bytes: Uint8Array, start: number): number {
  let us = 0;
  for (let i = start; i < start + DIGITS; i++) us = us * 10 + (bytes[i]! - 48);
  return us / 1000;
}
