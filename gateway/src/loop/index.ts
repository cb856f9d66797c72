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
  type StateOf,
  type StateSchema,
  text,
} from '@spillway/envelope/loop';
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
export { createLoop, Loop, type LoopHost, type LoopOptions, type LoopStats, type Tick } from './loop.ts';
export type { Player, PlayerStats } from './loop-player.ts';
export { createRooms, LoopRooms, type RoomOptions } from './loop-rooms.ts';
export { StateSync, type StateSyncOptions, type StateSyncStats, type ValuesOf } from './state-sync.ts';
export {
  FixedStep,
  type FixedStepOptions,
  type FixedStepStats,
  systemTickTime,
  type TickTime,
} from './tick.ts';
export type { Spread } from './tick-figures.ts';
export { type InputMark, Viewer, type ViewerOptions, type ViewerStats } from './viewer.ts';
