/** Readings `from` to before `to` that have not come, of some time between those of the readings around them. */
export interface Hole {
  readonly from: number;
  readonly to: number;
  /** Time of the reading before it, ms. */
  readonly after: number;
  /** Time of the reading behind it, ms; not before `after`. */
  readonly before: number;
}

/** Part of a column, from index `from` to before `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Who hears of readings that are missing, and of those that are so no more. */
export interface HoleListener {
  opened(hole: Hole): void;
  /** One that was opened, the very same. */
  closed(hole: Hole): void;
}

/**
 * Holes that are remembered of one sequence. What one held that was forgotten, the oldest first, stays missing: should it
 * come it is `forgotten`. Many more than a network that reorders packets makes at a time.
 */
const MAX_HOLES = 256;

/** Which readings of one producer's series have come: each counts once, and what is missing is known exactly. */
export class Sequence {
  /** Readings that came for the first time. */
  received = 0;
  /** Readings before the newest that have not come, those included that the producer says never will. */
  missing = 0;
  duplicates = 0;
  /** Readings that came when it was no longer known whether they had come before; they are not taken. */
  forgotten = 0;
  readonly #listener: HoleListener;
  /** In rising order. */
  readonly #holes: Hole[] = [];
  /** Everything from here on is new; undefined before anything is known. */
  #next: number | undefined;
  /** Everything before this is new, too: what comes first need not be what was sent first. Nothing there is missing. */
  #first = 0;
  /** Time of the reading `#first`. */
  #oldest = 0;
  #forgottenTo = 0;
  /** Time of the reading before `#next`. */
  #newest = Number.NEGATIVE_INFINITY;

  constructor(listener: HoleListener) {
    this.#listener = listener;
  }

  /** The number after the highest that is known of; undefined before the first. */
  get next(): number | undefined {
    return this.#next;
  }

  /** The first reading is to have this number, whichever comes first. Only where nothing has come. */
  begin(seq: number, time: number): void {
    if (this.#next !== undefined) return;
    this.#next = seq;
    this.#first = seq;
    this.#oldest = time;
    this.#newest = Math.max(this.#newest, time);
  }

  /**
   * Takes a column whose first reading has the number `seq`. Times are believed up to `ceiling`. Answers what of it is
   * new; undefined: all of it, which is what it nearly always is.
   */
  take(seq: number, count: number, times: Float64Array, ceiling: number): readonly Span[] | undefined {
    this.begin(seq, Math.min(times[0]!, ceiling));
    const next = this.#next!;
    if (seq < next) return this.#takeOld(seq, count, times, next, ceiling);
    if (seq > next) this.#open(next, seq, Math.min(times[0]!, ceiling));
    this.#advance(seq + count, Math.min(times[count - 1]!, ceiling));
    this.received += count;
    return undefined;
  }

  /**
   * The producer says that these never come, or, where `count` is 0, that so many have been before. Answers how many of
   * them are not known to have come.
   */
  skip(seq: number, count: number, now: number): number {
    this.begin(seq, now);
    const next = this.#next!;
    const end = seq + count;
    if (seq > next) this.#open(next, seq, now);
    let skipped = this.#shut(seq, end);
    if (end > next) {
      const from = Math.max(seq, next);
      const lost = end - from;
      if (lost > 0) this.#listener.opened(this.#hole(from, end, now));
      this.missing += lost;
      skipped += lost;
      this.#advance(end, Math.max(this.#newest, now));
    }
    return skipped;
  }

  /** Some of it, or all, has come before, or is late. */
  #takeOld(seq: number, count: number, times: Float64Array, next: number, ceiling: number): readonly Span[] {
    const end = seq + count;
    const spans: Span[] = [];
    const first = this.#first;
    const before = Math.max(0, Math.min(end, first) - seq);
    if (before > 0) {
      spans.push({ from: 0, to: before });
      this.#extend(seq, seq + before, Math.min(times[0]!, ceiling), Math.min(times[before - 1]!, ceiling));
    }
    let filled = 0;
    let filledBelow = 0;
    for (let index = 0; index < this.#holes.length; index++) {
      const hole = this.#holes[index]!;
      const from = Math.max(hole.from, seq);
      const to = Math.min(hole.to, end);
      if (from >= to) continue;
      // Within the hole's times, whatever the readings say: what is left of it may not reach out of it.
      const within = (time: number) => Math.min(Math.max(time, hole.after), hole.before);
      const start = within(times[from - seq]!);
      const stop = Math.max(start, within(times[to - 1 - seq]!));
      const left = { ...hole, to: from, before: start };
      const right = { ...hole, from: to, after: stop };
      index += this.#replace(index, [left, right]) - 1;
      spans.push({ from: from - seq, to: to - seq });
      filled += to - from;
      if (from < this.#forgottenTo) filledBelow += Math.min(to, this.#forgottenTo) - from;
    }
    this.missing -= filled;
    // Below what is remembered and in no hole: known no more.
    const below = Math.max(0, Math.min(end, this.#forgottenTo) - Math.max(seq, first));
    const lost = below - filledBelow;
    const after = Math.max(0, end - next);
    if (after > 0) {
      spans.push({ from: next - seq, to: count });
      this.#advance(end, Math.min(times[count - 1]!, ceiling));
    }
    const taken = before + filled + after;
    this.forgotten += lost;
    this.duplicates += count - taken - lost;
    this.received += taken;
    this.#trim();
    return spans;
  }

  /** What came before the first so far begins here, and ends before `to`. */
  #extend(seq: number, to: number, time: number, last: number): void {
    if (to < this.#first) {
      const hole = {
        from: to,
        to: this.#first,
        after: Math.min(last, this.#oldest),
        before: Math.max(last, this.#oldest),
      };
      this.missing += hole.to - hole.from;
      this.#holes.unshift(hole);
      this.#listener.opened(hole);
    }
    this.#first = seq;
    this.#oldest = Math.min(time, this.#oldest);
  }

  /** What of the holes lies in this range stays missing for good. Answers how many. */
  #shut(from: number, to: number): number {
    let shut = 0;
    for (let index = 0; index < this.#holes.length; index++) {
      const hole = this.#holes[index]!;
      const first = Math.max(hole.from, from);
      const end = Math.min(hole.to, to);
      if (first >= end) continue;
      const timeAt = (seq: number) =>
        hole.after + ((hole.before - hole.after) * (seq - hole.from)) / (hole.to - hole.from);
      const left = { ...hole, to: first, before: timeAt(first) };
      const middle = { from: first, to: end, after: timeAt(first), before: timeAt(end) };
      const right = { ...hole, from: end, after: timeAt(end) };
      index += this.#replace(index, [left, right]) - 1;
      this.#listener.opened(middle);
      shut += end - first;
    }
    this.#trim();
    return shut;
  }

  /** Puts what is left of a hole in its place. Answers of how many parts that is. */
  #replace(index: number, parts: readonly Hole[]): number {
    this.#listener.closed(this.#holes[index]!);
    const rest = parts.filter((part) => part.from < part.to);
    for (const part of rest) this.#listener.opened(part);
    this.#holes.splice(index, 1, ...rest);
    return rest.length;
  }

  #advance(next: number, time: number): void {
    this.#next = next;
    this.#newest = time;
  }

  #open(from: number, to: number, before: number): void {
    const hole = this.#hole(from, to, before);
    this.missing += to - from;
    this.#holes.push(hole);
    this.#listener.opened(hole);
    this.#trim();
  }

  #hole(from: number, to: number, before: number): Hole {
    const after = Number.isFinite(this.#newest) ? this.#newest : before;
    return { from, to, after: Math.min(after, before), before: Math.max(after, before) };
  }

  #trim(): void {
    while (this.#holes.length > MAX_HOLES)
      this.#forgottenTo = Math.max(this.#forgottenTo, this.#holes.shift()!.to);
  }
}
