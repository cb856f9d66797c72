/** The last so many figures, for their quantiles. */
export class Figures {
  readonly #values: Float64Array;
  #count = 0;
  #max = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  add(value: number): void {
    this.#values[this.#count % this.#values.length] = value;
    this.#count += 1;
    this.#max = Math.max(this.#max, value);
  }

  /** Sorted anew on each call: for reports, not for every tick. */
  summary(): Spread {
    const sorted = this.#values.slice(0, Math.min(this.#count, this.#values.length)).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return { p50: at(0.5), p99: at(0.99), max: this.#max };
  }
}

/** Of the last 1024 figures the half and all but a hundredth were at most; `max` is of all there ever were. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
