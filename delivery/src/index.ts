export type { DropName, Fate, Message, Outcomes } from './message.ts';
export type { MessageStream, Port } from './port.ts';
