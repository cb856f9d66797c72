import type { Port } from '@spillway/delivery';
import { CLOSE } from '@spillway/envelope';

/**
 * The write side of one connection: bytes in, I/O out, no policy. Encoded envelopes and packets go in one at a time;
 * framing is the transport's own. After `close` nothing is sent, silently. The gateway's contract of the same name is
 * its mirror.
 */
export interface Transport extends Port {
  /** Flushes what was written, as far as the far end takes it, and closes with a code of envelope's table and at most 123 bytes of reason. */
  close(code: number, reason: string): void;
}

/** What a transport calls: the read side. Calls come in order, never after `closed`, which comes once. */
export interface Receiver {
  /** The far end has answered the transport's own handshake. */
  opened(): void;
  /** One envelope or packet as it came. Binary and text look the same here: UTF-8 bytes. */
  receive(bytes: Uint8Array, reliable: boolean): void;
  /** Framing broke, or a frame passed the size limit; the receiver will close. */
  violation(message: string): void;
  /**
   * The connection is gone, or never came to be. `code` is the peer's, or 4507 `transport-lost` when it gave none;
   * `cause` is what the platform threw.
   */
  closed(code: number, reason: string, cause?: unknown): void;
}

/** The code of an end that nobody gave a code for. */
export const LOST = CLOSE['transport-lost'];

/** Starts a connection. Its calls to the receiver come later, never before it returns. Throws what the platform throws. */
export type OpenTransport = (receiver: Receiver) => Transport;

/**
 * Largest frame or message taken in, bytes. It bounds what a broken gateway can make the client hold; a sound one
 * stays under its own `maxMessageBytes`, 64 KiB unless its operator chose otherwise.
 */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** How long the far end may take to confirm a close, ms. */
export const CLOSE_TIMEOUT = 2_000;
