import { BATCH, decodeBinary } from './binary.ts';
import { decode, encodingOf } from './codec.ts';
import { concat } from './cursor.ts';
import type { Dictionary, Encoding, Envelope } from './envelope.ts';
import { ProtocolError } from './errors.ts';
import { badValue } from './fields.ts';
import { decodeTextBatch } from './text.ts';
import { pushVarint, readVarint, varintSize } from './varint.ts';

/**
 * Reads a packet, the content of a datagram or of a WebSocket message: one envelope, or a batch.
 * Throws `ProtocolError`; the envelopes before the bad one have been handed out by then.
 */
export function readPacket(
  bytes: Uint8Array,
  dictionary: Dictionary | undefined,
  onEnvelope: (envelope: Envelope) => void,
): void {
  if (bytes[0] === BATCH) readBatch(bytes, dictionary, onEnvelope);
  else if (encodingOf(bytes) === 'json' && isArray(bytes)) decodeTextBatch(bytes, onEnvelope);
  else onEnvelope(decode(bytes, dictionary));
}

function readBatch(
  bytes: Uint8Array,
  dictionary: Dictionary | undefined,
  onEnvelope: (envelope: Envelope) => void,
): void {
  if (bytes.length === 1) throw badValue('batch', 'at least one envelope');
  for (let at = 1; at < bytes.length; ) {
    const size = readVarint(bytes, at);
    at += varintSize(size);
    if (size === 0) throw badValue('batch', 'no empty envelope');
    if (size > bytes.length - at) throw new ProtocolError('truncated', 'the bytes end inside a batch');
    onEnvelope(decodeBinary(bytes.subarray(at, at + size), dictionary));
    at += size;
  }
}

/** Text that begins with `[` after white space. */
function isArray(bytes: Uint8Array): boolean {
  return bytes.find((byte) => byte > 0x20) === 0x5b;
}

/** One packet of encoded envelopes, all in `encoding`. Of a single one it is that envelope itself, not a copy. */
export function joinPacket(envelopes: readonly Uint8Array[], encoding: Encoding): Uint8Array {
  const [first] = envelopes;
  if (!first) throw badValue('batch', 'at least one envelope');
  if (envelopes.length === 1) return first;
  const parts: ArrayLike<number>[] = encoding === 'json' ? [] : [[BATCH]];
  for (const envelope of envelopes) {
    const before: number[] = [];
    if (encoding === 'json') before.push(parts.length === 0 ? 0x5b : 0x2c);
    else pushVarint(before, envelope.length);
    parts.push(before, envelope);
  }
  if (encoding === 'json') parts.push([0x5d]);
  return concat(parts);
}
