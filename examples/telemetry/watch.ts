import type { Sensor } from './catalogue.ts';

/** What the plant reports about one alarm; repeated with the same `id` whenever something about it changes. */
export interface AlarmReport {
  readonly id: string;
  /** Index into the catalogue. */
  readonly sensor: number;
  readonly level: 'warning' | 'critical';
  readonly side: 'low' | 'high';
  readonly active: boolean;
  /** The reading furthest out so far. */
  readonly peak: number;
  /** Plant clock, ms since the Unix epoch. */
  readonly raisedAt: number;
  readonly clearedAt?: number;
}

/** Samples in a row past the limit before an alarm: one stray reading is none. */
const TO_RAISE = 5;

/** Samples in a row well inside the limit before it is over: an alarm that flutters helps nobody. */
const TO_CLEAR = 100;

/** Share of the way from usual to the limit that counts as well inside. */
const WELL_INSIDE = 0.9;

/** As far from usual as this many times the limit is, a warning becomes critical. */
const CRITICAL = 1.75;

/** Watches the readings of one sensor and says when an alarm begins, gets worse or ends. */
export class Watch {
  readonly #sensor: Sensor;
  readonly #newId: () => string;
  #alarm: AlarmReport | undefined;
  #streak = 0;

  constructor(sensor: Sensor, newId: () => string) {
    this.#sensor = sensor;
    this.#newId = newId;
  }

  /** Takes one reading at `now`, ms; a report when there is something to tell. */
  read(value: number, now: number): AlarmReport | undefined {
    const { usual, low, high } = this.#sensor.quantity;
    const away = value >= usual ? (value - usual) / (high - usual) : (usual - value) / (usual - low);
    return this.#alarm ? this.#follow(this.#alarm, value, away, now) : this.#look(value, away, now);
  }

  #look(value: number, away: number, now: number): AlarmReport | undefined {
    this.#streak = away > 1 ? this.#streak + 1 : 0;
    if (this.#streak < TO_RAISE) return undefined;
    this.#streak = 0;
    this.#alarm = {
      id: this.#newId(),
      sensor: this.#sensor.index,
      level: away > CRITICAL ? 'critical' : 'warning',
      side: value > this.#sensor.quantity.usual ? 'high' : 'low',
      active: true,
      peak: value,
      raisedAt: now,
    };
    return this.#alarm;
  }

  #follow(alarm: AlarmReport, value: number, away: number, now: number): AlarmReport | undefined {
    const further = alarm.side === 'high' ? value > alarm.peak : value < alarm.peak;
    const followed = further ? { ...alarm, peak: value } : alarm;
    this.#alarm = followed;
    this.#streak = away < WELL_INSIDE ? this.#streak + 1 : 0;
    if (this.#streak >= TO_CLEAR) {
      this.#streak = 0;
      this.#alarm = undefined;
      return { ...followed, active: false, clearedAt: now };
    }
    if (alarm.level === 'critical' || !further || away <= CRITICAL) return undefined;
    this.#alarm = { ...followed, level: 'critical' };
    return this.#alarm;
  }
}
