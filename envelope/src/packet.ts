import { BATCH, decodeBinary, NUMBERED } from './binary.ts';
import { decode, encodingOf } from './codec.ts';
import { concat, Reader, Writer } from './cursor.ts';
import type { Dictionary, Encoding, Envelope } from './envelope.ts';
import { badValue } from './fields.ts';
import { frame } from './frame.ts';
import { decodeTextPacket } from './text.ts';
import { encodeUtf8 } from './utf8.ts';

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
  if (bytes[0] === BATCH || bytes[0] === NUMBERED) {
    const from = new Reader(bytes, 1);
    const number = bytes[0] === BATCH ? 0 : from.varint();
    if (bytes[0] === NUMBERED) {
      if (number === 0) throw badValue('number', 'at least 1');
      if (!onNumber(number)) return;
    }
    if (from.left === 0) throw badValue('packet', 'at least one envelope');
    while (from.left > 0) {
      const size = from.varint();
      if (size === 0) throw badValue('packet', 'no empty envelope');
      onEnvelope(decodeBinary(from.take(size), dictionary), number);
    }
  } else if (encodingOf(bytes) === 'json') {
    decodeTextPacket(bytes, onEnvelope, onNumber);
  } else {
    onEnvelope(decode(bytes, dictionary), 0);
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
  const [first, ...others] = envelopes;
  if (!first) throw badValue('packet', 'at least one envelope');
  if (others.length === 0 && number === undefined) return first;
  if (encoding === 'binary') {
    const head = new Writer();
    head.byte(number === undefined ? BATCH : NUMBERED);
    if (number !== undefined) head.varint(number);
    return concat([head.done(), ...envelopes.map(frame)]);
  }
  const before = number === undefined ? '[' : `{"v":1,"kind":"packet","number":${number},"envelopes":[`;
  const after = number === undefined ? ']' : ']}';
  return concat([
    encodeUtf8(before),
    first,
    ...others.flatMap((other) => [[0x2c], other]),
    encodeUtf8(after),
  ]);
}

/** The most bytes that a numbered packet is larger than its envelopes: a part of its own, and one for each of them. */
export const PACKET_OVERHEAD = { binary: [9, 4], json: [64, 1] } as const satisfies Record<
  Encoding,
  readonly [packet: number, envelope: number]
>;
