/** A rate with a burst: refills continuously, starts full. Time comes in as `now` in ms. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes `amount` and returns true, or takes nothing and returns false. */
  take(amount: number, now: number): boolean {
    this.#refill(now);
    if (this.#tokens < amount) return false;
    this.#tokens -= amount;
    return true;
  }

  /** Nothing could be taken since then: what the time is worth is kept past the burst. */
  excuse(since: number, now: number): void {
    this.#refill(since);
    if (now <= this.#at) return;
    this.#tokens += (now - this.#at) * this.#perMs;
    this.#at = now;
  }

  /** Nothing is owed: forgetting this bucket loses no information. */
  full(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#burst;
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    const refilled = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#tokens = Math.max(this.#tokens, refilled);
    this.#at = now;
  }
}
