// A tool that speaks the wire by itself; checked without the types of any platform.
import { CLOSE, decode, type Encoding, type Envelope, encode, ProtocolError } from '@spillway/envelope';

export function transcode(bytes: Uint8Array, encoding: Encoding): Uint8Array | number {
  try {
    const envelope: Envelope = decode(bytes);
    return encode(envelope, encoding);
  } catch (error) {
    if (error instanceof ProtocolError) return CLOSE['protocol-error'];
    throw error;
  }
}
