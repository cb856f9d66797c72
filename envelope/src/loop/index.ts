export {
  decodeInputPacket,
  encodeInputPacket,
  type InputAck,
  type InputPacket,
  MAX_INPUT_BYTES,
  MAX_INPUTS,
  MAX_LEAD,
  type RawInput,
} from './input.ts';
export { defineInput, type InputCodec, type InputFields, type InputOf } from './input-schema.ts';
export { LOOP_KIND, LOOP_TYPE, loopKind, loopPrefix, MAX_TICK } from './kinds.ts';
export {
  decodeFeedback,
  decodePing,
  decodePong,
  encodeFeedback,
  encodePing,
  encodePong,
  type InputFeedback,
  type InputTotals,
  type Pong,
} from './ping.ts';
export {
  defineState,
  type EntityOf,
  type FieldSet,
  type FieldsOf,
  type KindPlan,
  type KindSet,
  type StateOf,
  type StateSchema,
} from './schema.ts';
export {
  angle,
  boolean,
  integer,
  oneOf,
  quantized,
  type StateField,
  type Tally,
  text,
  type ValueOf,
} from './schema-field.ts';
export {
  COUNTER_RANGE,
  MAX_BASELINE_AGE,
  MAX_ENTITIES,
  type Snapshot,
  type SnapshotAck,
  type SnapshotHead,
  type SnapshotPart,
  type SnapshotRecord,
} from './snapshot.ts';
export { readSnapshot } from './snapshot-reader.ts';
export { type Levels, SnapshotWriter } from './snapshot-writer.ts';
export { StateError, type StateErrorCode } from './state-error.ts';
