import type { Mode, Resolution, ValueEncoding } from '@spillway/envelope/telemetry';

/** Anything that knows the gateway's time. The clock of the loop kit is one. */
export interface TelemetryClock {
  /** Ms since the Unix epoch, by the gateway's clock. */
  serverNow(): number;
}

export interface TelemetryOptions {
  /** The channel that the gateway's `telemetry` declares, without its suffixes: `plant/7`. */
  readonly channel: string;
  /**
   * Where the time of a reading comes from that is recorded without one. @default the gateway's clock, asked for by the
   * producer itself: four round trips when the session opens, then one every 30 s; the machine's own until the first
   */
  readonly clock?: TelemetryClock | undefined;
  /** A `live` reading waits so long at most for others to share a datagram, ms. @default 100 */
  readonly liveDelay?: number | undefined;
  /** A `complete` reading waits so long at most for its batch, ms. @default 1000 */
  readonly batchDelay?: number | undefined;
  /** Bytes of a packet of `live` readings, 256-16384: with its envelope it should fit a datagram. @default 960 */
  readonly datagramBytes?: number | undefined;
  /** Bytes of a batch of `complete` readings, 256-49152. @default 16384 */
  readonly batchBytes?: number | undefined;
  /** Bytes of `complete` readings that are kept until the gateway has them. @default 4194304 */
  readonly maxStoredBytes?: number | undefined;
  /** Which of the kept batches goes first. What has no room is the oldest either way. @default 'oldest' */
  readonly order?: 'oldest' | 'newest' | undefined;
  /** Bytes of batches a second: below the gateway's `bytesPerSecond`, and with room for the rest. @default 524288 */
  readonly batchBytesPerSecond?: number | undefined;
  /** Batches on their way that the gateway has not confirmed. @default 4 */
  readonly maxUnconfirmed?: number | undefined;
  /** A packet of `live` readings that has not left after so long is dropped, ms. @default 2000 */
  readonly maxAge?: number | undefined;
  /** Series at most: `series` throws past it. @default 4096 */
  readonly maxSeries?: number | undefined;
  /** Hears what the gateway refused for good: definitions, or a batch of `complete` readings. */
  readonly failed?: ((error: unknown) => void) | undefined;
}

export const DEFAULTS = {
  liveDelay: 100,
  batchDelay: 1_000,
  datagramBytes: 960,
  batchBytes: 16_384,
  maxStoredBytes: 4 * 1024 * 1024,
  order: 'oldest' as 'oldest' | 'newest',
  batchBytesPerSecond: 512 * 1024,
  maxUnconfirmed: 4,
  maxAge: 2_000,
  maxSeries: 4_096,
};

export type Settings = typeof DEFAULTS & Pick<TelemetryOptions, 'channel' | 'clock' | 'failed'>;

/** Fills in the defaults. Throws `RangeError` for what is out of its range. */
export function settle({ channel, clock, failed, ...given }: TelemetryOptions): Settings {
  const settings: Settings = { ...DEFAULTS, channel, clock, failed };
  for (const [name, value] of Object.entries(given))
    if (value !== undefined) Object.assign(settings, { [name]: value });
  check('liveDelay', settings.liveDelay, 0, 60_000);
  check('batchDelay', settings.batchDelay, 0, 3_600_000);
  check('datagramBytes', settings.datagramBytes, 256, 16_384);
  check('batchBytes', settings.batchBytes, 256, 49_152);
  check('maxStoredBytes', settings.maxStoredBytes, 0, Number.MAX_SAFE_INTEGER);
  check('batchBytesPerSecond', settings.batchBytesPerSecond, 1024, Number.MAX_SAFE_INTEGER);
  check('maxUnconfirmed', settings.maxUnconfirmed, 1, 256);
  check('maxAge', settings.maxAge, 1, 3_600_000);
  check('maxSeries', settings.maxSeries, 1, 65_536);
  return settings;
}

export interface SeriesOptions {
  /** `°C`, `bar`: up to 32 bytes. @default '' */
  readonly unit?: string | undefined;
  /** `live`: as datagrams, what is lost stays lost. `complete`: reliably, and kept while there is no connection. @default 'live' */
  readonly mode?: Mode | undefined;
  /** Digits after the point, 0-9: values are rounded to them and take the fewest bytes. @default floats */
  readonly decimals?: number | undefined;
  /** For values without `decimals`. @default 'float64' */
  readonly float?: Exclude<ValueEncoding, 'scaled'> | undefined;
  /** What times are rounded to. @default 'ms' */
  readonly resolution?: Resolution | undefined;
  /** Readings that wait at most before they are packed, whatever their age, 1-4096. Memory for so many is taken at once. @default 256 */
  readonly maxReadings?: number | undefined;
}

export function check(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) throw new RangeError(`${name} ${value}: ${least} to ${most}`);
}
