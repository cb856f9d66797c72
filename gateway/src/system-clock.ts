import type { Clock } from './core/clock.ts';

/** Wall-clock time at the start, monotonic from then on: a corrected system clock never makes `ts` run backwards. */
export const systemClock: Clock = { now: () => Math.floor(performance.timeOrigin + performance.now()) };
