export { type Alarm, type AlarmRule, Alarms } from './alarms.ts';
export type { Counters, SequenceTotals } from './counters.ts';
export type { TelemetryLimits, TelemetryOptions } from './options.ts';
export type { Readings, ReadingsLoop, ReadingsOptions } from './readings.ts';
export type { SeriesRollup } from './rollups.ts';
export type { SeriesInfo } from './series.ts';
export {
  type RollupListener,
  Telemetry,
  type TelemetryClock,
  type TelemetryGateway,
  type TelemetryStats,
  telemetry,
} from './telemetry.ts';
