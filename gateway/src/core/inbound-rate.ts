import type { Limits } from './limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** Reliable messages over the rate that are answered before the session is closed; one a second is forgiven. */
const STRIKES = 100;

/** How much one session may send: messages, bytes, and how often it may be told that it was too much. */
export class InboundRate {
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #strikes: TokenBucket;

  constructor(limits: Limits, now: number) {
    this.#messages = new TokenBucket(limits.messagesPerSecond, limits.messagesBurst, now);
    const bytesBurst = Math.max(limits.bytesPerSecond * 2, limits.maxMessageBytes);
    this.#bytes = new TokenBucket(limits.bytesPerSecond, bytesBurst, now);
    this.#strikes = new TokenBucket(1, STRIKES, now);
  }

  /** Are so many bytes within the rate? */
  takeBytes(count: number, now: number): boolean {
    return this.#bytes.take(count, now);
  }

  /** Is one more message within the rate? */
  takeMessage(now: number): boolean {
    return this.#messages.take(1, now);
  }

  /** A reliable message was over the rate. False: that was once too often. */
  strike(now: number): boolean {
    return this.#strikes.take(1, now);
  }
}
