export type { Mode, Resolution, Skip, ValueEncoding } from '@spillway/envelope/telemetry';
export type { TelemetryChannel, TelemetrySession } from './link.ts';
export type { SeriesOptions, TelemetryClock, TelemetryOptions } from './options.ts';
export { Producer, type TelemetryStats, telemetry } from './producer.ts';
export type { Series, SeriesStats } from './series.ts';
