import { decodeCompact, encodeCompact } from './compact.ts';
import { CONTROL } from './control.ts';
import { Reader, Writer } from './cursor.ts';
import { CODECS, type Compact, DELIVERIES, type Dictionary, type Envelope, VERSION } from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue, type Field } from './fields.ts';
import { CODEC_SHIFT, COMPACT, IDENTIFIED, KEYED, LOW_TS, MORE, nearest, STAMPED } from './flags.ts';
import { KINDS, type Message } from './kinds.ts';
import * as field from './message.ts';

/** First byte of a packet that holds several envelopes. */
export const BATCH = 0;
/** First byte of a packet that has a number, before any envelopes. */
export const NUMBERED = 1;
/** The same, where its acknowledgement may wait. */
export const LAZY = 2;

/** Reads the one binary envelope from `at` to `end`. The payload is a view into `bytes`. Throws `ProtocolError`. */
export function decodeBinary(
  bytes: Uint8Array,
  dictionary?: Dictionary,
  at = 0,
  end = bytes.length,
): Envelope {
  const hot = dictionary && decodeCompact(bytes, at, end, dictionary);
  if (hot !== undefined) return hot;
  const from = new Reader(bytes, at, end);
  const first = from.byte();
  if (first <= LAZY) throw badValue('envelope', 'one, not a packet of them');
  if (first >> 5 !== VERSION) throw new ProtocolError('unknown-version', `version ${first >> 5}`);
  const kind = KINDS[(first & 31) - 1];
  switch (kind) {
    case undefined:
      throw new ProtocolError('unknown-kind', `kind ${first & 31}`);
    case 'event':
    case 'request':
    case 'response':
      return decodeMessage(kind, from, dictionary);
    default: {
      const schema = CONTROL[kind] as Field<object>;
      const fields = schema.check(schema.read(from), kind);
      if (from.left > 0) throw new ProtocolError('trailing-bytes', `after ${kind}`);
      return { kind, ...fields } as Envelope;
    }
  }
}

function decodeMessage(kind: Message['kind'], from: Reader, dictionary: Dictionary | undefined): Message {
  const flags = from.byte();
  const codec = CODECS[(flags >> CODEC_SHIFT) & 3];
  // Requests and responses have an id and nothing else, but that a response may have more behind it.
  const lacking = kind === 'event' ? 0 : (flags ^ IDENTIFIED) & (kind === 'request' ? 0xf3 : 0xb3);
  if (!codec || lacking) throw new ProtocolError('bad-flags', `flags ${flags}`);
  const compact = flags & COMPACT;
  let channel = '';
  let type = '';
  let seq: number | undefined;
  let ts: number | undefined;
  let key: string | undefined;
  let id: string | undefined;
  if (compact) {
    ({ channel, type } = known(dictionary?.route(from.varint())));
  } else if (kind !== 'response') {
    channel = field.channelOrNone.check(from.string(), 'channel');
    type = field.type.check(from.string(), 'type');
  }
  if (flags & STAMPED) {
    seq = from.varint();
    const high = compact ? 0 : from.uint24();
    const low = from.uint24();
    ts = compact ? nearest(low, dictionary!.clock) : high * LOW_TS + low;
  }
  if (kind === 'event' && flags & KEYED) {
    key = compact ? known(dictionary!.key(from.varint())) : field.key.check(from.string(), 'key');
  }
  if (flags & IDENTIFIED) id = field.id.check(from.string(), 'id');
  const payload = from.take();
  switch (kind) {
    case 'event': {
      const delivery = DELIVERIES[flags & 3]!;
      return { kind, channel, type, delivery, codec, seq, ts, key, id, payload };
    }
    case 'request':
      return { kind, id: id!, channel, type, codec, payload };
    case 'response':
      return { kind, id: id!, more: (flags & MORE) > 0, codec, payload };
    default:
      return kind satisfies never;
  }
}

function known<T>(meaning: T | undefined): T {
  if (meaning === undefined) throw new ProtocolError('unknown-name', 'a number without a name');
  return meaning;
}

/** Writes one binary envelope. Throws `ProtocolError` for a field outside its range. */
export function encodeBinary(envelope: Envelope, compact?: Compact): Uint8Array<ArrayBuffer> {
  const { kind } = envelope;
  const hot = compact !== undefined && kind === 'event' ? encodeCompact(envelope, compact) : undefined;
  if (hot !== undefined) return hot;
  const kindNumber = KINDS.indexOf(kind) + 1;
  if (kindNumber === 0) throw new ProtocolError('unknown-kind', `kind ${kind}`);
  const out = new Writer();
  out.byte((VERSION << 5) | kindNumber);
  switch (kind) {
    case 'event':
    case 'request':
    case 'response':
      encodeHeader(out, envelope, kind === 'event' ? compact : undefined);
      return out.done(field.checkPayload(envelope));
    default: {
      const schema = CONTROL[kind] as Field<object>;
      schema.write(out, schema.check(envelope, kind));
      return out.done();
    }
  }
}

function encodeHeader(out: Writer, message: Message, compact: Compact | undefined): void {
  const event = message.kind === 'event' ? message : undefined;
  const stamped = event && field.isStamped(event);
  let flags = CODECS.indexOf(field.codec.check(message.codec, 'codec')) << CODEC_SHIFT;
  if (event) flags |= DELIVERIES.indexOf(field.delivery.check(event.delivery, 'delivery'));
  if (compact) flags |= COMPACT;
  if (stamped) flags |= STAMPED;
  if (event ? event.key !== undefined : message.kind === 'response' && message.more) flags |= KEYED;
  if (!event || event.id !== undefined) flags |= IDENTIFIED;
  out.byte(flags);
  if (compact) {
    out.varint(field.number.check(compact.route, 'route'));
  } else if (message.kind !== 'response') {
    out.string(field.channelOrNone.check(message.channel, 'channel'));
    out.string(field.type.check(message.type, 'type'));
  }
  if (stamped) {
    out.varint(field.number.check(event.seq, 'seq'));
    const ts = field.ts.check(event.ts, 'ts');
    if (!compact) out.uint24(Math.floor(ts / LOW_TS));
    out.uint24(ts % LOW_TS);
  }
  if (event?.key !== undefined) {
    if (compact) out.varint(field.number.check(compact.key, 'key number'));
    else out.string(field.key.check(event.key, 'key'));
  }
  if (flags & IDENTIFIED) out.string(field.id.check(message.id, 'id'));
}
