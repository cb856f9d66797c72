import type { Rung } from '@spillway/envelope';

/** How a session is doing, since it was opened; a reconnect goes on counting. */
export interface SessionStats {
  readonly transport: Rung;
  /** Last round trip in ms; undefined before the first. */
  readonly rtt: number | undefined;
  /**
   * Interarrival jitter in ms as in RFC 3550 section 6.4.1: how much the time on the way varies, smoothed over the
   * last 16 or so arrivals that carry the gateway's time (pongs, and messages that are not reliable).
   */
  readonly jitter: number;
  /** Envelopes, control and datagrams included. Outgoing ones are counted once, when they are taken to be sent. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Without the transport's own framing. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly datagramsIn: number;
  readonly datagramsOut: number;
  /** Messages of the subscribed channels that were stamped after the subscription began and never came, as far as later ones tell. */
  readonly missing: number;
  /** Bytes that wait here: for a connection, or for room on it. */
  readonly pending: number;
  /** Bytes kept because the gateway has not said that it has them. */
  readonly unacknowledged: number;
  /** Bytes of messages that may be dropped, on their way. */
  readonly inFlight: number;
  /** Round trip in ms as acknowledgements show it, smoothed; undefined before the first. */
  readonly smoothedRtt: number | undefined;
  /** Times that the session went on over another connection. */
  readonly resumes: number;
  /**
   * What was dropped here, by name. `superseded`: a newer `latest` took its place. `expired`: past its `maxAge`.
   * `backlog`: too much was waiting, or `unreliable` without a connection. `oversize`: larger than a datagram.
   * `malformed`: a datagram that is no envelope, or a payload that is not what its codec says.
   */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Counts for one session, over all its connections. */
export class Meter {
  rtt: number | undefined;
  jitter = 0;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  datagramsIn = 0;
  datagramsOut = 0;
  resumes = 0;
  dropped: Record<string, number> = {};

  drop(name: string): void {
    this.dropped[name] = (this.dropped[name] ?? 0) + 1;
  }

  /**
   * RFC 3550 section 6.4.1. `transit` is arrival less departure; the clocks need not agree, for only the difference
   * to `previous`, the transit before it from the same source, counts. Returns the next `previous`.
   */
  arrived(transit: number, previous = transit): number {
    this.jitter += (Math.abs(transit - previous) - this.jitter) / 16;
    return transit;
  }
}
