import {
  MAX_CHANNEL,
  MAX_ERROR_DETAILS,
  MAX_ERROR_MESSAGE,
  MAX_ID,
  MAX_LABEL,
  MAX_LIST,
  MAX_REASON,
  MAX_REASONS,
  MAX_RESUME_TOKEN,
  MAX_TOKEN,
} from './bounds.ts';
import { validChannel, validPattern } from './channel.ts';
import { type LanePosition, OUTCOMES, REASONS, RUNGS } from './envelope.ts';
import { badValue, bool, type Field, list, oneOf, optional, string, struct, uint } from './fields.ts';
import { parseText } from './json.ts';
import type { Control } from './kinds.ts';
import { channelOrNone, id, key, type } from './message.ts';

const channel = string(1, MAX_CHANNEL, validChannel);
const pattern = string(1, MAX_CHANNEL, validPattern);
const label = string(1, MAX_LABEL);
const lanes = list(struct<LanePosition>({ lane: uint(), count: uint() }), MAX_LIST);

/** JSON text. In text encoding the value itself, which `text.ts` hands over as it was written. */
const details = string(1, MAX_ERROR_DETAILS, (text) => {
  parseText(text);
  return true;
});

type Fields<K extends Control['kind']> = Omit<Extract<Control, { kind: K }>, 'kind'>;

/** The fields of every control envelope, in wire order. Both codecs read and write through this table. */
export const CONTROL: { readonly [K in Control['kind']]: Field<Fields<K>> } = {
  error: struct<Fields<'error'>>({
    code: string(1, MAX_ID),
    message: string(0, MAX_ERROR_MESSAGE),
    details: optional(details),
    id: optional(id),
  }),
  hello: struct<Fields<'hello'>>({
    protocol: uint(),
    client: string(0, MAX_LABEL),
    token: optional(string(0, MAX_TOKEN)),
    resume: optional(struct({ token: string(1, MAX_RESUME_TOKEN), received: lanes })),
    reasons: list(struct({ transport: oneOf(RUNGS), reason: oneOf(REASONS) }), MAX_REASONS),
  }),
  welcome: struct<Fields<'welcome'>>({
    session: label,
    resume: optional(string(1, MAX_RESUME_TOKEN)),
    resumed: bool,
    time: uint(),
    limits: struct({
      maxMessageBytes: uint(),
      messagesPerSecond: uint(),
      bytesPerSecond: uint(),
      subscriptionsPerSession: uint(),
      maxNames: uint(),
      pingInterval: uint(),
      idleTimeout: uint(),
    }),
    received: lanes,
  }),
  ping: struct<Fields<'ping'>>({ time: uint() }),
  pong: struct<Fields<'pong'>>({ time: uint(), now: uint() }),
  subscribe: struct<Fields<'subscribe'>>({
    id,
    channel: pattern,
    since: optional(struct({ epoch: label, seq: uint() })),
  }),
  subscribed: struct<Fields<'subscribed'>>({
    id,
    channel: pattern,
    epoch: label,
    seq: uint(),
    recovered: bool,
  }),
  unsubscribe: struct<Fields<'unsubscribe'>>({ id, channel: pattern }),
  names: struct<Fields<'names'>>({
    routes: list(struct({ number: uint(), channel: channelOrNone, type }), MAX_LIST),
    keys: list(struct({ number: uint(), key }), MAX_LIST),
  }),
  named: struct<Fields<'named'>>({ count: uint() }),
  lane: struct<Fields<'lane'>>({ lane: uint(undefined, 1), channel }),
  ack: struct<Fields<'ack'>>({ lanes }),
  gap: ordered(struct<Fields<'gap'>>({ channel, from: uint(), to: uint() })),
  receipt: struct<Fields<'receipt'>>({
    receipts: list(struct({ id, outcome: oneOf(OUTCOMES) }), MAX_LIST),
  }),
  drain: struct<Fields<'drain'>>({ within: uint() }),
  close: struct<Fields<'close'>>({ code: uint(65535), reason: string(0, MAX_REASON) }),
};

/** A range that ends before it begins is no range. */
function ordered(field: Field<Fields<'gap'>>): Field<Fields<'gap'>> {
  return {
    ...field,
    check: (value, name, strict) => {
      const gap = field.check(value, name, strict);
      if (gap.from > gap.to) throw badValue('to', 'no less than from');
      return gap;
    },
  };
}
