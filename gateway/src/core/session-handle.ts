import type { CloseName, Codec, Delivery, Rung, RungReason } from '@spillway/envelope';

/** Who a session belongs to, as `authenticate` returned it. */
export interface User {
  readonly id: string;
  readonly [claim: string]: unknown;
}

/** Everything about a message but its payload. */
export interface MessageMeta {
  readonly channel: string;
  readonly type: string;
  readonly delivery: Delivery;
  readonly codec: Codec;
  /** Position in the channel; absent on private messages and before the gateway stamped it. */
  readonly seq?: number | undefined;
  /** Gateway clock in ms. */
  readonly ts?: number | undefined;
  readonly key?: string | undefined;
  readonly id?: string | undefined;
}

export interface SendOptions {
  /** @default the channel's own class, or 'reliable' */
  readonly delivery?: Delivery | undefined;
  /** The entity that the message is about, 1-128 bytes. */
  readonly key?: string | undefined;
  /** @default 'bytes' for a Uint8Array, 'json' for anything else */
  readonly codec?: Codec | undefined;
}

/** Messages that a session did not get, or the gateway did not take, by name. */
export interface Drops {
  /** Too much was unsent already. */
  backlog: number;
  /** Larger than a datagram, where only a datagram would do. */
  oversize: number;
  /** Past messagesPerSecond or bytesPerSecond. */
  'rate-limited': number;
  /** A datagram that is no envelope; towards a session that speaks text, a JSON payload that is none. */
  malformed: number;
}

export interface SessionStats {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Unsent bytes now. */
  readonly backlog: number;
  /** Last round trip in ms; undefined before the first. */
  readonly rtt: number | undefined;
  readonly dropped: Readonly<Drops>;
}

/** One client's logical connection, as handlers and hooks see it. */
export interface SessionHandle {
  readonly id: string;
  /** Undefined when the gateway has no `authenticate`. */
  readonly user: User | undefined;
  readonly transport: Rung | 'memory';
  /** Why the client is not on a better rung, in its own words. */
  readonly reasons: readonly RungReason[];
  readonly remoteAddress: string;
  readonly subscriptions: ReadonlySet<string>;
  /**
   * Sends to this client alone. False: dropped, or the session is closed.
   * @throws SpillwayError `bad-payload`, `message-too-large`
   * @throws ProtocolError `bad-value` for a type or key outside its range
   */
  send(type: string, payload: unknown, options?: SendOptions): boolean;
  stats(): SessionStats;
  /** @param code name of the close code; those below 4500 tell the client to stay away. @default 'normal' */
  close(code?: CloseName, reason?: string): void;
}
