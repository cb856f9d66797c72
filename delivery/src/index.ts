export { isCounted } from './counted.ts';
export type { DropName, Fate, Message, Outcomes } from './message.ts';
export type { MessageStream, Port } from './port.ts';
export { type Novelty, Receiver } from './receiver.ts';
export { Sender, type SenderOptions, type SenderStats } from './sender.ts';
