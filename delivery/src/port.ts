/** What a sender needs of the transport that carries the session now. It writes, and never says what it does not know. */
export interface Port {
  /** Largest datagram in bytes that `sendDatagram` takes now; may change. 0: a pipe, without datagrams and streams. */
  readonly maxDatagramSize: number;
  /** Bytes accepted by `write` and not yet on the wire. */
  readonly backlog: number;
  /** Sends one envelope, or one numbered packet, in order on a lane. Lane 0 is control. */
  write(bytes: Uint8Array, lane: number): void;
  /** The lane has ended; its stream, where it has one, is finished. */
  closeLane(lane: number): void;
  /** Sends one packet without a promise. False: not sent. Never waits. */
  sendDatagram(packet: Uint8Array): boolean;
  /**
   * A stream of its own for these frames, one after the other, then its end. Undefined: a pipe, or no stream is to be
   * had now.
   */
  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined;
}

/** A stream of one message on its way. */
export interface MessageStream {
  /** All is handed over: nothing is left that `reset` could stop. */
  readonly done: boolean;
  /** Gives up what has not left. */
  reset(): void;
}
