import type { ChannelOptions } from '../core/channel-rules.ts';
import { SpillwayError } from '../core/errors.ts';

/** How readings are taken in and rolled up. Times in ms. */
export interface TelemetryOptions {
  /** Lengths of the windows that are rolled up; each has a channel of its own, so a dashboard chooses its rate. @default [100, 1000] */
  readonly windows?: readonly number[] | undefined;
  /**
   * Between the end of a window and its roll-up: what readings take from the sensor to here, the age at which producers
   * send what they have included. @default 150
   */
  readonly settle?: number | undefined;
  /**
   * How long after its roll-up a window still takes readings: it is then published again. What comes later is counted as
   * `late`; `readings` and raw packets have it all the same. 0: no roll-up is published twice. @default 2000
   */
  readonly lateness?: number | undefined;
  /** How far ahead of the gateway's clock a reading's time may be; one further ahead is counted as `ahead`. @default 1000 */
  readonly ahead?: number | undefined;
  /** Pass the producers' packets on, byte by byte, in a channel of their own. @default false */
  readonly raw?: boolean | undefined;
  /**
   * Who may publish readings and who may subscribe, asked as with any channel. Clients never publish roll-ups, whatever
   * this says. @default everybody
   */
  readonly authorize?: ChannelOptions['authorize'];
  readonly limits?: Partial<TelemetryLimits> | undefined;
}

/** Every bound of the kit. */
export interface TelemetryLimits {
  /** Channels that somebody publishes readings in. @default 1000 */
  readonly channels: number;
  /** Series of one channel, by name. @default 10000 */
  readonly series: number;
  /** Producers of one channel. @default 1000 */
  readonly producers: number;
  /** Series of one producer. @default 10000 */
  readonly seriesPerProducer: number;
  /**
   * Who has not been heard of for so long makes room for others where a limit is reached, ms: a producer, a series, a
   * channel. @default 60000
   */
  readonly idle: number;
}

const DEFAULT_LIMITS: TelemetryLimits = {
  channels: 1_000,
  series: 10_000,
  producers: 1_000,
  seriesPerProducer: 10_000,
  idle: 60_000,
};

const DEFAULTS = { windows: [100, 1_000] as readonly number[], settle: 150, lateness: 2_000, ahead: 1_000 };

/** Windows shorter than this would publish more than a display shows; one day is long enough for a live view. ms. */
const MIN_WINDOW = 10;
const MAX_WINDOW = 86_400_000;
const MAX_WINDOWS = 8;

/** What is held of each series grows with it: an hour. ms. */
const MAX_SPAN = 3_600_000;

/** Windows that each series holds at most: 9 numbers each. */
const MAX_HELD = 4_096;

/** Options as they hold. */
export interface Settings {
  /** Rising. */
  readonly windows: readonly number[];
  readonly settle: number;
  readonly lateness: number;
  readonly ahead: number;
  readonly raw: boolean;
  readonly authorize: ChannelOptions['authorize'];
  readonly limits: TelemetryLimits;
}

/** @throws RangeError for an option outside its range. */
export function resolveOptions(options: TelemetryOptions): Settings {
  const {
    windows = DEFAULTS.windows,
    settle = DEFAULTS.settle,
    lateness = DEFAULTS.lateness,
    ahead = DEFAULTS.ahead,
    raw = false,
    authorize,
  } = options;
  if (windows.length === 0 || windows.length > MAX_WINDOWS || new Set(windows).size !== windows.length)
    throw new RangeError(`windows takes 1-${MAX_WINDOWS} different lengths`);
  for (const window of windows) within('windows', window, MIN_WINDOW, MAX_WINDOW);
  within('settle', settle, 0, MAX_SPAN);
  within('lateness', lateness, 0, MAX_SPAN);
  within('ahead', ahead, 0, MAX_SPAN);
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new RangeError(`limits.${name} is not a limit of telemetry`);
    if (value === undefined) continue;
    within(`limits.${name}`, value, 1, 2 ** 31 - 1);
    limits[name as keyof TelemetryLimits] = value;
  }
  const sorted = [...windows].sort((one, other) => one - other);
  const held = (settle + lateness + ahead) / sorted[0]!;
  if (held > MAX_HELD)
    throw new RangeError(`settle, lateness and ahead span ${Math.ceil(held)} windows, ${MAX_HELD} at most`);
  return { windows: sorted, settle, lateness, ahead, raw, authorize, limits };
}

/** @throws SpillwayError `bad-pattern` */
export function checkPattern(pattern: string): void {
  // What the kit publishes has names of its own behind this one.
  if (pattern.endsWith('#')) throw new SpillwayError('bad-pattern', `'${pattern}': telemetry takes no '#'`);
}

function within(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} takes whole numbers ${least}-${most}, not ${String(value)}`);
}
