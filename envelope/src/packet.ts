import { BATCH, decodeBinary, NUMBERED } from './binary.ts';
import { decode, encodingOf } from './codec.ts';
import { concat } from './cursor.ts';
import type { Dictionary, Encoding, Envelope } from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue } from './fields.ts';
import { decodeTextPacket } from './text.ts';
import { encodeUtf8 } from './utf8.ts';
import { pushVarint, readVarint, varintSize } from './varint.ts';

/** Takes an envelope and the number of its packet; 0 where the packet has none. */
export type OnEnvelope = (envelope: Envelope, number: number) => void;

/**
 * Reads a packet, the content of a datagram or of a WebSocket message: one envelope, or several, with a number or
 * without. `onNumber` hears a number before anything of its packet is read; where it says false, nothing is.
 * Throws `ProtocolError`; the envelopes before the bad one have been handed out by then.
 */
export function readPacket(
  bytes: Uint8Array,
  dictionary: Dictionary | undefined,
  onEnvelope: OnEnvelope,
  onNumber: (number: number) => boolean = () => true,
): void {
  switch (bytes[0]) {
    case BATCH:
      readEnvelopes(bytes, 1, dictionary, 0, onEnvelope);
      return;
    case NUMBERED: {
      const number = readVarint(bytes, 1);
      if (number === 0) throw badValue('number', 'at least 1');
      if (onNumber(number)) readEnvelopes(bytes, 1 + varintSize(number), dictionary, number, onEnvelope);
      return;
    }
    default:
      if (encodingOf(bytes) === 'json') decodeTextPacket(bytes, onEnvelope, onNumber);
      else onEnvelope(decode(bytes, dictionary), 0);
  }
}

function readEnvelopes(
  bytes: Uint8Array,
  from: number,
  dictionary: Dictionary | undefined,
  number: number,
  onEnvelope: OnEnvelope,
): void {
  if (bytes.length === from) throw badValue('packet', 'at least one envelope');
  for (let at = from; at < bytes.length; ) {
    const size = readVarint(bytes, at);
    at += varintSize(size);
    if (size === 0) throw badValue('packet', 'no empty envelope');
    if (size > bytes.length - at) throw new ProtocolError('truncated', 'the bytes end inside a packet');
    onEnvelope(decodeBinary(bytes.subarray(at, at + size), dictionary), number);
    at += size;
  }
}

/**
 * One packet of encoded envelopes, all in `encoding`. With `number`, from 1, it is a numbered packet. Of a single
 * envelope without a number it is that envelope itself, not a copy.
 */
export function joinPacket(
  envelopes: readonly Uint8Array[],
  encoding: Encoding,
  number?: number,
): Uint8Array<ArrayBufferLike> {
  const [first] = envelopes;
  if (!first) throw badValue('packet', 'at least one envelope');
  if (envelopes.length === 1 && number === undefined) return first;
  const parts: ArrayLike<number>[] = [];
  if (encoding === 'json') {
    const before = number === undefined ? '[' : `{"v":1,"kind":"packet","number":${number},"envelopes":[`;
    parts.push(encodeUtf8(before));
    for (const envelope of envelopes) parts.push(envelope, [0x2c]);
    parts[parts.length - 1] = encodeUtf8(number === undefined ? ']' : ']}');
  } else {
    const head = [number === undefined ? BATCH : NUMBERED];
    if (number !== undefined) pushVarint(head, number);
    parts.push(head);
    for (const envelope of envelopes) {
      const size: number[] = [];
      pushVarint(size, envelope.length);
      parts.push(size, envelope);
    }
  }
  return concat(parts);
}

/** The most bytes that a numbered packet is larger than its envelopes: a part of its own, and one for each of them. */
export const PACKET_OVERHEAD = { binary: [9, 4], json: [64, 1] } as const satisfies Record<
  Encoding,
  readonly [packet: number, envelope: number]
>;
