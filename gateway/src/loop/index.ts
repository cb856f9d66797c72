export { Grid, type GridOptions } from './grid.ts';
export {
  type InputListener,
  InputReceiver,
  type InputReceiverOptions,
  type InputReceiverStats,
} from './input.ts';
export { type Arrival, InputBuffer, type InputCounts } from './input-buffer.ts';
export { PacketLoss } from './input-loss.ts';
export { type JitterOptions, JitterTarget } from './jitter.ts';
export { StateSync, type StateSyncOptions, type StateSyncStats } from './state-sync.ts';
export { FixedStep, type FixedStepOptions, type FixedStepStats, systemTickTime, type TickTime } from './tick.ts';
export type { Spread } from './tick-figures.ts';
export { type InputMark, Viewer, type ViewerOptions, type ViewerStats } from './viewer.ts';
