import type { Port } from '@spillway/delivery';
import type { Rung } from '@spillway/envelope';

/** What every transport tells about a client before a session exists. One shape for all rungs. */
export interface Admission {
  readonly transport: Rung | 'memory';
  /** The `Origin` header; undefined from clients that are not browsers. */
  readonly origin: string | undefined;
  /** Path without the query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** IP address of the peer, never with a port. */
  readonly remoteAddress: string;
}

/**
 * The gateway's write side of one client connection: bytes in, I/O out, no policy. Encoded envelopes and packets go
 * in one at a time; framing is the transport's own. Lane numbers are never used twice in a session. After `close`
 * nothing is sent, silently.
 */
export interface Transport extends Port {
  readonly name: Rung | 'memory';
  /**
   * Flushes what was written, as far as the far end takes it in a short time, and closes with a code of
   * envelope's table. Nothing more is received; `closed` comes when it is done. A second call changes nothing.
   */
  close(code: number, reason: string): void;
}

/** What a transport calls: the read side. Calls come in order, never after `closed`, which comes once. */
export interface Receiver {
  /** One envelope or packet as it came. Binary and text look the same here: UTF-8 bytes. */
  receive(bytes: Uint8Array, reliable: boolean): void;
  /** Framing broke, or a frame passed the size limit; the receiver will close. */
  violation(code: 'too-large' | 'bad-frame', message: string): void;
  /**
   * The connection is gone. After `close` the code and reason given there; otherwise the peer's, or 4507
   * `transport-lost` when it gave none.
   */
  closed(code: number, reason: string): void;
}

/** What a transport needs of the core to hand over a connection. */
export interface Acceptor {
  /** Largest frame or pipe message in bytes: the largest envelope, and what a packet adds to it. */
  readonly maxFrameBytes: number;
  /** Checks before any byte is read. Undefined: go on. */
  admit(admission: Admission): Refusal | undefined;
  /**
   * A connection that `admit` let pass. Each passed `admit` is followed by one `accept` or one `abandon`, with an
   * equal admission, not always the same object.
   */
  accept(admission: Admission, transport: Transport): Receiver;
  /** An admitted connection that never came to be; gives its place back. */
  abandon(admission: Admission): void;
}

/** A connection that may not become a session. */
export interface Refusal {
  /** Code of envelope's table, where the transport is open already. */
  readonly code: number;
  readonly reason: string;
  /** HTTP status, where the handshake can still be refused. */
  readonly status: number;
}
