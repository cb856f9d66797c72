import { type Encoding, FrameReader, frame, ProtocolError } from '@spillway/envelope';
import { MAX_FRAME_BYTES } from './transport.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const END_OF_LINE = Uint8Array.of(LINE_FEED);

/** The body of an HTTP message that carries these packets: frames, or lines of text (SPEC section 7). */
export function joinList(packets: readonly Uint8Array[], encoding: Encoding): Uint8Array<ArrayBuffer> {
  const parts = encoding === 'json' ? packets.flatMap((packet) => [packet, END_OF_LINE]) : packets.map(frame);
  const body = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    // In JSON line ends are white space between tokens, never inside of one.
    const isLines = encoding === 'json' && part !== END_OF_LINE && part.includes(LINE_FEED);
    body.set(isLines ? part.map((byte) => (byte === LINE_FEED ? SPACE : byte)) : part, at);
    at += part.length;
  }
  return body;
}

/** Hands out the packets of a body, as views of it. Throws `ProtocolError` for what is no list of this encoding. */
export function splitList(
  body: Uint8Array,
  encoding: Encoding,
  onPacket: (packet: Uint8Array) => void,
): void {
  if (encoding === 'json') {
    for (let at = 0; at < body.length; ) {
      const found = body.indexOf(LINE_FEED, at);
      const end = found < 0 ? body.length : found;
      const line = body.subarray(at, body[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
      at = end + 1;
      if (line.length > 0) onPacket(line);
    }
    return;
  }
  const reader = new FrameReader(MAX_FRAME_BYTES);
  reader.push(body, onPacket);
  if (reader.pending > 0) throw new ProtocolError('truncated', 'an answer ends inside a frame');
}
