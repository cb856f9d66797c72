import type { Mode, ValueEncoding } from './series.ts';

/** Type of the messages that carry packets of readings: up on a channel, and down where raw ones are passed on. */
export const READINGS = 'READINGS';

/** Type of the messages that carry roll-up packets. */
export const ROLLUP = 'ROLLUP';

/** Type of the private message by which a gateway asks a producer to define series again: a `wanted` packet. */
export const WANTED = 'SERIES_WANTED';

/**
 * Type of the messages that tell of new or changed series, a `Catalogue` with those alone, and of the request for all of
 * them, `CatalogueRequest` to `Catalogue`; both JSON.
 */
export const SERIES = 'SERIES';

/** Type of the request for the gateway's time: `undefined` to `TimeAnswer`. A producer without a clock of its own asks. */
export const TIME = 'TELEMETRY_TIME';

export interface TimeAnswer {
  /** The gateway's clock, ms since the Unix epoch with fractions. */
  readonly now: number;
}

/** The channel that takes the packets of `complete` series. Those of `live` series go to the channel itself. */
export function completeChannel(channel: string): string {
  return `${channel}/complete`;
}

/** The channel that carries roll-ups of windows of so many ms of what is published on `channel`. */
export function rollupChannel(channel: string, window: number): string {
  return `${channel}/${window}`;
}

/** The channel that passes the packets published on `channel` on as they are. */
export function rawChannel(channel: string): string {
  return `${channel}/raw`;
}

/** The channel on which series of `channel` are announced. */
export function seriesChannel(channel: string): string {
  return `${channel}/series`;
}

export interface CatalogueRequest {
  readonly channel: string;
  /** `next` of the page before. @default the first page */
  readonly from?: number | undefined;
}

/** One series as consumers know it. */
export interface CatalogueSeries {
  /** Stands for the name in roll-ups of this `epoch`. */
  readonly id: number;
  readonly name: string;
  readonly unit: string;
  readonly mode: Mode;
  readonly encoding: ValueEncoding;
  readonly decimals: number;
  /** Whose packets it comes in, and its number there: what a reader of raw packets tells series apart by. */
  readonly producer: number;
  readonly series: number;
}

/** Series of one channel. */
export interface Catalogue {
  /** Names the life of the ids: roll-ups carry it, too, and ids of another life mean nothing. */
  readonly epoch: number;
  /** Lengths of the windows that are rolled up, ms, the shortest first. */
  readonly windows: readonly number[];
  readonly series: readonly CatalogueSeries[];
  /** In an answer: `from` of the next page; absent where this is the last. */
  readonly next?: number | undefined;
}
