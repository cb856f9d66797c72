import type { KindPlan } from '@spillway/envelope/loop';

/** One state of an entity, as levels and as values. */
export interface Moment<State> {
  readonly tick: number;
  readonly kind: KindPlan;
  readonly levels: readonly (number | string)[];
  readonly state: State;
}

/**
 * What a client knows of one entity, by tick: the newest state, and older ones for as long as the server may tell a
 * change against them. What was let go of never comes back, so that the newest moment not after a baseline's tick is
 * that baseline, or there is none.
 */
export class StateHistory<State> {
  readonly #capacity: number;
  #moments: Moment<State>[] = [];
  /** Nothing before this tick is kept. */
  #floor = 0;
  #goneAt = -1;
  #goneBy: number | undefined;

  /** @param capacity moments kept at most */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Number of the part that said it is gone; undefined while it is there. */
  get goneBy(): number | undefined {
    return this.#goneBy;
  }

  /** Takes a state in, in any order. False: it is too old to be kept. */
  add(moment: Moment<State>): boolean {
    if (moment.tick < this.#floor || moment.tick <= this.#goneAt) return false;
    const moments = this.#moments;
    let at = moments.length;
    while (at > 0 && moments[at - 1]!.tick >= moment.tick) at--;
    if (moments[at]?.tick === moment.tick) return true;
    moments.splice(at, 0, moment);
    this.#goneBy = undefined;
    if (moments.length > this.#capacity) this.#drop(1);
    return true;
  }

  /** The newest state not after `tick`. */
  at(tick: number): Moment<State> | undefined {
    const moments = this.#moments;
    for (let at = moments.length - 1; at >= 0; at--) {
      if (moments[at]!.tick <= tick) return moments[at];
    }
    return undefined;
  }

  /** The oldest state, where it was there at `tick` already, but what it was then is forgotten. */
  since(tick: number): Moment<State> | undefined {
    return tick < this.#floor ? this.#moments[0] : undefined;
  }

  /** The server tells changes against `tick`, or later ones, from now on. */
  forgetBefore(tick: number): void {
    const keep = this.#moments.findLastIndex((moment) => moment.tick <= tick);
    if (keep > 0) this.#drop(keep);
  }

  /** It is gone as of `tick`, as part `seq` says; what came after stays. */
  leave(tick: number, seq: number): void {
    if (tick <= this.#goneAt) return;
    this.#goneAt = tick;
    this.#moments = this.#moments.filter((moment) => moment.tick > tick);
    if (this.#moments.length === 0) this.#goneBy = seq;
  }

  #drop(count: number): void {
    const dropped = this.#moments.splice(0, count);
    this.#floor = Math.max(this.#floor, dropped.at(-1)!.tick + 1);
  }
}
