import type { SeriesRollup } from './rollups.ts';
import type { SeriesInfo } from './series.ts';

/** When the roll-ups of a series raise an alarm, and when they clear it. */
export interface AlarmRule {
  /** Length of the windows that are looked at, ms: one of the kit's. */
  readonly window: number;
  /** Of these series: a name, or a function that says so. @default all */
  readonly series?: string | ((series: SeriesInfo, channel: string) => boolean) | undefined;
  /** What of a roll-up is compared. @default `max` with `above`, `min` with `below` */
  readonly figure?: 'min' | 'max' | 'mean' | 'last' | undefined;
  /** Raised where the figure is higher. */
  readonly above?: number | undefined;
  /** Raised where the figure is lower. */
  readonly below?: number | undefined;
  /** How far the figure has to come back behind the threshold before the alarm is cleared. @default 0 */
  readonly hysteresis?: number | undefined;
  /** Windows with readings in a row that it takes, to raise as to clear. @default 1 */
  readonly windows?: number | undefined;
}

/** One side of a rule that a series has crossed. */
export interface Alarm {
  readonly channel: string;
  readonly series: SeriesInfo;
  readonly side: 'high' | 'low';
  /** False: it is cleared. */
  readonly active: boolean;
  /** Start of the window that decided it, ms. */
  readonly at: number;
  /** The figure in that window. */
  readonly value: number;
  /** The figure that was furthest past the threshold since it was raised. */
  readonly peak: number;
}

interface Side {
  readonly side: 'high' | 'low';
  readonly threshold: number;
  readonly figure: 'min' | 'max' | 'mean' | 'last';
  /** 1: past is higher; -1: lower. */
  readonly sign: 1 | -1;
}

interface State {
  active: boolean;
  /** Windows in a row that speak for the other state. */
  run: number;
  /** Start of the last window that was looked at. */
  at: number;
  peak: number;
}

/**
 * Watches roll-ups for one rule: `onRollup(alarms.take)`. A window that late readings have changed may raise an alarm, as
 * what it tells has happened, where one window is enough; it clears none that later windows had raised.
 */
export class Alarms {
  readonly #rule: AlarmRule;
  readonly #sides: readonly Side[];
  readonly #listener: (alarm: Alarm) => void;
  /** By series and side: those that are active, and those that windows begin to speak for. */
  readonly #states = new Map<string, State>();

  /** `listener` hears each alarm when it is raised and when it is cleared. @throws RangeError for a rule that is none */
  constructor(rule: AlarmRule, listener: (alarm: Alarm) => void) {
    const { above, below, hysteresis = 0, windows = 1 } = rule;
    const sides: Side[] = [];
    if (above !== undefined)
      sides.push({ side: 'high', threshold: above, figure: rule.figure ?? 'max', sign: 1 });
    if (below !== undefined)
      sides.push({ side: 'low', threshold: below, figure: rule.figure ?? 'min', sign: -1 });
    if (sides.length === 0 || !sides.every(({ threshold }) => Number.isFinite(threshold)))
      throw new RangeError('a rule needs `above`, `below` or both');
    if (!(hysteresis >= 0 && hysteresis < Number.POSITIVE_INFINITY))
      throw new RangeError(`hysteresis takes a number from 0 on, not ${String(hysteresis)}`);
    if (!(Number.isInteger(windows) && windows >= 1))
      throw new RangeError(`windows takes a whole number from 1 on, not ${String(windows)}`);
    this.#rule = rule;
    this.#sides = sides;
    this.#listener = listener;
  }

  /** Alarms that are raised and not cleared. */
  get active(): number {
    return [...this.#states.values()].filter(({ active }) => active).length;
  }

  /** Looks at a roll-up; those of other windows and series are none of the rule's. */
  readonly take = (rollup: SeriesRollup): void => {
    const { series } = this.#rule;
    if (rollup.window !== this.#rule.window || rollup.count === 0) return;
    const concerned =
      typeof series === 'string'
        ? rollup.series.name === series
        : (series?.(rollup.series, rollup.channel) ?? true);
    if (concerned) for (const side of this.#sides) this.#look(side, rollup);
  };

  #look({ side, threshold, figure, sign }: Side, rollup: SeriesRollup): void {
    const { hysteresis = 0, windows = 1 } = this.#rule;
    const { channel, series, start } = rollup;
    const value = rollup[figure];
    const past = (value - threshold) * sign;
    const key = `${channel}\n${series.id}\n${side}`;
    const state = this.#states.get(key) ?? { active: false, run: 0, at: start, peak: value };
    // A window that is told again adds what it tells, and is no further one in a row.
    if ((rollup.amended && windows > 1) || (start < state.at && (state.active || past <= 0))) return;
    state.at = Math.max(state.at, start);
    if (state.active && (value - state.peak) * sign > 0) state.peak = value;
    const speaksAgainst = state.active ? past <= -hysteresis : past > 0;
    state.run = speaksAgainst ? state.run + 1 : 0;
    if (state.run >= windows) {
      state.active = !state.active;
      state.run = 0;
      if (state.active) state.peak = value;
      this.#listener({ channel, series, side, active: state.active, at: start, value, peak: state.peak });
    }
    if (state.active || state.run > 0) this.#states.set(key, state);
    else this.#states.delete(key);
  }
}
