import { SENSORS, WINDOW } from './catalogue.ts';

/** Windows kept of each sensor: a power of two, 51 seconds. */
const CAPACITY = 512;

/** Windows in a row that may be lost on their way to the page, as a line is drawn across them. */
const BRIDGED = 5;

/** A sensor's smallest and largest reading over a while. */
export interface Extremes {
  readonly least: number;
  readonly most: number;
}

/**
 * Readings for a chart: null where there is none, undefined where the page was not told, for so short a time that a line
 * may go across.
 */
export type Column = (number | null | undefined)[];

/** Series for a chart: x in seconds before `now` (negative), then each sensor's readings. */
export type Columns = [x: number[], ...series: Column[]];

/** One window of one sensor, as its roll-up tells. */
export interface Window {
  /** Ms since the Unix epoch, a multiple of `WINDOW`. */
  readonly start: number;
  readonly count: number;
  readonly missing: number;
  readonly min: number;
  readonly max: number;
  readonly last: number;
}

/** The last windows of all sensors, by their time: late, lost and repeated roll-ups make no difference. */
export class History {
  readonly #least = new Float32Array(SENSORS.length * CAPACITY).fill(Number.NaN);
  readonly #most = new Float32Array(SENSORS.length * CAPACITY).fill(Number.NaN);
  readonly #missing = new Uint16Array(SENSORS.length * CAPACITY);
  /** Which window stands in each place. */
  readonly #numbers = new Float64Array(SENSORS.length * CAPACITY).fill(Number.NaN);
  /** Of each sensor: its newest window, and the newest value. */
  readonly #newest = new Float64Array(SENSORS.length).fill(Number.NaN);
  readonly #last = new Float32Array(SENSORS.length).fill(Number.NaN);
  #empty = true;

  /** Is there anything yet? */
  get empty(): boolean {
    return this.#empty;
  }

  /** Forgets all. */
  clear(): void {
    this.#numbers.fill(Number.NaN);
    this.#newest.fill(Number.NaN);
    this.#last.fill(Number.NaN);
    this.#empty = true;
  }

  /** Takes in a window of a sensor. */
  add(sensor: number, { start, count, missing, min, max, last }: Window): void {
    const number = Math.round(start / WINDOW);
    const at = place(sensor, number);
    if (this.#numbers[at]! > number) return;
    this.#empty = false;
    this.#numbers[at] = number;
    this.#least[at] = count > 0 ? min : Number.NaN;
    this.#most[at] = count > 0 ? max : Number.NaN;
    this.#missing[at] = Math.min(missing, 65_535);
    if (count > 0 && !(this.#newest[sensor]! > number)) {
      this.#newest[sensor] = number;
      this.#last[sensor] = last;
    }
  }

  /** The newest reading of a sensor. */
  latest(sensor: number): number | undefined {
    const value = this.#last[sensor]!;
    return Number.isNaN(value) ? undefined : value;
  }

  /** The extremes of a sensor over the `seconds` up to its newest window. */
  extremes(sensor: number, seconds: number): Extremes | undefined {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let number = this.#newest[sensor]!, left = windowsIn(seconds); left > 0; number -= 1, left -= 1) {
      const at = place(sensor, number);
      if (this.#numbers[at] !== number) continue;
      if (this.#least[at]! < least) least = this.#least[at]!;
      if (this.#most[at]! > most) most = this.#most[at]!;
    }
    return least > most ? undefined : { least, most };
  }

  /** Readings of a sensor that are missing in the `seconds` before `now`, ms. */
  missing(sensor: number, now: number, seconds: number): number {
    let missing = 0;
    for (let number = Math.floor(now / WINDOW), left = windowsIn(seconds); left > 0; number -= 1, left -= 1)
      missing += this.missingIn(sensor, number);
    return missing;
  }

  /** Readings of a sensor that are missing in one window, by its number: `start / WINDOW`. */
  missingIn(sensor: number, number: number): number {
    const at = place(sensor, number);
    return this.#numbers[at] === number ? this.#missing[at]! : 0;
  }

  /**
   * The `seconds` before `now` (plant clock, ms) in at most `points` points a series: of each bucket of windows the
   * smallest and the largest, so that no spike is lost. Buckets keep their place in time, so a chart that scrolls
   * does not flicker.
   */
  columns(sensors: readonly number[], now: number, seconds: number, points: number): Columns {
    const from = Math.floor((now - seconds * 1000) / WINDOW);
    const to = Math.ceil(now / WINDOW);
    // From `seconds` alone: a size that changed from frame to frame would move every bucket.
    const size = Math.max(1, Math.ceil((2 * windowsIn(seconds)) / points));
    const x: number[] = [];
    const series = sensors.map((): Column => []);
    for (let bucket = Math.floor(from / size) * size; bucket < to; bucket += size) {
      const at = (bucket * WINDOW - now) / 1000;
      x.push(at, at + (size * WINDOW) / 2000);
      for (const [index, sensor] of sensors.entries()) this.#bucket(sensor, bucket, size, series[index]!);
    }
    return [x, ...series];
  }

  /** Adds the extremes of a bucket. A window does not say which came first: the one nearer to where the line is. */
  #bucket(sensor: number, start: number, size: number, into: Column): void {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let number = start; number < start + size; number += 1) {
      const at = place(sensor, number);
      if (this.#numbers[at] !== number) continue;
      if (this.#least[at]! < least) least = this.#least[at]!;
      if (this.#most[at]! > most) most = this.#most[at]!;
    }
    if (least > most) {
      const value = this.#isBridged(sensor, start, start + size) ? undefined : null;
      into.push(value, value);
      return;
    }
    const before = into.at(-1) ?? least;
    if (Math.abs(before - least) <= Math.abs(before - most)) into.push(least, most);
    else into.push(most, least);
  }

  /** Nothing is known of the windows from `start` to before `end`, and something of those close to either side. */
  #isBridged(sensor: number, start: number, end: number): boolean {
    const isTold = (number: number): boolean => this.#numbers[place(sensor, number)] === number;
    const isAny = (from: number): boolean => {
      for (let number = from; number < from + BRIDGED; number += 1) if (isTold(number)) return true;
      return false;
    };
    for (let number = start; number < end; number += 1) if (isTold(number)) return false;
    return isAny(start - BRIDGED) && isAny(end);
  }
}

function place(sensor: number, number: number): number {
  return sensor * CAPACITY + (number & (CAPACITY - 1));
}

function windowsIn(seconds: number): number {
  return Math.min(CAPACITY, Math.round((seconds * 1000) / WINDOW));
}
