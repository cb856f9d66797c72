import type { Envelope, Event, Kind, Request, Response } from './envelope.ts';

/** An envelope with a payload. */
export type Message = Event | Request | Response;

/** Every other envelope: fields only, all of them in `control.ts`. */
export type Control = Exclude<Envelope, Message>;

/**
 * The number of a kind on the wire is its index here plus one; 0 is never assigned, because 0x20 is a space
 * and a space begins text. Append only.
 */
export const KINDS = [
  'event',
  'request',
  'response',
  'error',
  'hello',
  'welcome',
  'ping',
  'pong',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'names',
  'named',
  'lane',
  'ack',
  'gap',
  'receipt',
  'drain',
  'close',
  'number',
  'cancel',
  'taken',
  'auth',
  'expiring',
] as const satisfies readonly Kind[];

/** Is it one of the kinds with a payload? */
export function isMessage(envelope: Envelope): envelope is Message {
  return KINDS.indexOf(envelope.kind) < 3;
}
