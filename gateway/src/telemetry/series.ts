import type { Mode, ValueEncoding } from '@spillway/envelope/telemetry';
import type { Hole } from './sequence.ts';
import { Windows } from './windows.ts';

/** What is said of a series, whoever records it. */
export interface SeriesInfo {
  /** What roll-ups call it, in its channel. */
  readonly id: number;
  readonly name: string;
  readonly unit: string;
  readonly mode: Mode;
  readonly encoding: ValueEncoding;
  /** Digits after the point of its values, where they are `scaled`. */
  readonly decimals: number;
}

/** What is rolled up, ms since the Unix epoch. */
export interface TimeRange {
  /** Windows that ended up to then take nothing more. */
  readonly floor: number;
  /** The latest time of a reading. */
  readonly ceiling: number;
}

/** Readings that are not rolled up. */
export interface OutOfRange {
  /** Too late for the shortest window, if not for longer ones. */
  late: number;
  /** Of a time past the ceiling. */
  ahead: number;
}

/** One series of a channel: what its latest windows hold. Several producers may record it, one after the other or at once. */
export class Series {
  info: SeriesInfo;
  readonly windows: readonly Windows[];
  /** When something came of it last. */
  heardAt: number;
  /** It has made room for another one: who records it defines it anew. */
  gone = false;
  /** Who recorded it last, and its number there. */
  recordedBy = { producer: 0, series: 0 };
  readonly #out: OutOfRange;

  /** `span`: how wide a `TimeRange` is at most, ms. */
  constructor(info: SeriesInfo, lengths: readonly number[], span: number, out: OutOfRange, now: number) {
    this.info = info;
    this.windows = lengths.map((length) => new Windows(length, span));
    this.heardAt = now;
    this.#out = out;
  }

  /** Rolls up the readings from index `from` to before `to`. */
  add(
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
    { floor, ceiling }: TimeRange,
  ): void {
    const { windows } = this;
    let index = from;
    while (index < to) {
      let time = times[index]!;
      if (time > ceiling) {
        this.#out.ahead++;
        index++;
        continue;
      }
      // A run of readings that share a window of every length, found with two comparisons for each.
      let start = Number.NEGATIVE_INFINITY;
      let end = ceiling;
      for (let which = 0; which < windows.length; which++) {
        const { length } = windows[which]!;
        const first = Math.floor(time / length) * length;
        if (first > start) start = first;
        if (first + length < end) end = first + length;
      }
      const begin = index;
      let latest = time;
      let last = values[index]!;
      let sum = last;
      let min = last;
      let max = last;
      for (index++; index < to; index++) {
        time = times[index]!;
        if (time < start || time >= end) break;
        const value = values[index]!;
        sum += value;
        if (value < min) min = value;
        if (value > max) max = value;
        if (time < latest) continue;
        latest = time;
        last = value;
      }
      const count = index - begin;
      for (let which = 0; which < windows.length; which++) {
        if (windows[which]!.isOpen(latest, floor)) windows[which]!.add(latest, count, sum, min, max, last);
        else if (which === 0) this.#out.late += count;
      }
    }
  }

  /** Readings are missing, with `sign` -1 they are so no more. */
  miss(hole: Hole, sign: 1 | -1, { floor }: TimeRange): void {
    for (const windows of this.windows) windows.miss(hole, sign, floor);
  }
}
