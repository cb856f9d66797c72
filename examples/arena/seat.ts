import { INPUT_RATE } from './rules.ts';
import type { ArenaInput, Pilot } from './wire.ts';
import { isNewer } from './wire.ts';
import type { Craft } from './world.ts';

/** Inputs that a seat takes at once: half a second's worth, which is what a stalled link delivers in one go. */
const BURST = INPUT_RATE / 2;

/** Twice the honest rate leaves room for clocks and high-refresh screens; more moves nothing faster anyway. */
const SUSTAINED = INPUT_RATE * 2;

/** A person in the arena: their craft, and what they may tell it. */
export class Seat {
  readonly craft: Craft;
  readonly pilot: Pilot;
  #counter: number | undefined;
  #tokens = BURST;
  #refilledAt: number;

  /** `now` in ms. */
  constructor(craft: Craft, name: string, now: number) {
    this.craft = craft;
    this.pilot = { id: craft.id, name, bot: false };
    this.#refilledAt = now;
  }

  /** May this input steer the craft? False when it is older than the last one, or one too many. */
  take(input: ArenaInput, now: number): boolean {
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#refilledAt) * SUSTAINED) / 1000);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    if (this.#counter !== undefined && !isNewer(input.counter, this.#counter)) return false;
    this.#counter = input.counter;
    return true;
  }
}
