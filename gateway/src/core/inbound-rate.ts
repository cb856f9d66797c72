import type { Limits } from './limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** Reliable messages over the rate that are answered before the session is closed; one a second is forgiven. */
const STRIKES = 100;

/**
 * Acknowledgements, a second and at once. How many there are depends on what the client is sent, one for 16 KiB at
 * most, so this is a client that takes in 250 Mbit/s.
 */
const ACKS = { perSecond: 2_000, burst: 4_000 };

/** How much one session may send, and how often it may be too much. */
export class InboundRate {
  readonly #limits: Limits;
  readonly #bytes: TokenBucket;
  readonly #upkeep: TokenBucket;
  // Made when first taken from: a bucket begins full, and most sessions only listen.
  #messages: TokenBucket | undefined;
  #acks: TokenBucket | undefined;
  #strikes: TokenBucket | undefined;

  constructor(limits: Limits, now: number) {
    this.#limits = limits;
    const bytesBurst = Math.max(limits.bytesPerSecond * 2, limits.maxMessageBytes);
    this.#bytes = new TokenBucket(limits.bytesPerSecond, bytesBurst, now);
    this.#upkeep = this.#newBucket(now);
  }

  /** Are so many bytes within the rate? */
  takeBytes(count: number, now: number): boolean {
    return this.#bytes.take(count, now);
  }

  /** Is one more message of the application within the rate? */
  takeMessage(now: number): boolean {
    this.#messages ??= this.#newBucket(now);
    return this.#messages.take(1, now);
  }

  /** Is one more envelope that is no message of the application, such as PING or NAMES, within the rate? */
  takeUpkeep(now: number): boolean {
    return this.#upkeep.take(1, now);
  }

  /** Is one more ACK within the rate? */
  takeAck(now: number): boolean {
    this.#acks ??= new TokenBucket(ACKS.perSecond, ACKS.burst, now);
    return this.#acks.take(1, now);
  }

  /** The client was cut off since then: what it could not send in that time it may send at once. */
  excuse(since: number, now: number): void {
    if (since < now) this.#messages ??= this.#newBucket(since);
    this.#messages?.excuse(since, now);
    this.#bytes.excuse(since, now);
  }

  /** Something that cannot just be dropped was over the rate. False: that was once too often. */
  strike(now: number): boolean {
    this.#strikes ??= new TokenBucket(1, STRIKES, now);
    return this.#strikes.take(1, now);
  }

  #newBucket(now: number): TokenBucket {
    return new TokenBucket(this.#limits.messagesPerSecond, this.#limits.messagesBurst, now);
  }
}
