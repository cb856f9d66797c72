import { MAX_TIME, type SeriesDefinition } from '@spillway/envelope/telemetry';

/** What a series tells its producer. */
export interface SeriesHost {
  /** Ms since the Unix epoch, for a reading that comes without a time. */
  now(): number;
  /** The first reading waits. */
  began(series: Series): void;
  /** There is no room for another reading: packs those that wait at once. */
  full(series: Series): void;
}

/** Counted since the series was made. */
export interface SeriesStats {
  /** Calls of `record`. */
  readonly recorded: number;
  /** Among them those whose value or time was none: they take a place in the sequence, which consumers see as missing. */
  readonly invalid: number;
  /** Among them those with a time before that of the reading before. */
  readonly backwards: number;
  /** Readings that wait to be packed. */
  readonly waiting: number;
}

/** One series of a producer: `record` it. */
export class Series {
  readonly definition: SeriesDefinition;
  /** Of the readings that wait; for the producer, which packs them. A value that is none stands for an invalid reading. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly #host: SeriesHost;
  readonly #capacity: number;
  /** Time of the last valid reading. A field would be a new object for each time. */
  readonly #last = Float64Array.of(0);
  #count = 0;
  #seq = 0;
  #invalid = 0;
  #backwards = 0;

  constructor(definition: SeriesDefinition, capacity: number, host: SeriesHost) {
    this.definition = definition;
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.#capacity = capacity;
    this.#host = host;
  }

  get name(): string {
    return this.definition.name;
  }

  /** Readings that wait to be packed. */
  get count(): number {
    return this.#count;
  }

  /** Which reading the first one that waits is, counted from 0; which one comes next, where none waits. */
  get seq(): number {
    return this.#seq;
  }

  /**
   * Takes in a reading. Allocates nothing. False: `value` is not a finite number, or `time` not one from 0 to 2^42 - 1;
   * the reading is counted as invalid, and consumers see one missing.
   * @param time ms since the Unix epoch, by the gateway's clock. One before the last is taken as it is: the reading is
   * late. @default now, and never before the last one
   */
  record(value: number, time?: number): boolean {
    const at = this.#count;
    const last = this.#last[0]!;
    let when = time as number;
    if (time === undefined) {
      when = this.#host.now();
      if (when < last) when = last;
    } else if (time < last) {
      this.#backwards += 1;
    }
    const valid = value - value === 0 && when >= 0 && when <= MAX_TIME;
    if (valid) {
      this.#last[0] = when;
      this.times[at] = when;
      this.values[at] = value;
    } else {
      this.#invalid += 1;
      this.values[at] = Number.NaN;
    }
    this.#count = at + 1;
    if (at === 0) this.#host.began(this);
    if (at + 1 === this.#capacity) this.#host.full(this);
    return valid;
  }

  /** The readings that wait have been packed, or dropped. */
  taken(): void {
    this.#seq += this.#count;
    this.#count = 0;
  }

  get stats(): SeriesStats {
    return {
      recorded: this.#seq + this.#count,
      invalid: this.#invalid,
      backwards: this.#backwards,
      waiting: this.#count,
    };
  }
}
