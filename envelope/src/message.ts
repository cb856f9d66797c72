import { MAX_CHANNEL, MAX_ID, MAX_KEY, MAX_TS, MAX_TYPE } from './bounds.ts';
import { validChannel } from './channel.ts';
import { CODECS, DELIVERIES, type Event } from './envelope.ts';
import { badValue, oneOf, string, uint, usually } from './fields.ts';
import type { Message } from './kinds.ts';

// The fields of event, request and response, with the rules that both encodings share.

/** The name of a channel, or empty: about no channel. */
export const channelOrNone = usually(
  string(0, MAX_CHANNEL, (name) => name === '' || validChannel(name)),
  '',
);
export const type = string(1, MAX_TYPE);
export const id = string(1, MAX_ID);
export const key = string(1, MAX_KEY);
/** A position in a channel, and any number that stands for a name. */
export const number = uint();
export const ts = uint(MAX_TS);
export const codec = usually(oneOf(CODECS), 'json');
export const delivery = usually(oneOf(DELIVERIES), 'reliable');

/** Does the event have `seq` and `ts`? Throws where it has only one of them. */
export function isStamped({ seq, ts }: Pick<Event, 'seq' | 'ts'>): boolean {
  if ((seq === undefined) !== (ts === undefined)) throw badValue('seq', 'ts beside it');
  return seq !== undefined;
}

/** The payload, if it is bytes. */
export function checkPayload({ payload }: Message): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  throw badValue('payload', 'a Uint8Array');
}
