import type { Batch } from './batch.ts';
import { QUANTITIES, SAMPLE_RATE, SENSORS } from './catalogue.ts';

/** Samples kept of each sensor: a power of two, at 100 Hz 41 seconds. */
const CAPACITY = 4096;

const PERIOD = 1000 / SAMPLE_RATE;

/** A sensor's smallest and largest reading over a while. */
export interface Extremes {
  readonly least: number;
  readonly most: number;
}

/** Series for a chart: x in seconds before `now` (negative), then each sensor's readings, null where none came. */
export type Columns = [x: number[], ...series: (number | null)[][]];

/** The last readings of all sensors, by the time they were taken: late, lost and repeated batches make no difference. */
export class History {
  readonly #values = new Float32Array(SENSORS.length * CAPACITY).fill(Number.NaN);
  /** Of each line, the sample after the newest one. */
  readonly #ends: (number | undefined)[] = [];

  /** Is there anything yet? */
  get empty(): boolean {
    return this.#ends.length === 0;
  }

  /** Takes in the readings of a line. */
  add(line: number, { start, samples, values }: Batch): void {
    const first = Math.round(start / PERIOD);
    const end = this.#ends[line] ?? first;
    if (first + samples <= end - CAPACITY) return;
    for (let sensor = 0; sensor < QUANTITIES.length; sensor += 1) {
      const base = (line * QUANTITIES.length + sensor) * CAPACITY;
      // What was lost in between must not show what the ring held there a round ago.
      for (let missing = Math.max(end, first - CAPACITY); missing < first; missing += 1) {
        this.#values[base + (missing & (CAPACITY - 1))] = Number.NaN;
      }
      for (let sample = 0; sample < samples; sample += 1) {
        this.#values[base + ((first + sample) & (CAPACITY - 1))] = values[sensor * samples + sample]!;
      }
    }
    this.#ends[line] = Math.max(end, first + samples);
  }

  /** The newest reading of a sensor. */
  latest(sensor: number): number | undefined {
    const end = this.#ends[Math.floor(sensor / QUANTITIES.length)];
    return end === undefined ? undefined : this.#at(sensor, end - 1, end);
  }

  /** The extremes of a sensor over the last `seconds`. */
  extremes(sensor: number, seconds: number): Extremes | undefined {
    const end = this.#ends[Math.floor(sensor / QUANTITIES.length)];
    if (end === undefined) return undefined;
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let sample = end - Math.min(CAPACITY, seconds * SAMPLE_RATE); sample < end; sample += 1) {
      const value = this.#at(sensor, sample, end);
      if (value === undefined) continue;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return least > most ? undefined : { least, most };
  }

  /**
   * The `seconds` before `now` (plant clock, ms) in at most `points` points a series: of each bucket of samples the
   * smallest and the largest, so that no spike is lost. Buckets keep their place in time, so a chart that scrolls
   * does not flicker.
   */
  columns(sensors: readonly number[], now: number, seconds: number, points: number): Columns {
    const from = Math.floor((now - seconds * 1000) / PERIOD);
    const to = Math.ceil(now / PERIOD);
    // From `seconds` alone: a size that changed from frame to frame would move every bucket.
    const size = Math.max(1, Math.ceil((2 * seconds * SAMPLE_RATE) / points));
    const x: number[] = [];
    const series = sensors.map((): (number | null)[] => []);
    for (let bucket = Math.floor(from / size) * size; bucket < to; bucket += size) {
      const at = (bucket * PERIOD - now) / 1000;
      x.push(at);
      if (size > 1) x.push(at + (size * PERIOD) / 2000);
      for (const [index, sensor] of sensors.entries()) this.#bucket(sensor, bucket, size, series[index]!);
    }
    return [x, ...series];
  }

  /** Adds a bucket's smallest and largest reading in the order in which they came; of a bucket of one, that one. */
  #bucket(sensor: number, start: number, size: number, into: (number | null)[]): void {
    const end = this.#ends[Math.floor(sensor / QUANTITIES.length)] ?? 0;
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    let mostIsLast = false;
    for (let sample = start; sample < start + size; sample += 1) {
      const value = this.#at(sensor, sample, end);
      if (value === undefined) continue;
      if (value < least) {
        least = value;
        mostIsLast = false;
      }
      if (value > most) {
        most = value;
        mostIsLast = true;
      }
    }
    const found = least <= most;
    if (size === 1) into.push(found ? least : null);
    else if (!found) into.push(null, null);
    else if (mostIsLast) into.push(least, most);
    else into.push(most, least);
  }

  #at(sensor: number, sample: number, end: number): number | undefined {
    if (sample >= end || sample < end - CAPACITY) return undefined;
    const value = this.#values[sensor * CAPACITY + (sample & (CAPACITY - 1))]!;
    return Number.isNaN(value) ? undefined : value;
  }
}
