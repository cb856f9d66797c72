import { fromBase64, toBase64 } from './base64.ts';
import { CONTROL } from './control.ts';
import {
  type Codec,
  type Envelope,
  type Event,
  type Kind,
  type Request,
  type Response,
  VERSION,
} from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue, bool, type Field, optional, struct, uint, usually } from './fields.ts';
import { jsonText, parseText, rawMember, splitJson } from './json.ts';
import { KINDS, type Message } from './kinds.ts';
import {
  channelOrNone,
  checkPayload,
  codec,
  delivery,
  id,
  isStamped,
  key,
  seq,
  ts,
  type,
} from './message.ts';
import { encodeUtf8, readUtf8 } from './utf8.ts';

const channel = usually(channelOrNone, '');
const codecOrJson = usually(codec, 'json');

/** The members of the messages beside `v`, `kind` and `payload`. Those of an event are in two places. */
const EVENT = struct<Pick<Event, 'type' | 'channel'>>({ type, channel });
const META = struct<Omit<Event, 'kind' | 'type' | 'channel' | 'payload'>>({
  seq: optional(seq),
  ts: optional(ts),
  id: optional(id),
  key: optional(key),
  delivery: usually(delivery, 'reliable'),
  codec: codecOrJson,
});
const REQUEST = struct<Omit<Request, 'kind' | 'payload'>>({ id, type, channel, codec: codecOrJson });
const RESPONSE = struct<Omit<Response, 'kind' | 'payload'>>({ id, more: bool, codec: codecOrJson });

/** A packet with a number. Its envelopes are read one by one, from their bytes. */
const NUMBERED = struct<{ number: number; envelopes: readonly unknown[] }>({
  number: uint(undefined, 1),
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
  const v = VERSION;
  switch (kind) {
    case 'event': {
      isStamped(envelope);
      const meta = terse(META.check(envelope, kind));
      return join({ v, ...terse(EVENT.check(envelope, kind)) }, 'payload', payloadText(envelope), { meta });
    }
    case 'request':
      return join({ v, kind, ...terse(REQUEST.check(envelope, kind)) }, 'payload', payloadText(envelope));
    case 'response':
      return join({ v, kind, ...terse(RESPONSE.check(envelope, kind)) }, 'payload', payloadText(envelope));
    case 'error': {
      const { details, ...fields } = CONTROL.error.check(envelope, kind);
      return join({ v, kind, ...fields }, 'details', details);
    }
    default:
      return join({ v, kind, ...CONTROL[kind].check(envelope, kind) });
  }
}

/** Leaves out what a reader supplies by itself. */
function terse(fields: object): object {
  const { codec, channel, ...rest } = fields as { codec?: Codec; channel?: string };
  return { ...rest, ...(channel && { channel }), ...(codec !== 'json' && { codec }) };
}

/** One object: `head`, the member `name` in JSON text that is passed through as it stands, `tail`. */
function join(head: object, name = '', raw = '', tail: object = {}): Uint8Array<ArrayBuffer> {
  const groups = [
    JSON.stringify(head, bytesAsText).slice(1, -1),
    raw && `"${name}":${raw}`,
    JSON.stringify(tail).slice(1, -1),
  ];
  return encodeUtf8(`{${groups.filter(Boolean).join()}}`);
}

function bytesAsText(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? toBase64(value) : value;
}

function payloadText(message: Message): string {
  const payload = checkPayload(message);
  if (message.codec !== 'json') return JSON.stringify(toBase64(payload));
  return payload.length === 0 ? '' : jsonText(payload);
}

/** Reads one envelope of JSON. Throws `ProtocolError`. */
export function decodeText(bytes: Uint8Array): Envelope {
  return fromJson(parseText(readUtf8(bytes, 0, bytes.length)), bytes);
}

/** Reads what `readPacket` reads, in text. */
export function decodeTextPacket(
  bytes: Uint8Array,
  onEnvelope: (envelope: Envelope, number: number) => void,
  onNumber: (number: number) => boolean,
): void {
  const value = parseText(readUtf8(bytes, 0, bytes.length));
  if (Array.isArray(value)) decodeArray(value, bytes, 0, onEnvelope);
  else if ((value as { kind?: unknown } | null)?.kind !== 'packet') onEnvelope(fromJson(value, bytes), 0);
  else {
    const { v, kind: _, ...fields } = value as Record<string, unknown>;
    if (v !== VERSION) throw new ProtocolError('unknown-version', 'v is not 1');
    const { number, envelopes } = NUMBERED.check(fields, 'packet', true);
    const members = splitJson(bytes);
    if (members.length > 4) throw badValue('packet', 'no member twice');
    if (onNumber(number)) decodeArray(envelopes, rawMember(members, 'envelopes')!, number, onEnvelope);
  }
}

function decodeArray(
  values: readonly unknown[],
  bytes: Uint8Array,
  number: number,
  onEnvelope: (envelope: Envelope, number: number) => void,
): void {
  if (values.length === 0) throw badValue('batch', 'at least one envelope');
  const parts = splitJson(bytes);
  for (const [index, value] of values.entries()) onEnvelope(fromJson(value, parts[index]!), number);
}

/** `bytes` are those that `value` was parsed from. */
function fromJson(value: unknown, bytes: Uint8Array): Envelope {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badValue('envelope', 'an object');
  }
  const { v, kind = 'event', payload, ...fields } = value as Record<string, unknown>;
  if (v !== VERSION) throw new ProtocolError('unknown-version', 'v is not 1');
  if (!KINDS.includes(kind as Kind)) throw new ProtocolError('unknown-kind', 'no such kind');
  const members = splitJson(bytes);
  if (members.length > Object.keys(value).length) throw badValue('envelope', 'no member twice');
  const read = <T extends { codec: Codec }>(about: T) => ({
    ...about,
    payload:
      about.codec === 'json'
        ? (rawMember(members, 'payload') ?? new Uint8Array(0))
        : fromBase64(payload, 'payload'),
  });
  switch (kind as Kind) {
    case 'event': {
      const { meta = {}, ...head } = fields;
      const about = META.check(meta, 'meta', true);
      isStamped(about);
      return { kind: 'event', ...EVENT.check(head, 'event', true), ...read(about) };
    }
    case 'request':
      return { kind: 'request', ...read(REQUEST.check(fields, 'request', true)) };
    case 'response':
      return { kind: 'response', ...read(RESPONSE.check(fields, 'response', true)) };
    default: {
      if (payload !== undefined) throw badValue('envelope', 'no payload');
      const details = rawMember(members, 'details');
      if (details) fields.details = readUtf8(details, 0, details.length);
      const schema = CONTROL[kind as keyof typeof CONTROL] as Field<object>;
      return { kind, ...schema.check(fields, kind as Kind, true) } as Envelope;
    }
  }
}
