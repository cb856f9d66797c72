/** How a WebSocket message is read (RFC 6455 section 5.2). */
export const TEXT = 1;
export const BINARY = 2;

/** Length fields of a frame's header: below 126 in the second byte, else in two bytes more, or in eight. */
const SHORT = 126;
const LONG = 0x10000;

/** Lists that are remembered in one turn: as many different ones as channels that are busy at once. */
const REMEMBERED = 64;

interface Joined {
  readonly messages: readonly Uint8Array[];
  readonly opcode: number;
  readonly bytes: Buffer;
}

/**
 * Makes one buffer of all that one turn of the event loop has for a socket, a frame for each message. The frames of a
 * server are not masked, so they are the same for everybody: sockets whose turn holds the same messages, as those of
 * one channel do, are given the same buffer, and one more subscriber costs a comparison and a system call.
 */
export class FrameJoiner {
  /** By the last message of the list: what comes first may be an answer to one client alone. */
  readonly #turn = new Map<Uint8Array, Joined>();

  /** At least one message. The messages are not copied where the result is remembered, and must not change. */
  join(messages: readonly Uint8Array[], opcode: number): Buffer {
    const last = messages.at(-1)!;
    const known = this.#turn.get(last);
    if (known !== undefined && known.opcode === opcode && isSame(known.messages, messages))
      return known.bytes;
    const bytes = joinFrames(messages, opcode);
    if (this.#turn.size < REMEMBERED) this.#turn.set(last, { messages, opcode, bytes });
    return bytes;
  }

  /** The turn is over. */
  forget(): void {
    this.#turn.clear();
  }
}

/** Bytes of a frame of `length` bytes of payload. */
export function frameSize(length: number): number {
  if (length < SHORT) return length + 2;
  return length + (length < LONG ? 4 : 10);
}

/** An unfragmented, unmasked frame for each message. */
function joinFrames(messages: readonly Uint8Array[], opcode: number): Buffer {
  let size = 0;
  for (const { length } of messages) size += frameSize(length);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const message of messages) {
    const { length } = message;
    bytes[at++] = 0x80 | opcode;
    if (length < SHORT) {
      bytes[at++] = length;
    } else if (length < LONG) {
      bytes[at++] = SHORT;
      bytes[at++] = length >> 8;
      bytes[at++] = length & 255;
    } else {
      bytes[at++] = SHORT + 1;
      // No message is larger than 2^32 bytes.
      bytes.writeUInt32BE(0, at);
      bytes.writeUInt32BE(length, at + 4);
      at += 8;
    }
    bytes.set(message, at);
    at += length;
  }
  return bytes;
}

function isSame(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}
