import { fromBase64, toBase64 } from './base64.ts';
import { CONTROL } from './control.ts';
import { type Envelope, type Event, type Kind, VERSION } from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue, bool, type Field, optional, struct, uint, usually } from './fields.ts';
import { jsonText, parseText, rawMember, splitJson } from './json.ts';
import { isMessage, KINDS, type Message } from './kinds.ts';
import {
  channelOrNone,
  checkPayload,
  codec,
  delivery,
  id,
  isStamped,
  key,
  number,
  ts,
  type,
} from './message.ts';
import { encodeUtf8, readUtf8 } from './utf8.ts';

/** A payload is no value to look at: it passes through as bytes. */
const payload: Field<unknown> = { ...optional(type), check: (value) => value };

/** What an event has in `meta`. */
const meta = struct<Omit<Event, 'kind' | 'type' | 'channel' | 'payload'>>({
  seq: optional(number),
  ts: optional(ts),
  id: optional(id),
  key: optional(key),
  delivery,
  codec,
});

/** The members of every kind, but for `v` and `kind`. */
const MEMBERS: Readonly<Record<Kind, Field<object>>> = {
  ...CONTROL,
  event: struct<Record<string, unknown>>({
    type,
    channel: channelOrNone,
    payload,
    meta: usually(meta, {} as Event),
  }),
  request: struct<Record<string, unknown>>({ id, type, channel: channelOrNone, codec, payload }),
  response: struct<Record<string, unknown>>({ id, more: bool, codec, payload }),
};

/** What is left out where it is so. */
const STANDARD: Readonly<Record<string, unknown>> = { channel: '', codec: 'json' };

/** Members as JSON, without the brackets around them. */
function inner(members: object): string {
  const text = JSON.stringify(members, (name, value) => {
    if (value instanceof Uint8Array) return toBase64(value);
    return value === STANDARD[name] ? undefined : value;
  });
  return text.slice(1, -1);
}

/** A packet with a number. Its envelopes are read one by one, from their bytes. */
const NUMBERED = struct<{ number: number; lazy: boolean; envelopes: readonly unknown[] }>({
  number: uint(undefined, 1),
  lazy: bool,
  envelopes: {
    write: () => {},
    read: () => [],
    check: (value, name) => {
      if (Array.isArray(value)) return value;
      throw badValue(name, 'a list');
    },
  },
});

/** Writes one envelope as JSON in UTF-8. Throws `ProtocolError`. */
export function encodeText(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const { kind } = envelope;
  if (!KINDS.includes(kind)) throw new ProtocolError('unknown-kind', `kind ${kind}`);
  let source: object = envelope;
  if (kind === 'event') {
    isStamped(envelope);
    source = { ...envelope, meta: envelope };
  }
  const {
    payload: _,
    details,
    meta,
    ...fields
  } = MEMBERS[kind].check(source, kind) as Record<string, unknown>;
  const parts = [inner({ v: VERSION, kind: meta ? undefined : kind, ...fields })];
  if (isMessage(envelope)) parts.push(payloadMember(envelope));
  if (details !== undefined) parts.push(`"details":${details}`);
  if (meta) parts.push(inner({ meta }));
  return encodeUtf8(`{${parts.filter(Boolean).join()}}`);
}

function payloadMember(message: Message): string {
  const bytes = checkPayload(message);
  if (codec.check(message.codec, 'codec') !== 'json') return `"payload":"${toBase64(bytes)}"`;
  return bytes.length === 0 ? '' : `"payload":${jsonText(bytes)}`;
}

/** Reads one envelope of JSON. Throws `ProtocolError`. */
export function decodeText(bytes: Uint8Array): Envelope {
  return fromJson(parseText(readUtf8(bytes)), bytes);
}

/** Reads what `readPacket` reads, in text. */
export function decodeTextPacket(
  bytes: Uint8Array,
  onEnvelope: (envelope: Envelope, number: number) => void,
  onNumber: (number: number, lazy: boolean) => boolean,
): void {
  const value = parseText(readUtf8(bytes));
  if (Array.isArray(value)) decodeArray(value, bytes, 0, onEnvelope);
  else if ((value as { kind?: unknown } | null)?.kind !== 'packet') onEnvelope(fromJson(value, bytes), 0);
  else {
    const { v, kind: _, ...fields } = value as Record<string, unknown>;
    if (v !== VERSION) throw new ProtocolError('unknown-version', 'v is not 1');
    const { number, lazy, envelopes } = NUMBERED.check(fields, 'packet', true);
    const members = splitJson(bytes);
    if (members.length > Object.keys(value as object).length) throw badValue('packet', 'no member twice');
    if (onNumber(number, lazy)) decodeArray(envelopes, rawMember(members, 'envelopes')!, number, onEnvelope);
  }
}

function decodeArray(
  values: readonly unknown[],
  bytes: Uint8Array,
  number: number,
  onEnvelope: (envelope: Envelope, number: number) => void,
): void {
  // Of an empty array the one part is nothing, which is no envelope either.
  for (const [index, part] of splitJson(bytes).entries()) onEnvelope(fromJson(values[index], part), number);
}

/** `bytes` are those that `value` was parsed from. */
function fromJson(value: unknown, bytes: Uint8Array): Envelope {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badValue('envelope', 'an object');
  }
  const { v, kind = 'event', ...fields } = value as Record<string, unknown>;
  if (v !== VERSION) throw new ProtocolError('unknown-version', 'v is not 1');
  if (!KINDS.includes(kind as Kind)) throw new ProtocolError('unknown-kind', 'no such kind');
  const members = splitJson(bytes);
  if (members.length > Object.keys(value).length) throw badValue('envelope', 'no member twice');
  const details = rawMember(members, 'details');
  if (details) fields.details = readUtf8(details);
  const { meta, ...about } = MEMBERS[kind as Kind].check(fields, kind as Kind, true) as { meta?: object };
  const envelope = { kind, ...about, ...meta } as Envelope;
  if (!isMessage(envelope)) return envelope;
  if (envelope.kind === 'event') isStamped(envelope);
  const raw = rawMember(members, 'payload') ?? new Uint8Array(0);
  return { ...envelope, payload: envelope.codec === 'json' ? raw : fromBase64(envelope.payload, 'payload') };
}
