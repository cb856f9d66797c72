import {
  MAX_CHANNEL,
  MAX_ERROR_DETAILS,
  MAX_ERROR_MESSAGE,
  MAX_ID,
  MAX_LABEL,
  MAX_LIST,
  MAX_PACKET_BITS,
  MAX_REASON,
  MAX_REASONS,
  MAX_RESUME_TOKEN,
  MAX_TOKEN,
} from './bounds.ts';
import { validChannel, validPattern } from './channel.ts';
import {
  type LanePosition,
  NOTHING_RECEIVED,
  type NumberPosition,
  OUTCOMES,
  type PacketPosition,
  REASONS,
  type Received,
  RUNGS,
  STAGES,
} from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { bool, bytes, type Field, list, oneOf, optional, string, struct, uint, usually } from './fields.ts';
import { parseText } from './json.ts';
import type { Control } from './kinds.ts';
import { channelOrNone, id, key, type } from './message.ts';

const channel = string(1, MAX_CHANNEL, validChannel);
const pattern = string(1, MAX_CHANNEL, validPattern);
const label = string(1, MAX_LABEL);
const lanes = list(struct<LanePosition>({ lane: uint(), count: uint() }), MAX_LIST);
const number = uint(undefined, 1);
const numbers = where(
  struct<NumberPosition>({ upTo: uint(), beyond: list(number, MAX_LIST) }),
  ({ upTo, beyond }) => beyond.every((value, index) => value > (beyond[index - 1] ?? upTo + 1)),
  'beyond: expected numbers that rise, from two past upTo',
);
const received = usually(
  struct<Received>({ lanes, unordered: usually(numbers, NOTHING_RECEIVED.unordered) }),
  NOTHING_RECEIVED,
);

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
    resume: optional(struct({ token: string(1, MAX_RESUME_TOKEN), received })),
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
    received,
    expires: optional(uint()),
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
    history: bool,
  }),
  unsubscribe: struct<Fields<'unsubscribe'>>({ id, channel: pattern }),
  names: struct<Fields<'names'>>({
    routes: list(struct({ number: uint(), channel: channelOrNone, type }), MAX_LIST),
    keys: list(struct({ number: uint(), key }), MAX_LIST),
  }),
  named: struct<Fields<'named'>>({ count: uint() }),
  lane: where(
    struct<Fields<'lane'>>({ lane: uint(), channel: usually(channelOrNone, ''), count: uint() }),
    ({ lane, channel }) => lane > 0 || channel === '',
    'channel: expected none in lane 0',
  ),
  ack: struct<Fields<'ack'>>({
    lanes,
    unordered: optional(numbers),
    packets: optional(struct<PacketPosition>({ highest: number, bits: bytes(MAX_PACKET_BITS) })),
  }),
  gap: where(
    struct<Fields<'gap'>>({ channel, from: uint(), to: uint() }),
    ({ from, to }) => from <= to,
    'to: expected no less than from',
  ),
  receipt: struct<Fields<'receipt'>>({
    receipts: list(struct({ id, outcome: oneOf([...OUTCOMES, ...STAGES]) }), MAX_LIST),
  }),
  drain: struct<Fields<'drain'>>({ within: uint() }),
  close: struct<Fields<'close'>>({ code: uint(65535), reason: string(0, MAX_REASON) }),
  number: struct<Fields<'number'>>({ number }),
  cancel: struct<Fields<'cancel'>>({ id }),
  taken: struct<Fields<'taken'>>({ id, count: number }),
  auth: struct<Fields<'auth'>>({ id, token: string(0, MAX_TOKEN) }),
  expiring: struct<Fields<'expiring'>>({ within: uint() }),
};

/** A field whose value must satisfy `valid`, which no part of it can tell alone. */
function where<T>(field: Field<T>, valid: (value: T) => boolean, message: string): Field<T> {
  return {
    ...field,
    check: (source, name, strict) => {
      const value = field.check(source, name, strict);
      if (!valid(value)) throw new ProtocolError('bad-value', message);
      return value;
    },
  };
}
