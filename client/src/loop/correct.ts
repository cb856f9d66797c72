import { type FieldRules, ruleOf, turnBetween } from './interpolate.ts';

/** How far apart two states are, in units of the user's world; 0 or more. Pure. */
export type Distance<State> = (one: State, other: State) => number;

/** The straight distance over `x`, `y` and `z`, as far as both states have them. */
export function placeDistance<State extends object>(one: State, other: State): number {
  const [from, to] = [one as Record<string, unknown>, other as Record<string, unknown>];
  let sum = 0;
  for (const axis of ['x', 'y', 'z']) {
    const [a, b] = [from[axis], to[axis]];
    if (typeof a === 'number' && typeof b === 'number') sum += (a - b) ** 2;
  }
  return Math.sqrt(sum);
}

/** What is left after `elapsed` ms of something that halves every `halfLife` ms. Pure. */
export function decayed(amount: number, elapsed: number, halfLife: number): number {
  return halfLife > 0 ? amount * 2 ** (-elapsed / halfLife) : 0;
}

export interface CorrectionOptions<State extends object> {
  /** `step` fields are corrected at once. @default numbers evenly, everything else in steps */
  readonly fields?: FieldRules<State> | undefined;
  /** How far apart two states are. @default the straight distance over x, y, z */
  readonly distance?: Distance<State> | undefined;
  /** Ms in which half of an error fades; 0 corrects at once. @default 60 */
  readonly halfLife?: number | undefined;
  /** An error from this distance on is corrected at once: a respawn, not a drift. @default Infinity */
  readonly snap?: number | undefined;
}

/**
 * Hides corrections: what is drawn keeps its place when the state beneath it moves, and the difference fades. The
 * state itself is right at once; only the eye is told slowly.
 */
export class Correction<State extends object> {
  readonly #fields: FieldRules<State>;
  readonly #distance: Distance<State>;
  readonly #halfLife: number;
  readonly #snap: number;
  readonly #offsets = new Map<string, number>();
  #fadedAt: number | undefined;
  #snaps = 0;

  constructor(options: CorrectionOptions<State> = {}) {
    this.#fields = options.fields ?? {};
    this.#distance = options.distance ?? placeDistance;
    this.#halfLife = options.halfLife ?? 60;
    this.#snap = options.snap ?? Number.POSITIVE_INFINITY;
  }

  /** Errors that were corrected at once. */
  get snaps(): number {
    return this.#snaps;
  }

  /** The state goes from `before` to `after` at `now`, ms, by no movement of its own: the difference is to fade. */
  absorb(before: State, after: State, now: number): void {
    this.#fade(now);
    // What is drawn may be off already, and the eye judges that.
    if (this.#distance(this.#shift(before), after) >= this.#snap) {
      this.#offsets.clear();
      this.#snaps += 1;
      return;
    }
    for (const [field, to] of Object.entries(after)) {
      const [from, rule] = [(before as Record<string, unknown>)[field], ruleOf(this.#fields, field)];
      if (rule === 'step' || typeof from !== 'number' || typeof to !== 'number') continue;
      const difference = rule === 'angle' ? turnBetween(to, from) : from - to;
      const offset = (this.#offsets.get(field) ?? 0) + difference;
      this.#offsets.set(field, rule === 'angle' ? turnBetween(0, offset) : offset);
    }
  }

  /** What is to be drawn of `state` at `now`, ms. */
  apply(state: State, now: number): State {
    this.#fade(now);
    return this.#shift(state);
  }

  /** Nothing is left to fade: for a state that has nothing to do with the one before. */
  clear(): void {
    this.#offsets.clear();
  }

  #fade(now: number): void {
    const elapsed = Math.max(0, now - (this.#fadedAt ?? now));
    this.#fadedAt = now;
    for (const [field, offset] of this.#offsets)
      this.#offsets.set(field, decayed(offset, elapsed, this.#halfLife));
  }

  #shift(state: State): State {
    if (this.#offsets.size === 0) return state;
    const shifted = { ...state } as Record<string, unknown>;
    for (const [field, offset] of this.#offsets) {
      const value = shifted[field];
      if (typeof value === 'number') shifted[field] = value + offset;
    }
    return shifted as State;
  }
}
