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
 * The gateway's write side of one client connection: bytes in, I/O out, no policy. Encoded envelopes go in
 * one at a time; framing is the transport's own.
 */
export interface Transport {
  readonly name: Rung | 'memory';
  /** Largest datagram in bytes that `sendDatagram` takes now; may change. 0: no datagrams here. */
  readonly maxDatagramSize: number;
  /** Bytes accepted by `write` and not yet handed to the operating system or the QUIC stack. */
  readonly backlog: number;
  /** Sends one envelope, never empty, in order on a lane. Lane 0 is control. Silently nothing after close. */
  write(bytes: Uint8Array, lane: number): void;
  /** The lane has ended; its stream, where it has one, is finished. The number may be used again. */
  closeLane(lane: number): void;
  /** Sends one packet without a promise. False: not sent (no room, too big, closed). Never waits. */
  sendDatagram(bytes: Uint8Array): boolean;
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
  /** Largest reliable message in bytes, for framing: the whole envelope. */
  readonly maxMessageBytes: number;
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
