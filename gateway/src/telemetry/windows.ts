import type { Hole } from './sequence.ts';

/** What one window says of one series. */
export interface WindowSummary {
  /** Ms since the Unix epoch, a multiple of the window's length. */
  readonly start: number;
  /** Readings in it. Where there are none, `min`, `max`, `mean` and `last` are NaN. */
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Value of the reading with the latest time. */
  readonly last: number;
  /**
   * Readings that have not come, as the sequence of their producer tells. Those of one gap are taken to be spread
   * evenly between the readings around them.
   */
  readonly missing: number;
  /** It was published before, and again as late readings had changed it. */
  readonly amended: boolean;
}

// The numbers of one window, side by side in one array.
const NUMBER = 0;
const COUNT = 1;
const SUM = 2;
const MIN = 3;
const MAX = 4;
const TIME = 5;
const LAST = 6;
const MISSING = 7;
const STATE = 8;
const STRIDE = 9;

// The states. A window has news where it is fresh or changed.
const FRESH = 0;
const TOLD = 1;
/** Told, and changed since. */
const CHANGED = 2;
/** Changed, and told again. */
const AMENDED = 3;

/** Hears of a window that has something new to say. `amended`: it was told of before. */
export type OnWindow = (number: number, amended: boolean) => void;

/** The latest windows of one length of one series: what came in each, and which of them have news. */
export class Windows {
  /** Ms. */
  readonly length: number;
  /** A power of two. */
  readonly #slots: number;
  readonly #cells: Float64Array;
  /** Numbers of windows that have news are among these; none: an empty range. */
  #newsFrom = Number.POSITIVE_INFINITY;
  #newsTo = Number.NEGATIVE_INFINITY;

  /** `span`: how far apart the earliest and the latest time are that it is given at any one time, ms. */
  constructor(length: number, span: number) {
    this.length = length;
    this.#slots = 2 ** Math.ceil(Math.log2(Math.ceil(span / length) + 2));
    this.#cells = new Float64Array(this.#slots * STRIDE);
    for (let at = 0; at < this.#cells.length; at += STRIDE) this.#cells[at] = Number.NEGATIVE_INFINITY;
  }

  /** Is there a window with news? */
  get hasNews(): boolean {
    return this.#newsFrom <= this.#newsTo;
  }

  /** Does the window that this time is in take more, where those that ended up to `floor` do not? */
  isOpen(time: number, floor: number): boolean {
    const { length } = this;
    return (Math.floor(time / length) + 1) * length > floor;
  }

  /** Adds readings of one window: those of `time`, the latest of them `last`. */
  add(time: number, count: number, sum: number, min: number, max: number, last: number): void {
    const at = this.#touch(Math.floor(time / this.length));
    if (at < 0) return;
    const cells = this.#cells;
    cells[at + COUNT]! += count;
    cells[at + SUM]! += sum;
    if (min < cells[at + MIN]!) cells[at + MIN] = min;
    if (max > cells[at + MAX]!) cells[at + MAX] = max;
    if (time < cells[at + TIME]!) return;
    cells[at + TIME] = time;
    cells[at + LAST] = last;
  }

  /** So many readings more (`sign` 1) or less (-1) are missing, in the windows that end after `floor`. */
  miss(hole: Hole, sign: 1 | -1, floor: number): void {
    const { length } = this;
    const first = Math.floor(Math.max(hole.after, floor) / length);
    const last = Math.floor(hole.before / length);
    let before = countBefore(hole, first * length);
    for (let number = first; number <= last && number < first + this.#slots; number++) {
      const upTo = number === last ? hole.to - hole.from : countBefore(hole, (number + 1) * length);
      if (upTo > before) {
        const at = this.#touch(number);
        if (at >= 0) this.#cells[at + MISSING]! += sign * (upTo - before);
      }
      before = upTo;
    }
  }

  /** Tells of the windows up to this number that have news, in rising order, and takes them as told. */
  takeNews(upTo: number, onWindow: OnWindow): void {
    const last = Math.min(upTo, this.#newsTo);
    const first = this.#newsFrom;
    if (first > last) return;
    this.#newsFrom = last + 1;
    for (let number = first; number <= last; number++) {
      const at = this.#find(number);
      if (at < 0) continue;
      const state = this.#cells[at + STATE]!;
      if (state !== FRESH && state !== CHANGED) continue;
      this.#cells[at + STATE] = state === FRESH ? TOLD : AMENDED;
      onWindow(number, state === CHANGED);
    }
  }

  /** One window; undefined where it is not among the latest, or nothing is known of it. */
  summary(number: number): WindowSummary | undefined {
    const at = this.#find(number);
    if (at < 0) return undefined;
    const cells = this.#cells;
    const count = cells[at + COUNT]!;
    const some = count > 0;
    return {
      start: number * this.length,
      count,
      min: some ? cells[at + MIN]! : Number.NaN,
      max: some ? cells[at + MAX]! : Number.NaN,
      mean: some ? meanOf(cells[at + SUM]!, count, cells[at + MIN]!, cells[at + MAX]!) : Number.NaN,
      last: some ? cells[at + LAST]! : Number.NaN,
      missing: cells[at + MISSING]!,
      amended: cells[at + STATE] === AMENDED,
    };
  }

  #find(number: number): number {
    const at = this.#slot(number);
    return this.#cells[at + NUMBER] === number ? at : -1;
  }

  /** The cell of a window, which has news now; below 0: a later one has its place. */
  #touch(number: number): number {
    const at = this.#slot(number);
    const cells = this.#cells;
    const held = cells[at + NUMBER]!;
    if (held > number) return -1;
    if (held < number) {
      cells.fill(0, at, at + STRIDE);
      cells[at + NUMBER] = number;
      cells[at + MIN] = Number.POSITIVE_INFINITY;
      cells[at + MAX] = Number.NEGATIVE_INFINITY;
      cells[at + TIME] = Number.NEGATIVE_INFINITY;
    } else if (cells[at + STATE] !== FRESH) cells[at + STATE] = CHANGED;
    if (number < this.#newsFrom) this.#newsFrom = number;
    if (number > this.#newsTo) this.#newsTo = number;
    return at;
  }

  #slot(number: number): number {
    // Its lowest bits, which are right beyond 32 bits, too; a remainder of doubles costs ten times as much.
    return (number & (this.#slots - 1)) * STRIDE;
  }
}

function meanOf(sum: number, count: number, min: number, max: number): number {
  // Values next to the largest double have a sum that is none.
  return Number.isFinite(sum) ? sum / count : min / 2 + max / 2;
}

/** How many of a hole's readings lie before `time`, where they are spread evenly between the times around it. */
function countBefore({ from, to, after, before }: Hole, time: number): number {
  const count = to - from;
  if (time <= after) return 0;
  if (time > before) return count;
  const places = ((time - after) * (count + 1)) / (before - after);
  return Math.min(count, Math.max(0, Math.ceil(places) - 1));
}
