import { type Alarm, Alarms, type SeriesRollup } from '@spillway/gateway/telemetry';
import { QUANTITIES, type Quantity, quantityOf, SENSOR_BY_SERIES, WINDOW } from './catalogue.ts';

/** What is known about one alarm; told again with the same `id` whenever something about it changes. */
export interface AlarmReport {
  readonly id: string;
  /** Index into the catalogue. */
  readonly sensor: number;
  readonly level: 'warning' | 'critical';
  readonly side: 'low' | 'high';
  readonly active: boolean;
  /** The mean of the window furthest out so far. */
  readonly peak: number;
  /** Ms since the Unix epoch. */
  readonly raisedAt: number;
  readonly clearedAt?: number;
}

/** Windows in a row that it takes to raise an alarm, and to clear it: half a second. One that flutters helps nobody. */
const WINDOWS = 5;

/** An alarm is over when the mean has come back behind its limit by this share of the way to usual. */
const HYSTERESIS = 0.1;

/** As far from usual as this many times the limit is, a warning becomes critical. */
const CRITICAL = 1.75;

/** The alarm rules of the plant, for `onRollup`: each quantity has its limits, at every sensor the same. */
export class AlarmRules {
  readonly #report: (report: AlarmReport) => void;
  /** By quantity. */
  readonly #rules: readonly (readonly Alarms[])[];
  /** Those that are active, by sensor and side. */
  readonly #active = new Map<string, AlarmReport>();
  readonly #newId: () => string;

  /** `newId`: a name for each alarm that is raised. */
  constructor(report: (report: AlarmReport) => void, newId: () => string) {
    this.#report = report;
    this.#newId = newId;
    this.#rules = QUANTITIES.map((quantity) => [
      makeRule(quantity, 1, (alarm) => this.#warn(alarm)),
      makeRule(quantity, CRITICAL, (alarm) => this.#escalate(alarm)),
    ]);
  }

  readonly take = (rollup: SeriesRollup): void => {
    const sensor = SENSOR_BY_SERIES.get(rollup.series.name);
    if (sensor && rollup.window === WINDOW)
      for (const rule of this.#rules[quantityOf(sensor)]!) rule.take(rollup);
  };

  #warn({ series, side, active, at, peak }: Alarm): void {
    const sensor = SENSOR_BY_SERIES.get(series.name)!.index;
    const key = `${sensor} ${side}`;
    const known = this.#active.get(key);
    if (active) {
      this.#tell(key, { id: this.#newId(), sensor, level: 'warning', side, active, peak, raisedAt: at });
    } else if (known) {
      this.#tell(key, { ...known, active, peak, clearedAt: at + WINDOW });
      this.#active.delete(key);
    }
  }

  #escalate({ series, side, active, peak }: Alarm): void {
    const key = `${SENSOR_BY_SERIES.get(series.name)!.index} ${side}`;
    const known = this.#active.get(key);
    if (active && known) this.#tell(key, { ...known, level: 'critical', peak });
  }

  #tell(key: string, report: AlarmReport): void {
    this.#active.set(key, report);
    this.#report(report);
  }
}

function makeRule({ usual, low, high }: Quantity, times: number, listener: (alarm: Alarm) => void): Alarms {
  return new Alarms(
    {
      window: WINDOW,
      figure: 'mean',
      above: usual + (high - usual) * times,
      below: usual - (usual - low) * times,
      hysteresis: Math.min(high - usual, usual - low) * HYSTERESIS,
      windows: WINDOWS,
    },
    listener,
  );
}
