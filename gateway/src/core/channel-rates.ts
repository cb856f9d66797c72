import { TokenBucket } from './token-bucket.ts';

/** Channels that one `sweep` looks at. */
const SWEEP = 256;

/** How much all sessions together publish on each channel that has a bound for that. */
export class ChannelRates {
  readonly #buckets = new Map<string, TokenBucket>();
  #hand = this.#buckets.entries();

  /** Channels that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Is one more message within the rate? */
  take(channel: string, perSecond: number, now: number): boolean {
    let bucket = this.#buckets.get(channel);
    if (bucket === undefined) {
      bucket = new TokenBucket(perSecond, 2 * perSecond, now);
      this.#buckets.set(channel, bucket);
    }
    return bucket.take(1, now);
  }

  /** Forgets channels on which nothing is owed. To be called a few times a second. */
  sweep(now: number): void {
    for (let left = Math.min(SWEEP, this.#buckets.size); left > 0; left--) {
      const { value } = this.#hand.next();
      if (value === undefined) {
        this.#hand = this.#buckets.entries();
        continue;
      }
      const [channel, bucket] = value;
      if (bucket.full(now)) this.#buckets.delete(channel);
    }
  }
}
