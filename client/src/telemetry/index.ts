export type {
  CatalogueSeries,
  Mode,
  Resolution,
  Rollup,
  Skip,
  ValueEncoding,
} from '@spillway/envelope/telemetry';
export { Gaps, type Range } from './gaps.ts';
export type { TelemetryChannel, TelemetrySession } from './link.ts';
export type { SeriesOptions, TelemetryClock, TelemetryOptions } from './options.ts';
export { Producer, type TelemetryStats, telemetry } from './producer.ts';
export {
  type ReadingBlock,
  type ReadingOptions,
  type ReadingSeries,
  type ReadingSeriesInfo,
  type ReadingStats,
  type ReadingWatch,
  watchReadings,
} from './reading-watch.ts';
export {
  type RollupOptions,
  type RollupSeries,
  type RollupStats,
  type RollupWatch,
  type WindowRollup,
  watchRollups,
} from './rollup-watch.ts';
export type { Series, SeriesStats } from './series.ts';
