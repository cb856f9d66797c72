import { fromBase64, toBase64 } from './base64.ts';
import { MAX_TS } from './bounds.ts';
import { CONTROL, channelOrNone, id, key, type } from './control.ts';
import {
  CODECS,
  type Codec,
  DELIVERIES,
  type Envelope,
  type Event,
  type Kind,
  type Request,
  type Response,
  VERSION,
} from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue, bool, type Field, oneOf, optional, struct, uint } from './fields.ts';
import { jsonText, parseText, rawMember, splitJson } from './json.ts';
import { KINDS, type Message } from './kinds.ts';
import { encodeUtf8, readUtf8 } from './utf8.ts';

/** A field that is left out where it has the value `standard`. */
function usually<T>(field: Field<T>, standard: T): Field<T> {
  return {
    ...field,
    toText: (value, name) => (value === standard ? '' : field.toText(value, name)),
    fromText: (value, name) => (value === undefined ? standard : field.fromText(value, name)),
  };
}

const channel = usually(channelOrNone, '');
const codec = usually<Codec>(oneOf(CODECS), 'json');

/** The members of the messages beside `v`, `kind` and `payload`. Those of an event are in two places. */
const EVENT = struct<Pick<Event, 'type' | 'channel'>>({ type, channel });
const META = struct<Omit<Event, 'kind' | 'type' | 'channel' | 'payload'>>({
  seq: optional(uint()),
  ts: optional(uint(MAX_TS)),
  id: optional(id),
  key: optional(key),
  delivery: usually(oneOf(DELIVERIES), 'reliable'),
  codec,
});
const REQUEST = struct<Omit<Request, 'kind' | 'payload'>>({ id, type, channel, codec });
const RESPONSE = struct<Omit<Response, 'kind' | 'payload'>>({ id, more: bool, codec });

/** Writes one envelope as JSON in UTF-8. Throws `ProtocolError`. */
export function encodeText(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const { kind } = envelope;
  if (!KINDS.includes(kind)) throw new ProtocolError('unknown-kind', `kind ${kind}`);
  switch (kind) {
    case 'event': {
      const meta = META.toText(checkStamp(envelope), 'meta');
      return join(EVENT.toText(envelope, kind), payloadText(envelope), meta === '{}' ? '' : `"meta":${meta}`);
    }
    case 'request':
      return join(`"kind":"${kind}"`, REQUEST.toText(envelope, kind), payloadText(envelope));
    case 'response':
      return join(`"kind":"${kind}"`, RESPONSE.toText(envelope, kind), payloadText(envelope));
    default:
      return join(`"kind":"${kind}"`, (CONTROL[kind] as Field<Envelope>).toText(envelope, kind));
  }
}

/** One object of several groups of members, with or without their own brackets. */
function join(...groups: string[]): Uint8Array<ArrayBuffer> {
  const members = groups.map((group) => (group[0] === '{' ? group.slice(1, -1) : group));
  return encodeUtf8(`{${[`"v":${VERSION}`, ...members].filter(Boolean).join()}}`);
}

function payloadText({ codec, payload }: Message): string {
  if (!(payload instanceof Uint8Array)) throw badValue('payload', 'a Uint8Array');
  if (codec !== 'json') return `"payload":"${toBase64(payload)}"`;
  return payload.length === 0 ? '' : `"payload":${jsonText(payload)}`;
}

function checkStamp<T extends Pick<Event, 'seq' | 'ts'>>(event: T): T {
  if ((event.seq === undefined) !== (event.ts === undefined))
    throw badValue('meta', 'seq and ts, or neither');
  return event;
}

/** Reads one envelope of JSON. Throws `ProtocolError`. */
export function decodeText(bytes: Uint8Array): Envelope {
  return fromJson(parseText(readUtf8(bytes, 0, bytes.length)), bytes);
}

/** Reads an array of envelopes. */
export function decodeTextBatch(bytes: Uint8Array, onEnvelope: (envelope: Envelope) => void): void {
  const values = parseText(readUtf8(bytes, 0, bytes.length));
  if (!Array.isArray(values) || values.length === 0) throw badValue('batch', 'at least one envelope');
  const parts = splitJson(bytes);
  for (const [index, value] of values.entries()) onEnvelope(fromJson(value, parts[index]!));
}

/** `bytes` are those that `value` was parsed from. */
function fromJson(value: unknown, bytes: Uint8Array): Envelope {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badValue('envelope', 'an object');
  const { v, kind = 'event', ...fields } = value as Record<string, unknown>;
  if (v !== VERSION) throw new ProtocolError('unknown-version', 'v is not 1');
  if (!KINDS.includes(kind as Kind)) throw new ProtocolError('unknown-kind', 'no such kind');
  const members = splitJson(bytes);
  if (members.length > Object.keys(value).length) throw badValue('envelope', 'no member twice');
  switch (kind as Kind) {
    case 'event': {
      const { meta = {}, payload, ...head } = fields;
      const { type, channel } = EVENT.fromText(head, 'event');
      const about = checkStamp(META.fromText(meta, 'meta'));
      return { kind: 'event', channel, type, ...about, payload: readPayload(about.codec, payload, members) };
    }
    case 'request': {
      const { payload, ...head } = fields;
      const request = REQUEST.fromText(head, 'request');
      return { kind: 'request', ...request, payload: readPayload(request.codec, payload, members) };
    }
    case 'response': {
      const { payload, ...head } = fields;
      const response = RESPONSE.fromText(head, 'response');
      return { kind: 'response', ...response, payload: readPayload(response.codec, payload, members) };
    }
    default: {
      const details = rawMember(members, 'details');
      if (details) fields.details = readUtf8(details, 0, details.length);
      const schema = CONTROL[kind as keyof typeof CONTROL] as Field<object>;
      return { kind, ...schema.fromText(fields, kind as Kind) } as Envelope;
    }
  }
}

function readPayload(codec: Codec, value: unknown, members: readonly Uint8Array[]): Uint8Array {
  if (codec !== 'json') return fromBase64(value, 'payload');
  return rawMember(members, 'payload') ?? new Uint8Array(0);
}
