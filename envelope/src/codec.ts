import { decodeBinary, encodeBinary } from './binary.ts';
import type { Compact, Dictionary, Encoding, Envelope } from './envelope.ts';
import { decodeText, encodeText } from './text.ts';

/**
 * Writes one envelope. `compact` replaces the names of a binary event by numbers that the receiver has
 * acknowledged; elsewhere it is ignored.
 * Throws `ProtocolError` for a field outside its range; nothing invalid is ever written.
 */
export function encode(
  envelope: Envelope,
  encoding: Encoding = 'binary',
  compact?: Compact,
): Uint8Array<ArrayBuffer> {
  return encoding === 'json' ? encodeText(envelope) : encodeBinary(envelope, compact);
}

/**
 * Reads one envelope in either encoding. Payloads of binary envelopes, and JSON payloads of text, are views
 * into `bytes`. Throws `ProtocolError`, never anything else. `dictionary` is for compact headers.
 */
export function decode(bytes: Uint8Array, dictionary?: Dictionary): Envelope {
  return encodingOf(bytes) === 'json' ? decodeText(bytes) : decodeBinary(bytes, dictionary);
}

/** Which encoding bytes are in, by the first: white space, `[` and `{` begin text and no binary envelope. */
export function encodingOf(bytes: Uint8Array): Encoding {
  switch (bytes[0]) {
    case 0x09:
    case 0x0a:
    case 0x0d:
    case 0x20:
    case 0x5b:
    case 0x7b:
      return 'json';
    default:
      return 'binary';
  }
}
