import { MAX_TS } from './bounds.ts';
import { CONTROL } from './control.ts';
import { Reader, Writer } from './cursor.ts';
import {
  CODECS,
  type Codec,
  type Compact,
  DELIVERIES,
  type Dictionary,
  type Envelope,
  type Event,
  VERSION,
} from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue, type Field } from './fields.ts';
import { KINDS, type Message } from './kinds.ts';
import {
  channelOrNone,
  checkPayload,
  codec as codecField,
  delivery as deliveryField,
  id as idField,
  isStamped,
  key as keyField,
  seq as number,
  ts as tsField,
  type as typeField,
} from './message.ts';

/** First byte of a packet that holds several envelopes. */
export const BATCH = 0;
/** First byte of a packet that has a number, before any envelopes. */
export const NUMBERED = 1;

// The flags byte of event, request and response. Bits 0-1: delivery.
const CODEC_SHIFT = 2;
const COMPACT = 0x10;
const STAMPED = 0x20;
const KEYED = 0x40;
const IDENTIFIED = 0x80;
/** Only in a response, which has no key. */
const MORE = KEYED;

/** A compact header carries only the low 24 bits of `ts`. */
const LOW_TS = 2 ** 24;

/** Reads one binary envelope. The payload is a view into `bytes`. Throws `ProtocolError`. */
export function decodeBinary(bytes: Uint8Array, dictionary?: Dictionary): Envelope {
  const from = new Reader(bytes, 0);
  const first = from.byte();
  if (first === BATCH || first === NUMBERED) throw badValue('envelope', 'one, not a packet of them');
  if (first >> 5 !== VERSION) throw new ProtocolError('unknown-version', `version ${first >> 5}`);
  const kind = KINDS[(first & 31) - 1];
  switch (kind) {
    case undefined:
      throw new ProtocolError('unknown-kind', `kind ${first & 31}`);
    case 'event':
      return decodeEvent(from, dictionary);
    case 'request': {
      const codec = callCodec(from.byte(), 0);
      const channel = channelOrNone.check(from.string(), 'channel');
      const type = typeField.check(from.string(), 'type');
      const id = idField.check(from.string(), 'id');
      return { kind, id, channel, type, codec, payload: from.rest() };
    }
    case 'response': {
      const flags = from.byte();
      const codec = callCodec(flags, MORE);
      const id = idField.check(from.string(), 'id');
      return { kind, id, more: (flags & MORE) > 0, codec, payload: from.rest() };
    }
    default: {
      const schema = CONTROL[kind] as Field<object>;
      const fields = schema.check(schema.read(from), kind);
      if (from.rest().length > 0) throw new ProtocolError('trailing-bytes', `after ${kind}`);
      return { kind, ...fields } as Envelope;
    }
  }
}

function readCodec(flags: number): Codec {
  const codec = CODECS[(flags >> CODEC_SHIFT) & 3];
  if (!codec) throw new ProtocolError('bad-flags', 'codec 3');
  return codec;
}

/** Requests and responses have an id and no delivery, stamp or key; `allowed` is the bit that is their own. */
function callCodec(flags: number, allowed: number): Codec {
  if ((flags & ~allowed & 0xf3) !== IDENTIFIED) throw new ProtocolError('bad-flags', 'not of this kind');
  return readCodec(flags);
}

function decodeEvent(from: Reader, dictionary: Dictionary | undefined): Event {
  const flags = from.byte();
  const codec = readCodec(flags);
  const delivery = DELIVERIES[flags & 3]!;
  const compact = (flags & COMPACT) > 0;
  let channel: string;
  let type: string;
  let seq: number | undefined;
  let ts: number | undefined;
  let key: string | undefined;
  if (compact) ({ channel, type } = known(dictionary?.route(from.varint())));
  else {
    channel = channelOrNone.check(from.string(), 'channel');
    type = typeField.check(from.string(), 'type');
  }
  if (flags & STAMPED) {
    seq = from.varint();
    const high = compact ? 0 : from.uint24();
    const low = from.uint24();
    ts = compact ? nearest(low, dictionary!.clock) : high * LOW_TS + low;
  }
  if (flags & KEYED)
    key = compact ? known(dictionary!.key(from.varint())) : keyField.check(from.string(), 'key');
  const id = flags & IDENTIFIED ? idField.check(from.string(), 'id') : undefined;
  return { kind: 'event', channel, type, delivery, codec, seq, ts, key, id, payload: from.rest() };
}

function known<T>(meaning: T | undefined): T {
  if (meaning === undefined) throw new ProtocolError('unknown-name', 'a number without a name');
  return meaning;
}

/** The time nearest to `clock` whose low 24 bits are `low`: right where the clock is within 2.3 hours. */
function nearest(low: number, clock: number): number {
  const base = Math.floor(clock) - LOW_TS / 2;
  const ts = base + ((((low - base) % LOW_TS) + LOW_TS) % LOW_TS);
  // At either end of what `ts` can be there is only one candidate.
  if (ts < 0) return ts + LOW_TS;
  return ts > MAX_TS ? ts - LOW_TS : ts;
}

/** Writes one binary envelope. Throws `ProtocolError` for a field outside its range. */
export function encodeBinary(envelope: Envelope, compact?: Compact): Uint8Array<ArrayBuffer> {
  const { kind } = envelope;
  const kindNumber = KINDS.indexOf(kind) + 1;
  if (kindNumber === 0) throw new ProtocolError('unknown-kind', `kind ${kind}`);
  const out = new Writer();
  out.byte((VERSION << 5) | kindNumber);
  switch (kind) {
    case 'event':
      encodeEvent(out, envelope, compact);
      break;
    case 'request':
      out.byte(IDENTIFIED | codecBits(envelope));
      out.string(channelOrNone.check(envelope.channel, 'channel'));
      out.string(typeField.check(envelope.type, 'type'));
      out.string(idField.check(envelope.id, 'id'));
      break;
    case 'response':
      out.byte(IDENTIFIED | codecBits(envelope) | (envelope.more ? MORE : 0));
      out.string(idField.check(envelope.id, 'id'));
      break;
    default: {
      const schema = CONTROL[kind] as Field<object>;
      schema.write(out, schema.check(envelope, kind));
      return out.done();
    }
  }
  return out.done(checkPayload(envelope));
}

function codecBits({ codec }: Message): number {
  return CODECS.indexOf(codecField.check(codec, 'codec')) << CODEC_SHIFT;
}

function encodeEvent(out: Writer, event: Event, compact: Compact | undefined): void {
  const { channel, type, delivery, seq, ts, key, id } = event;
  const stamped = isStamped(event);
  out.byte(
    DELIVERIES.indexOf(deliveryField.check(delivery, 'delivery')) |
      codecBits(event) |
      (compact ? COMPACT : 0) |
      (stamped ? STAMPED : 0) |
      (key === undefined ? 0 : KEYED) |
      (id === undefined ? 0 : IDENTIFIED),
  );
  if (compact) out.varint(number.check(compact.route, 'route'));
  else {
    out.string(channelOrNone.check(channel, 'channel'));
    out.string(typeField.check(type, 'type'));
  }
  if (stamped) {
    out.varint(number.check(seq, 'seq'));
    const time = tsField.check(ts, 'ts');
    if (!compact) out.uint24(Math.floor(time / LOW_TS));
    out.uint24(time % LOW_TS);
  }
  if (key !== undefined) {
    if (compact) out.varint(number.check(compact.key, 'key number'));
    else out.string(keyField.check(key, 'key'));
  }
  if (id !== undefined) out.string(idField.check(id, 'id'));
}
