/** How far behind the server's clock states are drawn. All times in ms. */
export interface DelayOptions {
  /** @default 0 */
  readonly min?: number | undefined;
  /** Past it states are extrapolated, and then hold. @default 500 */
  readonly max?: number | undefined;
  /** Share of arrivals that come in time for the delay; the others are bridged by extrapolation. @default 0.99 */
  readonly cover?: number | undefined;
  /** Arrivals looked back upon. @default 256 */
  readonly window?: number | undefined;
  /** Added to what was measured. @default 2 */
  readonly margin?: number | undefined;
  /** How much slower than real time the drawn time may run while the delay grows, 0 to 1. @default 0.25 */
  readonly grow?: number | undefined;
  /** How much faster it may run while the delay shrinks. @default 0.05 */
  readonly shrink?: number | undefined;
}

const DEFAULTS = { min: 0, max: 500, cover: 0.99, window: 256, margin: 2, grow: 0.25, shrink: 0.05 } as const;

/** A delay that is wrong by more is set right at once, ms: a second of slow motion would be worse than a jump. */
const LEAP = 250;

/**
 * The interpolation delay that follows the network. It measures one thing: how old the newest known state had become
 * when a newer one came. That holds latency, jitter, loss and the send interval together, and a delay that covers nearly
 * all of it always has a state on either side of the time to draw.
 */
export class InterpolationDelay {
  readonly #options: Required<{ [Name in keyof DelayOptions]: number }>;
  readonly #needs: number[] = [];
  #target: number;
  #delay: number | undefined;
  #advancedAt = 0;

  /** `initial`: the delay before anything was measured. Throws `RangeError` for bounds that contradict each other. */
  constructor(options: DelayOptions = {}, initial = 100) {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = { ...DEFAULTS, ...Object.fromEntries(given) };
    const { min, max, cover, window } = this.#options;
    if (!(min >= 0 && max >= min))
      throw new RangeError(`delay: min ${min} and max ${max} leave nothing between`);
    if (!(cover > 0 && cover <= 1)) throw new RangeError(`delay: cover is a share, not ${cover}`);
    if (!(window >= 1)) throw new RangeError(`delay: a window of ${window} holds no arrival`);
    this.#target = this.#bounded(initial);
  }

  /** What the delay is on its way to. */
  get target(): number {
    return this.#target;
  }

  /** The delay at the last `advance`. */
  get current(): number {
    return this.#delay ?? this.#target;
  }

  /** Takes in how old the newest state had become when a newer one came. */
  see(need: number): void {
    const { window, cover, margin } = this.#options;
    this.#needs.push(need);
    if (this.#needs.length > window) this.#needs.shift();
    const sorted = this.#needs.toSorted((one, other) => one - other);
    this.#target = this.#bounded(sorted[Math.ceil(cover * sorted.length) - 1]! + margin);
  }

  /** The delay at `now` of any steady clock. */
  advance(now: number): number {
    const elapsed = Math.max(0, now - this.#advancedAt);
    this.#advancedAt = now;
    const before = this.#delay;
    const { grow, shrink } = this.#options;
    if (before === undefined || Math.abs(this.#target - before) > LEAP) this.#delay = this.#target;
    else if (this.#target > before) this.#delay = Math.min(this.#target, before + elapsed * grow);
    else this.#delay = Math.max(this.#target, before - elapsed * shrink);
    return this.#delay;
  }

  /** Forgets what was measured, for another connection; the delay itself goes on. */
  forget(): void {
    this.#needs.length = 0;
  }

  #bounded(delay: number): number {
    return Math.min(Math.max(delay, this.#options.min), this.#options.max);
  }
}
