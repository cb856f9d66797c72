/** Readings from one place in the sequence to before another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Holes of one sequence that are remembered: what comes of an older one is taken for a duplicate. */
const MAX_HOLES = 256;

/** Which readings of a sequence have come: each counts once, and what is missing is known exactly. */
export class Gaps {
  /** Readings that came, each once. */
  received = 0;
  /** Readings that came again. */
  duplicates = 0;
  /** Readings before the newest that have not come. */
  missing = 0;
  readonly #holes: Range[] = [];
  #next: number | undefined;
  /** The oldest reading that came. Who joins late, or gets the newest first, still gets those before it: they are new. */
  #first = 0;

  /** What has not come, as far back as is remembered; in rising order. */
  get holes(): readonly Range[] {
    return this.#holes;
  }

  /** The reading after the newest; undefined before the first. */
  get next(): number | undefined {
    return this.#next;
  }

  /** Takes in readings. What of them is new; undefined: all of it, which is what it nearly always is. */
  take(seq: number, count: number): readonly Range[] | undefined {
    const end = seq + count;
    const next = this.#next ?? seq;
    if (this.#next === undefined) this.#first = seq;
    if (seq >= next) {
      this.reach(seq);
      this.#next = end;
      this.received += count;
      return undefined;
    }
    const fresh: Range[] = [];
    if (seq < this.#first) this.#before(seq, end, fresh);
    for (let index = 0; index < this.#holes.length; index++) {
      const hole = this.#holes[index]!;
      const from = Math.max(hole.from, seq);
      const to = Math.min(hole.to, end);
      if (from >= to) continue;
      fresh.push({ from, to });
      const left = [
        { from: hole.from, to: from },
        { from: to, to: hole.to },
      ].filter((rest) => rest.from < rest.to);
      this.#holes.splice(index, 1, ...left);
      index += left.length - 1;
      this.missing -= to - from;
    }
    if (end > next) {
      fresh.push({ from: next, to: end });
      this.#next = end;
    }
    const taken = fresh.reduce((sum, { from, to }) => sum + to - from, 0);
    this.received += taken;
    this.duplicates += count - taken;
    return fresh;
  }

  /** Takes in what is older than all that came. What lies between is missing from now on. */
  #before(seq: number, end: number, fresh: Range[]): void {
    const first = this.#first;
    this.#first = seq;
    fresh.push({ from: seq, to: Math.min(end, first) });
    if (end >= first) return;
    this.missing += first - end;
    this.#holes.unshift({ from: end, to: first });
    if (this.#holes.length > MAX_HOLES) this.#holes.shift();
  }

  /** So many readings there are: those up to it that have not come are missing. */
  reach(end: number): void {
    const next = this.#next ?? end;
    if (this.#next === undefined) this.#first = end;
    this.#next = Math.max(next, end);
    if (end <= next) return;
    this.missing += end - next;
    this.#holes.push({ from: next, to: end });
    if (this.#holes.length > MAX_HOLES) this.#holes.shift();
  }
}
