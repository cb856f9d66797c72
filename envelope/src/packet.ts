import { BATCH, decodeBinary } from './binary.ts';
import { decode, encodingOf } from './codec.ts';
import { concat, Reader } from './cursor.ts';
import type { Dictionary, Encoding, Envelope } from './envelope.ts';
import { badValue } from './fields.ts';
import { frame } from './frame.ts';
import { decodeTextBatch } from './text.ts';

/**
 * Reads a packet, the content of a datagram or of a WebSocket message: one envelope, or a batch.
 * Throws `ProtocolError`; the envelopes before the bad one have been handed out by then.
 */
export function readPacket(
  bytes: Uint8Array,
  dictionary: Dictionary | undefined,
  onEnvelope: (envelope: Envelope) => void,
): void {
  if (bytes[0] === BATCH) {
    const from = new Reader(bytes, 1);
    if (from.left === 0) throw badValue('batch', 'at least one envelope');
    while (from.left > 0) {
      const size = from.varint();
      if (size === 0) throw badValue('batch', 'no empty envelope');
      onEnvelope(decodeBinary(from.take(size), dictionary));
    }
  } else if (encodingOf(bytes) === 'json' && bytes.find((byte) => byte > 0x20) === 0x5b) {
    decodeTextBatch(bytes, onEnvelope);
  } else {
    onEnvelope(decode(bytes, dictionary));
  }
}

/** One packet of encoded envelopes, all in `encoding`. Of a single one it is that envelope itself, not a copy. */
export function joinPacket(envelopes: readonly Uint8Array[], encoding: Encoding): Uint8Array {
  const [first, ...others] = envelopes;
  if (!first) throw badValue('batch', 'at least one envelope');
  if (others.length === 0) return first;
  if (encoding === 'binary') return concat([[BATCH], ...envelopes.map(frame)]);
  return concat([[0x5b], first, ...others.flatMap((other) => [[0x2c], other]), [0x5d]]);
}
