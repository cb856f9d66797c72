/** How much time inputs are given to arrive. */
export interface JitterOptions {
  /** Least time beyond the fastest way, ms. @default 0 */
  readonly minBuffer?: number | undefined;
  /** Most time beyond the fastest way, ms. @default 100 */
  readonly maxBuffer?: number | undefined;
  /** Share of inputs that may come late. @default 0.0003 */
  readonly lateShare?: number | undefined;
  /** For how long an input counts at least, ms; at most twice as long. @default 30000 */
  readonly memory?: number | undefined;
}

/** Time that is added to what inputs need, ms: a timer of the client, or of the server. */
const GUARD = 3;
/** Fastest that the lead may shrink, ms per ms. */
const SHRINK = 0.01;
/** Ms in a bucket, and how many: two seconds. */
const WIDTH = 2;
const BUCKETS = 1024;
/** The clock may be wrong, and an input may seem to need less than nothing. ms */
const BELOW = 48;
/** The fastest way is what this share of inputs takes at most, ... */
const FASTEST = 0.01;
/** ... and no less than any took in one or two stretches of so many ms: a way that has become longer stays so. */
const STRETCH = 1_000;

/**
 * How far a client has to run ahead so that its inputs are in time: what nearly all of them needed of late, between a
 * least and a most beyond the fastest of them. It grows as soon as inputs need more, and shrinks slowly when they have needed less for a while.
 */
export class JitterTarget {
  readonly #min: number;
  readonly #max: number;
  readonly #late: number;
  readonly #memory: number;
  /** How many needed so long: lately, and in the stretch before. */
  #counts = new Uint32Array(BUCKETS);
  #before = new Uint32Array(BUCKETS);
  #total = 0;
  #totalBefore = 0;
  #turnsAt: number | undefined;
  /** The least that an input needed, in this stretch and the one before. */
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #stretchEnds = Number.NEGATIVE_INFINITY;
  #lead: number | undefined;
  #at = 0;

  /** @throws RangeError for an option outside its range */
  constructor({ minBuffer = 0, maxBuffer = 100, lateShare = 0.0003, memory = 30_000 }: JitterOptions = {}) {
    if (!(minBuffer >= 0 && maxBuffer >= minBuffer && maxBuffer <= 1_000))
      throw new RangeError(`a buffer takes 0-1000 ms, not ${minBuffer}-${maxBuffer}`);
    if (!(lateShare > 0 && lateShare < 1))
      throw new RangeError(`lateShare is above 0 and below 1, not ${lateShare}`);
    if (!(memory >= 100)) throw new RangeError(`memory takes at least 100 ms, not ${memory}`);
    this.#min = minBuffer;
    this.#max = maxBuffer;
    this.#late = lateShare;
    this.#memory = memory;
  }

  /** The time from making an input until it came, ms on the server's clock as its client sees it. */
  observe(needed: number, now: number): void {
    this.#turnsAt ??= now + this.#memory;
    if (now >= this.#turnsAt) this.#turn(now);
    if (now >= this.#stretchEnds) {
      this.#leastBefore = this.#least;
      this.#least = Number.POSITIVE_INFINITY;
      this.#stretchEnds = now + STRETCH;
    }
    this.#least = Math.min(this.#least, needed);
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor((needed + BELOW) / WIDTH)));
    this.#counts[bucket]! += 1;
    this.#total += 1;
  }

  /** How far the client should run ahead, ms; undefined until an input has come. */
  lead(now: number): number | undefined {
    if (this.#total + this.#totalBefore === 0) return undefined;
    const fastest = Math.max(this.#above(1 - FASTEST), Math.min(this.#least, this.#leastBefore));
    const wanted = Math.max(this.#above(this.#late) + GUARD, fastest + this.#min);
    const target = Math.max(0, Math.min(wanted, fastest + this.#max));
    const least = (this.#lead ?? target) - (now - this.#at) * SHRINK;
    this.#lead = Math.max(target, least);
    this.#at = now;
    return this.#lead;
  }

  /** The time that no more than this share of inputs needed more than, ms. */
  #above(share: number): number {
    const most = share * (this.#total + this.#totalBefore);
    let above = 0;
    let bucket = BUCKETS - 1;
    for (; bucket > 0; bucket--) {
      above += this.#counts[bucket]! + this.#before[bucket]!;
      if (above > most) break;
    }
    return (bucket + 1) * WIDTH - BELOW;
  }

  #turn(now: number): void {
    [this.#counts, this.#before] = [this.#before, this.#counts];
    this.#counts.fill(0);
    this.#totalBefore = this.#total;
    this.#total = 0;
    this.#turnsAt = now + this.#memory;
  }
}
