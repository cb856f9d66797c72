/** How old the newest state was over a time, ms. */
export interface Summary {
  /** Half of the time it was at most this old. */
  readonly p50: number;
  /** 99 % of the time. */
  readonly p99: number;
  readonly max: number;
  /** States that came, and how many of them were older than one that was there already. */
  readonly arrived: number;
  readonly stale: number;
}

/**
 * The age of the newest state that a receiver has: it grows from one arrival to the next, and then falls to the
 * time that the new state was on its way. All times are ms on one clock.
 */
export class Ages {
  #arrived = 0;
  #stale = 0;
  /** When the newest state was made, and since when it is here. */
  #newest: { readonly born: number; readonly at: number } | undefined;
  /** Over each stretch the age grew from `low` to `high`, as fast as time passed. */
  readonly #stretches: { readonly low: number; readonly high: number }[] = [];

  /** A state that was made at `born` arrives. The first one begins the measurement. */
  arrive(born: number, at: number): void {
    this.#arrived += 1;
    if (this.#newest && born <= this.#newest.born) {
      this.#stale += 1;
      return;
    }
    this.#close(at);
    this.#newest = { born, at };
  }

  /** Ends the measurement. Throws when nothing has arrived. */
  finish(at: number): Summary {
    if (!this.#newest) throw new Error('no state has arrived');
    this.#close(at);
    return {
      p50: this.#quantile(0.5),
      p99: this.#quantile(0.99),
      max: Math.max(...this.#stretches.map(({ high }) => high)),
      arrived: this.#arrived,
      stale: this.#stale,
    };
  }

  #close(at: number): void {
    if (!this.#newest) return;
    const { born, at: since } = this.#newest;
    this.#stretches.push({ low: since - born, high: at - born });
  }

  /** The age that was not exceeded for this share of the time, to a hundredth of a millisecond. */
  #quantile(share: number): number {
    const total = this.#below(Number.POSITIVE_INFINITY);
    let [low, high] = [0, Math.max(...this.#stretches.map((stretch) => stretch.high))];
    while (high - low > 0.01) {
      const middle = (low + high) / 2;
      if (this.#below(middle) < share * total) low = middle;
      else high = middle;
    }
    return high;
  }

  /** For how long the age was below this. */
  #below(age: number): number {
    let time = 0;
    for (const { low, high } of this.#stretches) time += Math.max(0, Math.min(age, high) - low);
    return time;
  }
}
