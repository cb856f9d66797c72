export { isCounted } from './counted.ts';
export { type LaneFate, Lanes } from './lanes.ts';
export type { DropName, Fate, Message, Outcomes } from './message.ts';
export type { MessageStream, Port } from './port.ts';
export { type Novelty, Receiver } from './receiver.ts';
export { Unordered, type UnorderedFate } from './unordered.ts';
