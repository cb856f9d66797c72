/** Time in which a span goes two thirds of the way to where it should be, s. */
const SETTLE = 0.35;

/** Room above and below, share of the span. */
const ROOM = 0.08;

/** The range of a vertical axis that follows its data gently: a chart that rescales in one jump is hard to read. */
export class Span {
  #low: number | undefined;
  #high: number | undefined;

  get low(): number {
    return this.#low ?? 0;
  }

  get high(): number {
    return this.#high ?? 1;
  }

  /** Moves towards showing `least` to `most`; at once when it is the first time or `elapsed` (s) is infinite. */
  follow(least: number, most: number, elapsed: number): void {
    const room = (most - least || 1) * ROOM;
    const share = 1 - Math.exp(-elapsed / SETTLE);
    this.#low = approach(this.#low, least - room, share);
    this.#high = approach(this.#high, most + room, share);
  }

  /** Forgets: the next range is taken at once. */
  reset(): void {
    this.#low = undefined;
    this.#high = undefined;
  }
}

function approach(now: number | undefined, target: number, share: number): number {
  return now === undefined ? target : now + (target - now) * share;
}
