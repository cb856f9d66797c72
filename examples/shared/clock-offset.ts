/** How fast the estimate may grow, ms per ms: follows the drift of clocks, not a single late message. */
const DRIFT = 0.001;

/** Estimates the difference of a far clock from stamped messages: what the fastest of them took, lately. */
export class ClockOffset {
  #offset: number | undefined;
  #seenAt = 0;

  /** Takes in a message stamped `at` by the far clock that arrived at `now` of the local one, both ms. */
  see(at: number, now: number): void {
    const offset = now - at;
    const allowed = (this.#offset ?? offset) + (now - this.#seenAt) * DRIFT;
    this.#offset = Math.min(offset, allowed);
    this.#seenAt = now;
  }

  /** The far clock's time when the local one shows `now`, less what a fast message takes; undefined at first. */
  farTime(now: number): number | undefined {
    return this.#offset === undefined ? undefined : now - this.#offset;
  }

  clear(): void {
    this.#offset = undefined;
  }
}
