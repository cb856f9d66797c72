import {
  boolean,
  defineInput,
  defineState,
  type InputReceiverStats,
  integer,
  quantized,
} from '@spillway/gateway/loop';

/** What both ends of `bench -- inputs` agree on. */
export const CHANNEL = 'arena/bench';
/** Ticks, and inputs, a second. */
export const RATE = 60;

const place = quantized({ min: -1_000, max: 1_000, step: 0.1 });
export const STATE = defineState({ craft: { x: place, y: place } });
/** The number is there to be checked: it makes every input different, so that none is told as a repeat. */
export const INPUT = defineInput({
  dx: integer({ min: -1, max: 1 }),
  fire: boolean(),
  number: integer({ min: 0, max: 2 ** 20 }),
});

/** What the server counted so far. */
export interface InputCount extends InputReceiverStats {
  /** How late each late input was since this was last asked, ms. */
  readonly by: readonly number[];
  /** Inputs that were applied twice, or out of order. */
  readonly doubled: number;
  /** How late the server's ticks began, p99 in ms, and how many it skipped. */
  readonly ticksLate: number;
  readonly skippedTicks: number;
}
