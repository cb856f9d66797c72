export {
  angle,
  boolean,
  defineInput,
  defineState,
  type EntityOf,
  type InputCodec,
  type InputOf,
  integer,
  oneOf,
  quantized,
  type Snapshot,
  type StateOf,
  type StateSchema,
  text,
} from '@spillway/envelope/loop';
export { ServerClock, type ServerClockOptions } from './clock.ts';
export { ClockSync, type ClockSyncOptions } from './clock-sync.ts';
export { TickClock, type TickClockOptions } from './clock-ticks.ts';
export { Correction, type CorrectionOptions, type Distance, decayed, placeDistance } from './correct.ts';
export { type Extrapolate, extrapolate, type Moment } from './extrapolate.ts';
export { InputSender, type InputSenderOptions, type InputSenderStats } from './input.ts';
export {
  type FieldRule,
  type FieldRules,
  type Interpolate,
  interpolateFields,
  lerp,
  lerpAngle,
  turnBetween,
} from './interpolate.ts';
export {
  type EntitySnapshot,
  InterpolatedView,
  type InterpolatedViewOptions,
  type InterpolatedViewStats,
} from './interpolate-view.ts';
export {
  type Frame,
  JoinedLoop,
  type JoinedStats,
  type JoinOptions,
  joinLoop,
} from './loop.ts';
export { Prediction, type PredictionOptions, type PredictionStats } from './predict.ts';
export { type Applied, reconcile, type Step } from './reconcile.ts';
export {
  type Bracket,
  SnapshotBuffer,
  type SnapshotBufferOptions,
  type SnapshotBufferStats,
  type Timed,
} from './snapshot-buffer.ts';
export { type DelayOptions, InterpolationDelay } from './snapshot-buffer-delay.ts';
export { StateView, type StateViewOptions, type StateViewStats } from './state-view.ts';
