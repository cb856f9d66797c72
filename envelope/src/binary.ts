import { MAX_CHANNEL, MAX_ID, MAX_KEY, MAX_TS, MAX_TYPE } from './bounds.ts';
import { validChannel } from './channel.ts';
import { CONTROL } from './control.ts';
import {
  CODECS,
  type Compact,
  DELIVERIES,
  type Dictionary,
  type Envelope,
  type Event,
  type Request,
  type Response,
  VERSION,
} from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue, type Field, Reader, stringSize, Writer } from './fields.ts';
import { KINDS, type Message } from './kinds.ts';
import { readUtf8, writeUtf8 } from './utf8.ts';
import { readVarint, varintSize, writeVarint } from './varint.ts';

/** First byte of a packet that holds several envelopes. */
export const BATCH = 0;

// The flags byte of event, request and response. Bits 0-1: delivery. Bits 2-3: codec.
const COMPACT = 0x10;
const STAMPED = 0x20;
const KEYED = 0x40;
const IDENTIFIED = 0x80;
/** Only in a response, which has no key. */
const MORE = KEYED;

/** What a compact header carries of `ts`: its low 24 bits. */
const COMPACT_TS = 2 ** 24;

/** Reads one binary envelope. The payload is a view into `bytes`. Throws `ProtocolError`. */
export function decodeBinary(bytes: Uint8Array, dictionary?: Dictionary): Envelope {
  if (bytes.length === 0) throw new ProtocolError('truncated', 'no bytes');
  const first = bytes[0]!;
  if (first === BATCH) throw badValue('envelope', 'one, not a batch');
  if (first >> 5 !== VERSION) throw new ProtocolError('unknown-version', `version ${first >> 5}`);
  const kind = KINDS[(first & 31) - 1];
  switch (kind) {
    case undefined:
      throw new ProtocolError('unknown-kind', `kind ${first & 31}`);
    case 'event':
      return decodeEvent(bytes, dictionary);
    case 'request':
    case 'response':
      return decodeCall(bytes, kind);
    default: {
      const reader = new Reader(bytes, 1);
      const envelope = { kind, ...CONTROL[kind].read(reader, kind) } as Envelope;
      reader.end();
      return envelope;
    }
  }
}

function readFlags(bytes: Uint8Array): number {
  if (bytes.length < 2) throw new ProtocolError('truncated', 'no flags');
  return bytes[1]!;
}

function readCodec(flags: number): Event['codec'] {
  const codec = CODECS[(flags >> 2) & 3];
  if (!codec) throw new ProtocolError('bad-flags', 'codec 3 is reserved');
  return codec;
}

/** Reads a length. The caller goes on at `at + varintSize(length)`. */
function readSize(bytes: Uint8Array, at: number, min: number, max: number, name: string): number {
  const size = readVarint(bytes, at);
  if (size < min || size > max) throw badValue(name, `a string of ${min}-${max} bytes`);
  return size;
}

function readChannel(bytes: Uint8Array, from: number, to: number): string {
  const channel = readUtf8(bytes, from, to);
  if (channel !== '' && !validChannel(channel)) throw badValue('channel', 'a valid name');
  return channel;
}

// The hottest function of a client: no cursor, no closures, nothing allocated but the result.
function decodeEvent(bytes: Uint8Array, dictionary: Dictionary | undefined): Event {
  const flags = readFlags(bytes);
  const codec = readCodec(flags);
  const delivery = DELIVERIES[flags & 3]!;
  let at = 2;
  let size: number;
  let channel: string;
  let type: string;
  let seq: number | undefined;
  let ts: number | undefined;
  let key: string | undefined;
  let id: string | undefined;
  if (flags & COMPACT) {
    const number = readVarint(bytes, at);
    at += varintSize(number);
    const route = dictionary?.route(number);
    if (!route) throw new ProtocolError('unknown-name', `route ${number}`);
    channel = route.channel;
    type = route.type;
  } else {
    size = readSize(bytes, at, 0, MAX_CHANNEL, 'channel');
    at += varintSize(size);
    channel = readChannel(bytes, at, at + size);
    at += size;
    size = readSize(bytes, at, 1, MAX_TYPE, 'type');
    at += varintSize(size);
    type = readUtf8(bytes, at, at + size);
    at += size;
  }
  if (flags & STAMPED) {
    seq = readVarint(bytes, at);
    at += varintSize(seq);
    const end = at + (flags & COMPACT ? 3 : 6);
    if (end > bytes.length) throw new ProtocolError('truncated', 'the bytes end inside ts');
    ts = 0;
    while (at < end) ts = ts * 256 + bytes[at++]!;
    if (flags & COMPACT) ts = nearest(ts, dictionary!.clock);
  }
  if (flags & KEYED) {
    if (flags & COMPACT) {
      const number = readVarint(bytes, at);
      at += varintSize(number);
      key = dictionary!.key(number);
      if (key === undefined) throw new ProtocolError('unknown-name', `key ${number}`);
    } else {
      size = readSize(bytes, at, 1, MAX_KEY, 'key');
      at += varintSize(size);
      key = readUtf8(bytes, at, at + size);
      at += size;
    }
  }
  if (flags & IDENTIFIED) {
    size = readSize(bytes, at, 1, MAX_ID, 'id');
    at += varintSize(size);
    id = readUtf8(bytes, at, at + size);
    at += size;
  }
  return { kind: 'event', channel, type, delivery, codec, seq, ts, key, id, payload: bytes.subarray(at) };
}

/** The time nearest to `clock` whose low 24 bits are `low`: 4.6 hours of slack. */
function nearest(low: number, clock: number): number {
  const now = Math.floor(clock);
  let ahead = (low - (now % COMPACT_TS) + COMPACT_TS) % COMPACT_TS;
  if (ahead >= COMPACT_TS / 2) ahead -= COMPACT_TS;
  if (now + ahead < 0) return now + ahead + COMPACT_TS;
  if (now + ahead > MAX_TS) return now + ahead - COMPACT_TS;
  return now + ahead;
}

function decodeCall(bytes: Uint8Array, kind: 'request' | 'response'): Request | Response {
  const flags = readFlags(bytes);
  const codec = readCodec(flags);
  const free = kind === 'response' ? MORE : 0;
  if ((flags & ~(0x0c | free)) !== IDENTIFIED) throw new ProtocolError('bad-flags', `flags of a ${kind}`);
  let at = 2;
  let size: number;
  let channel = '';
  let type = '';
  if (kind === 'request') {
    size = readSize(bytes, at, 0, MAX_CHANNEL, 'channel');
    at += varintSize(size);
    channel = readChannel(bytes, at, at + size);
    at += size;
    size = readSize(bytes, at, 1, MAX_TYPE, 'type');
    at += varintSize(size);
    type = readUtf8(bytes, at, at + size);
    at += size;
  }
  size = readSize(bytes, at, 1, MAX_ID, 'id');
  at += varintSize(size);
  const id = readUtf8(bytes, at, at + size);
  const payload = bytes.subarray(at + size);
  return kind === 'request'
    ? { kind, id, channel, type, codec, payload }
    : { kind, id, more: (flags & MORE) !== 0, codec, payload };
}

/** Writes one binary envelope. Throws `ProtocolError` for a field outside its range. */
export function encodeBinary(envelope: Envelope, compact?: Compact): Uint8Array<ArrayBuffer> {
  const number = KINDS.indexOf(envelope.kind) + 1;
  const first = (VERSION << 5) | number;
  switch (envelope.kind) {
    case 'event':
    case 'request':
    case 'response':
      return encodeMessage(envelope, first, envelope.kind === 'event' ? compact : undefined);
    default: {
      if (number === 0) throw new ProtocolError('unknown-kind', `kind ${(envelope as Envelope).kind}`);
      const out = new Writer();
      out.byte(first);
      (CONTROL[envelope.kind] as Field<Envelope>).write(out, envelope, envelope.kind);
      return out.done();
    }
  }
}

function checkNumber(value: number | undefined, max: number, name: string): number {
  if (Number.isSafeInteger(value) && value! >= 0 && value! <= max) return value!;
  throw badValue(name, `an integer 0-${max}`);
}

function writeString(bytes: Uint8Array, at: number, text: string, size: number): number {
  return writeUtf8(bytes, writeVarint(bytes, at, size), text, size);
}

function writeBytes(bytes: Uint8Array, at: number, value: number, count: number): number {
  let rest = value;
  for (let index = at + count - 1; index >= at; index--) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + count;
}

/** Two passes over the header: the first checks and measures, so that the bytes are allocated once. */
function encodeMessage(
  message: Message,
  first: number,
  compact: Compact | undefined,
): Uint8Array<ArrayBuffer> {
  const { codec, payload, id } = message;
  const event = message.kind === 'event' ? message : undefined;
  const { seq, ts, key } = event ?? ({} as { seq?: number; ts?: number; key?: string });
  const delivery = event ? DELIVERIES.indexOf(event.delivery) : 0;
  if (delivery < 0) throw badValue('delivery', `one of ${DELIVERIES.join(', ')}`);
  let flags = CODECS.indexOf(codec);
  if (flags < 0) throw badValue('codec', `one of ${CODECS.join(', ')}`);
  if (!(payload instanceof Uint8Array)) throw badValue('payload', 'a Uint8Array');
  flags = (flags << 2) | delivery;
  let size = 2 + payload.length;

  let channelSize = 0;
  let typeSize = 0;
  if (compact) {
    flags |= COMPACT;
    size += varintSize(checkNumber(compact.route, Number.MAX_SAFE_INTEGER, 'route'));
  } else if (message.kind !== 'response') {
    channelSize = stringSize(message.channel, 'channel', 0, MAX_CHANNEL);
    if (channelSize > 0 && !validChannel(message.channel)) throw badValue('channel', 'a valid name');
    typeSize = stringSize(message.type, 'type', 1, MAX_TYPE);
    size += varintSize(channelSize) + channelSize + varintSize(typeSize) + typeSize;
  } else if (message.more) {
    flags |= MORE;
  }
  if (seq !== undefined || ts !== undefined) {
    flags |= STAMPED;
    checkNumber(ts, MAX_TS, 'ts');
    size += varintSize(checkNumber(seq, Number.MAX_SAFE_INTEGER, 'seq')) + (compact ? 3 : 6);
  }
  let keySize = 0;
  if (key !== undefined) {
    flags |= KEYED;
    if (compact) {
      size += varintSize(checkNumber(compact.key, Number.MAX_SAFE_INTEGER, 'key number'));
    } else {
      keySize = stringSize(key, 'key', 1, MAX_KEY);
      size += varintSize(keySize) + keySize;
    }
  }
  let idSize = 0;
  if (id !== undefined || !event) {
    flags |= IDENTIFIED;
    idSize = stringSize(id, 'id', 1, MAX_ID);
    size += varintSize(idSize) + idSize;
  }

  const bytes = new Uint8Array(size);
  bytes[0] = first;
  bytes[1] = flags;
  let at = 2;
  if (compact) {
    at = writeVarint(bytes, at, compact.route);
  } else if (message.kind !== 'response') {
    at = writeString(bytes, at, message.channel, channelSize);
    at = writeString(bytes, at, message.type, typeSize);
  }
  if (flags & STAMPED) {
    at = writeVarint(bytes, at, seq!);
    at = compact ? writeBytes(bytes, at, ts! % COMPACT_TS, 3) : writeBytes(bytes, at, ts!, 6);
  }
  if (key !== undefined) {
    at = compact ? writeVarint(bytes, at, compact.key!) : writeString(bytes, at, key, keySize);
  }
  if (id !== undefined) at = writeString(bytes, at, id, idSize);
  bytes.set(payload, at);
  return bytes;
}
