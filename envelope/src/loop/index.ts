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
export { LOOP_KIND, LOOP_UP, loopKind, MAX_TICK } from './kinds.ts';
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
