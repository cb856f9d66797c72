import { BATCH, decodeBinary, LAZY, NUMBERED } from './binary.ts';
import { decode, encodingOf } from './codec.ts';
import { allocate, concat, putVarint, Reader, varintSize } from './cursor.ts';
import type { Dictionary, Encoding, Envelope } from './envelope.ts';
import { badValue } from './fields.ts';
import { decodeTextPacket } from './text.ts';
import { encodeUtf8 } from './utf8.ts';

/** Takes an envelope and the number of its packet; 0 where the packet has none. */
export type OnEnvelope = (envelope: Envelope, number: number) => void;

/** Hears the number of a packet before anything of it is read; `lazy`: its ACK may wait. False: nothing of it is read. */
export type OnNumber = (number: number, lazy: boolean) => boolean;

/**
 * Reads a packet, the content of a datagram or of a WebSocket message: one envelope, or several, with a number or
 * without. Throws `ProtocolError`; the envelopes before the bad one have been handed out by then.
 */
export function readPacket(
  bytes: Uint8Array,
  dictionary: Dictionary | undefined,
  onEnvelope: OnEnvelope,
  onNumber: OnNumber = () => true,
): void {
  const first = bytes[0]!;
  if (first <= LAZY) {
    const from = new Reader(bytes, 1);
    const number = first === BATCH ? 0 : from.varint();
    if (first !== BATCH) {
      if (number === 0) throw badValue('number', 'at least 1');
      if (!onNumber(number, first === LAZY)) return;
    }
    if (from.left === 0) throw badValue('packet', 'at least one envelope');
    while (from.left > 0) {
      const size = from.varint();
      if (size === 0) throw badValue('packet', 'no empty envelope');
      const at = from.skip(size);
      onEnvelope(decodeBinary(bytes, dictionary, at, at + size), number);
    }
  } else if (encodingOf(bytes) === 'json') {
    decodeTextPacket(bytes, onEnvelope, onNumber);
  } else {
    onEnvelope(decode(bytes, dictionary), 0);
  }
}

/**
 * One packet of encoded envelopes, all in `encoding`. With `number`, from 1, it is a numbered packet, with `lazy` one
 * whose ACK may wait. Of a single envelope without a number it is that envelope itself, not a copy.
 */
export function joinPacket(
  envelopes: readonly Uint8Array[],
  encoding: Encoding,
  number?: number,
  lazy = false,
): Uint8Array<ArrayBufferLike> {
  const [first] = envelopes;
  if (!first) throw badValue('packet', 'at least one envelope');
  if (envelopes.length === 1 && number === undefined) return first;
  if (encoding === 'binary') return joinBinary(envelopes, number, lazy);
  const others = envelopes.slice(1);
  const about = `"number":${number}${lazy ? ',"lazy":true' : ''}`;
  const before = number === undefined ? '[' : `{"v":1,"kind":"packet",${about},"envelopes":[`;
  const after = number === undefined ? ']' : ']}';
  return concat([
    encodeUtf8(before),
    first,
    ...others.flatMap((other) => [[0x2c], other]),
    encodeUtf8(after),
  ]);
}

/** In one allocation: for each datagram of a busy gateway this is called once. */
function joinBinary(envelopes: readonly Uint8Array[], number: number | undefined, lazy: boolean): Uint8Array {
  let size = 1 + (number === undefined ? 0 : varintSize(number));
  for (const { length } of envelopes) {
    if (length === 0) throw badValue('packet', 'no empty envelope');
    size += varintSize(length) + length;
  }
  const packet = allocate(size);
  let at = 1;
  if (number !== undefined) {
    packet[0] = lazy ? LAZY : NUMBERED;
    at = putVarint(packet, at, number);
  }
  for (const envelope of envelopes) {
    at = putVarint(packet, at, envelope.length);
    packet.set(envelope, at);
    at += envelope.length;
  }
  return packet;
}

/** The most bytes that a numbered packet is larger than its envelopes: a part of its own, and one for each of them. */
export const PACKET_OVERHEAD = { binary: [9, 4], json: [76, 1] } as const satisfies Record<
  Encoding,
  readonly [packet: number, envelope: number]
>;
