import { ClockOffset } from '../shared/clock-offset.ts';
import type { ArenaState, CraftState } from './wire.ts';

/** A state and the gateway's clock when it was published, ms. */
interface Moment {
  readonly at: number;
  readonly state: ArenaState;
}

/** States kept: a second of them, far more than is ever drawn from. */
const KEPT = 30;

/** How far to guess past the newest state, ms. Beyond, crafts stand still rather than fly on. */
const MAX_EXTRAPOLATION = 120;

/**
 * The recent past of the arena, to be drawn a little behind the newest state: between two known states there is
 * always a place to draw, at any frame rate. States may come late, twice or out of order.
 */
export class Timeline {
  readonly #moments: Moment[] = [];
  readonly #delay: number;
  readonly #clock = new ClockOffset();

  /** `delay`: how far behind the newest state to draw, ms. */
  constructor(delay: number) {
    this.#delay = delay;
  }

  /** Takes in a state stamped `at` by the gateway that arrived at `now` of the local clock, both ms. */
  add(state: ArenaState, at: number, now: number): void {
    this.#clock.see(at, now);
    let index = this.#moments.length;
    while (index > 0 && this.#moments[index - 1]!.at >= at) index -= 1;
    if (this.#moments[index]?.at === at) return;
    this.#moments.splice(index, 0, { at, state });
    if (this.#moments.length > KEPT) this.#moments.shift();
  }

  clear(): void {
    this.#moments.length = 0;
    this.#clock.clear();
  }

  /** The newest state known, for what is not drawn in between: the score and the time left. */
  get newest(): ArenaState | undefined {
    return this.#moments.at(-1)?.state;
  }

  /** Where every craft is to be drawn at `now` of the local clock. */
  sample(now: number): readonly CraftState[] {
    const newest = this.#clock.farTime(now);
    if (newest === undefined) return [];
    const at = newest - this.#delay;
    const next = this.#moments.findIndex((moment) => moment.at > at);
    if (next === -1) return this.#beyond(at);
    const after = this.#moments[next]!;
    const before = this.#moments[next - 1];
    if (!before) return after.state.crafts;
    return between(before, after, (at - before.at) / (after.at - before.at));
  }

  #beyond(at: number): readonly CraftState[] {
    const last = this.#moments.at(-1);
    if (!last) return [];
    const seconds = Math.min(Math.max(0, at - last.at), MAX_EXTRAPOLATION) / 1000;
    return last.state.crafts.map((craft) => ({
      ...craft,
      x: craft.x + craft.vx * seconds,
      y: craft.y + craft.vy * seconds,
    }));
  }
}

/** Crafts of the later state, `share` of the way from where they were in the earlier one. */
function between(before: Moment, after: Moment, share: number): CraftState[] {
  const earlier = new Map(before.state.crafts.map((craft) => [craft.id, craft]));
  return after.state.crafts.map((craft) => {
    const from = earlier.get(craft.id);
    if (!from) return craft;
    return {
      ...craft,
      x: from.x + (craft.x - from.x) * share,
      y: from.y + (craft.y - from.y) * share,
      vx: from.vx + (craft.vx - from.vx) * share,
      vy: from.vy + (craft.vy - from.vy) * share,
    };
  });
}
