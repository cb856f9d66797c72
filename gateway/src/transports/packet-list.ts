import { type Encoding, encodingOf, FrameReader, frame, ProtocolError } from '@spillway/envelope';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/** Content type of a list of packets. */
export const LIST_TYPES: Readonly<Record<Encoding, string>> = {
  binary: 'application/octet-stream',
  json: 'application/x-ndjson; charset=utf-8',
};

/** Most bytes that a packet in a list is larger than by itself: its length, or the end of its line. */
export const LIST_OVERHEAD = 9;

/** The body of an HTTP message that carries these packets: frames, or lines of text. */
export function joinList(packets: readonly Uint8Array[], encoding: Encoding): Buffer {
  if (encoding === 'binary') return Buffer.concat(packets.map(frame));
  return Buffer.concat(packets.flatMap((packet) => [oneLine(packet), END_OF_LINE]));
}

/**
 * Hands out the packets of a body, as views of it.
 * @throws ProtocolError `too-large` for a packet of more than `maxBytes`; others for what is no list of this encoding.
 * The packets in front of the bad one have been handed out by then.
 */
export function splitList(
  body: Uint8Array,
  encoding: Encoding,
  maxBytes: number,
  onPacket: (packet: Uint8Array) => void,
): void {
  if (encoding === 'json') splitLines(body, maxBytes, onPacket);
  else splitFrames(body, maxBytes, onPacket);
}

/** Text without line ends. In JSON they are white space between tokens, never inside of one. */
export function oneLine(packet: Uint8Array): Uint8Array {
  if (!packet.includes(LINE_FEED) && !packet.includes(CARRIAGE_RETURN)) return packet;
  return packet.map((byte) => (byte === LINE_FEED || byte === CARRIAGE_RETURN ? SPACE : byte));
}

const END_OF_LINE = Uint8Array.of(LINE_FEED);

function splitFrames(body: Uint8Array, maxBytes: number, onPacket: (packet: Uint8Array) => void): void {
  const reader = new FrameReader(maxBytes);
  reader.push(body, onPacket);
  if (reader.pending > 0) throw new ProtocolError('truncated', 'the body ends inside a frame');
}

function splitLines(body: Uint8Array, maxBytes: number, onPacket: (packet: Uint8Array) => void): void {
  for (let at = 0; at < body.length; ) {
    const found = body.indexOf(LINE_FEED, at);
    const end = found === -1 ? body.length : found;
    const line = body.subarray(at, end > at && body[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
    at = end + 1;
    if (line.length === 0) continue;
    if (line.length > maxBytes) throw new ProtocolError('too-large', `a line of more than ${maxBytes} bytes`);
    // What is answered to a binary HELLO could not stand in a line.
    if (encodingOf(line) !== 'json')
      throw new ProtocolError('bad-value', 'a line that does not begin as JSON');
    onPacket(line);
  }
}
