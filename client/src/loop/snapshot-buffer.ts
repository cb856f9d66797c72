import { type DelayOptions, InterpolationDelay } from './snapshot-buffer-delay.ts';

/** What a snapshot buffer needs of a snapshot: where it belongs. */
export interface Timed {
  /** The server's tick. */
  readonly tick: number;
  /** When that tick was, ms of the server's clock. */
  readonly time: number;
}

/** The snapshots on either side of a time. */
export interface Bracket<S extends Timed> {
  /** The last one not after the time; undefined when all are after it. */
  readonly before: S | undefined;
  /** The first one after it; undefined when the time is past the newest. */
  readonly after: S | undefined;
  /** How far the time is from `before` to `after`, 0 to 1; 0 where one is missing. */
  readonly share: number;
}

/** How a snapshot buffer does. */
export interface SnapshotBufferStats {
  /** Snapshots that wait for their time, at the last `advance`. */
  readonly depth: number;
  /** How far behind the server's clock is drawn, ms. */
  readonly delay: number;
  /** What the delay is on its way to, ms. */
  readonly delayTarget: number;
  /** How much the time between arrivals varies, ms (RFC 3550, 6.4.1). */
  readonly jitter: number;
  /** Share of the snapshots lately that never came, 0 to 1. */
  readonly loss: number;
  /** Snapshots taken in, over all. */
  readonly received: number;
  /** Came after their time had been drawn. */
  readonly late: number;
  /** Came again without anything new. */
  readonly duplicate: number;
  /** How often the drawn time passed the newest snapshot. */
  readonly starved: number;
}

export interface SnapshotBufferOptions {
  /** The adaptive interpolation delay. */
  readonly delay?: DelayOptions | undefined;
  /** Ms from one snapshot to the next, for the delay before anything was measured. @default 50 */
  readonly interval?: number | undefined;
  /** Snapshots kept at most: a second at 60 Hz. The oldest go first. @default 64 */
  readonly capacity?: number | undefined;
}

/**
 * Snapshots kept whose time has been drawn: what lies past the newest is guessed from the last two, and an entity may
 * have been left out of one or another.
 */
const BEHIND = 8;

/** Snapshots that loss is counted over. */
const LOSS_WINDOW = 128;

/**
 * Snapshots wait here until their time is drawn, a little behind the server's clock, so that what comes late or never is
 * bridged. Times are of one clock, the server's as the client knows it; an error of that clock is measured as latency
 * and cancels out.
 */
export class SnapshotBuffer<S extends Timed> {
  readonly #snapshots: S[] = [];
  readonly #capacity: number;
  readonly #delay: InterpolationDelay;
  readonly #ticks: number[] = [];
  #drawn = Number.NEGATIVE_INFINITY;
  #transit: number | undefined;
  #jitter = 0;
  #received = 0;
  #late = 0;
  #duplicate = 0;
  #starved = 0;
  #isStarved = false;

  /** Throws `RangeError` for bounds that contradict each other. */
  constructor({ delay, interval = 50, capacity = 64 }: SnapshotBufferOptions = {}) {
    if (!(capacity >= 2))
      throw new RangeError(`a snapshot buffer of ${capacity} has nothing to draw between`);
    this.#capacity = capacity;
    // The half of a usual round trip, and one snapshot that may be lost.
    this.#delay = new InterpolationDelay(delay, 50 + 2 * interval);
  }

  /** What waits and the last few that were drawn, by tick. */
  get snapshots(): readonly S[] {
    return this.#snapshots;
  }

  /** The newest one known, for what is not drawn in between. */
  get newest(): S | undefined {
    return this.#snapshots.at(-1);
  }

  /**
   * Takes a snapshot that came at `serverNow`, in any order. One with a tick that is known already replaces it: more of
   * it has come. False: it came too late to be of use.
   */
  add(snapshot: S, serverNow: number): boolean {
    const newest = this.newest;
    if (!newest || snapshot.tick > newest.tick) this.#measure(newest, snapshot, serverNow);
    let index = this.#snapshots.length;
    while (index > 0 && this.#snapshots[index - 1]!.tick >= snapshot.tick) index -= 1;
    const known = this.#snapshots[index];
    if (known === snapshot) {
      this.#duplicate += 1;
      return false;
    }
    if (known?.tick === snapshot.tick) {
      this.#snapshots[index] = snapshot;
      return true;
    }
    this.#received += 1;
    this.#remember(snapshot.tick);
    // Between two that were drawn already, or before all of them.
    if (index < this.#snapshots.length && snapshot.time <= this.#drawn) {
      this.#late += 1;
      return false;
    }
    this.#snapshots.splice(index, 0, snapshot);
    if (this.#snapshots.length > this.#capacity) this.#snapshots.shift();
    return true;
  }

  /** The time to draw at `serverNow`: behind it by the delay, never earlier than drawn before. Lets go of older ones. */
  advance(serverNow: number): number {
    this.#drawn = Math.max(this.#drawn, serverNow - this.#delay.advance(serverNow));
    while ((this.#snapshots[BEHIND]?.time ?? Number.POSITIVE_INFINITY) <= this.#drawn)
      this.#snapshots.shift();
    const isStarved = this.newest !== undefined && this.newest.time < this.#drawn;
    if (isStarved && !this.#isStarved) this.#starved += 1;
    this.#isStarved = isStarved;
    return this.#drawn;
  }

  /** The snapshots on either side of `time`. */
  around(time: number): Bracket<S> {
    const next = this.#snapshots.findIndex((snapshot) => snapshot.time > time);
    const before = this.#snapshots.at(next === -1 ? -1 : Math.max(0, next - 1));
    if (next === -1) return { before, after: undefined, share: 0 };
    const after = this.#snapshots[next]!;
    if (next === 0 || !before) return { before: undefined, after, share: 0 };
    return { before, after, share: (time - before.time) / (after.time - before.time) };
  }

  /** For another life of the server, whose ticks and times begin anew. Counters go on. */
  clear(): void {
    this.#snapshots.length = 0;
    this.#ticks.length = 0;
    this.#drawn = Number.NEGATIVE_INFINITY;
    this.#transit = undefined;
    this.#isStarved = false;
    this.#delay.forget();
  }

  stats(): SnapshotBufferStats {
    return {
      depth: this.#snapshots.filter(({ time }) => time > this.#drawn).length,
      delay: this.#delay.current,
      delayTarget: this.#delay.target,
      jitter: this.#jitter,
      loss: this.#loss(),
      received: this.#received,
      late: this.#late,
      duplicate: this.#duplicate,
      starved: this.#starved,
    };
  }

  #measure(newest: S | undefined, snapshot: S, serverNow: number): void {
    const transit = serverNow - snapshot.time;
    if (this.#transit !== undefined) this.#jitter += (Math.abs(transit - this.#transit) - this.#jitter) / 16;
    this.#transit = transit;
    if (newest) this.#delay.see(serverNow - newest.time);
  }

  #remember(tick: number): void {
    this.#ticks.push(tick);
    if (this.#ticks.length > LOSS_WINDOW) this.#ticks.shift();
  }

  #loss(): number {
    const ticks = this.#ticks.toSorted((one, other) => one - other);
    if (ticks.length < 2) return 0;
    // Snapshots may go out on every second tick, or third: the closest two tell.
    const stride = Math.min(...ticks.slice(1).map((tick, index) => tick - ticks[index]!));
    const sent = (ticks.at(-1)! - ticks[0]!) / stride + 1;
    return 1 - ticks.length / sent;
  }
}
