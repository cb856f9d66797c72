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
export { InputSender, type InputSenderOptions, type InputSenderStats } from './input.ts';
export {
  type Frame,
  JoinedLoop,
  type JoinedStats,
  type JoinOptions,
  joinLoop,
} from './loop.ts';
export { StateView, type StateViewOptions, type StateViewStats } from './state-view.ts';
