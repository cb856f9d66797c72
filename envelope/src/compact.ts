import { MAX_TS } from './bounds.ts';
import { allocate, putVarint, varintSize } from './cursor.ts';
import { CODECS, type Compact, DELIVERIES, type Dictionary, type Event, VERSION } from './envelope.ts';
import { CODEC_SHIFT, COMPACT, IDENTIFIED, KEYED, lowOf, nearest, STAMPED } from './flags.ts';

// The hot form of an event: names are numbers, and nobody waits for its outcome. A state of a game is written and read
// so, hundreds of thousands of times a second. Both ways give up, with undefined, where anything is not just so: the
// general form takes over, and says what is wrong.

/** The first byte: KINDS begins with events. */
const EVENT = (VERSION << 5) | 1;
/** Bytes that are copied one by one, which is faster than a call. */
const SHORT = 12;

/** Writes an event in its hot form, if it has one and all its fields are in range. */
export function encodeCompact(event: Event, { route, key }: Compact): Uint8Array<ArrayBuffer> | undefined {
  const { seq, ts, payload } = event;
  const isKeyed = event.key !== undefined;
  if (event.id !== undefined || !isNumber(seq) || !isNumber(ts) || ts > MAX_TS || !isNumber(route)) return;
  if (isKeyed && !isNumber(key)) return;
  const codec = CODECS.indexOf(event.codec);
  const delivery = DELIVERIES.indexOf(event.delivery);
  if (codec < 0 || delivery < 0 || !(payload instanceof Uint8Array)) return;
  const { length } = payload;
  const head = 5 + varintSize(route) + varintSize(seq) + (isKeyed ? varintSize(key!) : 0);
  const bytes = allocate(head + length);
  bytes[0] = EVENT;
  bytes[1] = delivery | (codec << CODEC_SHIFT) | COMPACT | STAMPED | (isKeyed ? KEYED : 0);
  let at = putVarint(bytes, putVarint(bytes, 2, route), seq);
  const low = lowOf(ts);
  bytes[at++] = low >> 16;
  bytes[at++] = low >> 8;
  bytes[at++] = low;
  if (isKeyed) at = putVarint(bytes, at, key!);
  if (length > SHORT) bytes.set(payload, at);
  else for (let index = 0; index < length; index++) bytes[at + index] = payload[index]!;
  return bytes;
}

/** Reads an event in its hot form, from `from` to the end; the payload is a view. */
export function decodeCompact(
  bytes: Uint8Array,
  from: number,
  to: number,
  dictionary: Dictionary,
): Event | undefined {
  const flags = bytes[from + 1]!;
  if (bytes[from] !== EVENT || (flags & (COMPACT | STAMPED | IDENTIFIED)) !== (COMPACT | STAMPED)) return;
  // The longest header of one byte for the route, four for the position and two for the key.
  if (from + 12 > to) return;
  const codec = CODECS[(flags >> CODEC_SHIFT) & 3];
  const name = bytes[from + 2]!;
  if (codec === undefined || name >= 0x80) return;
  let at = from + 3;
  let seq = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[at++]!;
    seq += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (byte === 0 && scale > 1) return;
      break;
    }
    scale *= 128;
    if (scale > 2 ** 21) return;
  }
  const ts = nearest((bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!, dictionary.clock);
  at += 3;
  let key: string | undefined;
  if ((flags & KEYED) > 0) {
    let number = bytes[at++]!;
    if (number >= 0x80) {
      const high = bytes[at++]!;
      if (high === 0 || high >= 0x80) return;
      number = (number & 0x7f) | (high << 7);
    }
    key = dictionary.key(number);
    if (key === undefined) return;
  }
  const route = dictionary.route(name);
  if (route === undefined) return;
  const payload = bytes.subarray(at, to);
  const { channel, type } = route;
  return {
    kind: 'event',
    channel,
    type,
    delivery: DELIVERIES[flags & 3]!,
    codec,
    seq,
    ts,
    key,
    id: undefined,
    payload,
  };
}

function isNumber(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! >= 0;
}
