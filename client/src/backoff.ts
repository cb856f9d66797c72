/** Which attempt would wait longer than a day is of no interest; keeps 2 ** n finite. */
const MAX_EXPONENT = 30;

/** Exponential backoff with full jitter: any delay up to a ceiling that doubles, so that clients spread out. */
export class Backoff {
  readonly #min: number;
  readonly #max: number;
  readonly #random: () => number;
  #attempts = 0;

  /** `min`: the first ceiling, `max`: the last, ms. `random` as `Math.random`. */
  constructor(min: number, max: number, random: () => number) {
    this.#min = min;
    this.#max = max;
    this.#random = random;
  }

  /** Delays given since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Ms to wait before the next attempt. */
  next(): number {
    const exponent = Math.min(this.#attempts++, MAX_EXPONENT);
    return this.#random() * Math.min(this.#max, this.#min * 2 ** exponent);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
