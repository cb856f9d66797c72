export { Answers, type AnswersHost, type AnswersOptions, type Inquiry } from './answers.ts';
export { isCounted } from './counted.ts';
export type { DropName, Fate, Message, Outcomes } from './message.ts';
export { PartCount, Parts, type PartsHost } from './parts.ts';
export type { MessageStream, Port } from './port.ts';
export { type Novelty, Receiver } from './receiver.ts';
export { Sender, type SenderOptions, type SenderStats } from './sender.ts';
