import type { CloseName, Codec, Delivery, Outcome, Rung, RungReason } from '@spillway/envelope';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CallOptions, StreamOptions } from './calls.ts';
import type { DropOptions } from './drop-options.ts';
import type { Grants } from './grants.ts';
import type { Drops } from './traffic.ts';

/** Who a session belongs to, as `authenticate` returned it. */
export interface User {
  readonly id: string;
  /** What the session may do at most, by channel; each channel's `authorize` can only narrow that. @default everything */
  readonly grants?: Grants | undefined;
  /**
   * When the token ends, ms since the Unix epoch: the client is told some time before, and disconnected then unless it
   * has sent a newer one. @default never
   */
  readonly expiresAt?: number | undefined;
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

export interface SendOptions extends DropOptions {
  /** @default the channel's own class, or 'reliable' */
  readonly delivery?: Delivery | undefined;
  /** The entity that the message is about, 1-128 bytes. */
  readonly key?: string | undefined;
  /** @default 'bytes' for a Uint8Array, 'json' for anything else */
  readonly codec?: Codec | undefined;
}

/** Sums are over all the connections that a session had. */
export interface SessionStats {
  readonly messagesIn: number;
  /** Sent, or waiting to be. */
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Unsent bytes now: in the transport, and of droppable messages that wait for the client to keep up. */
  readonly backlog: number;
  /** Bytes of messages that must arrive and that the client has not acknowledged. */
  readonly unacknowledged: number;
  /** Bytes of droppable messages on their way. */
  readonly inFlight: number;
  /** How often the client went on with this session on another connection. */
  readonly resumes: number;
  /** Last round trip in ms; undefined before the first. */
  readonly rtt: number | undefined;
  readonly dropped: Readonly<Drops>;
}

/** One client's logical connection, as handlers and hooks see it. */
export interface SessionHandle {
  readonly id: string;
  /** Undefined when the gateway has no `authenticate`. Its claims may change when the client resumes or sends a newer token, its id does not. */
  readonly user: User | undefined;
  /** The last one, while not connected. */
  readonly transport: Rung | 'memory';
  /** Why the client is not on a better rung, in its own words. */
  readonly reasons: readonly RungReason[];
  readonly remoteAddress: string;
  readonly subscriptions: ReadonlySet<string>;
  /** False while no connection carries the session; what it is sent then waits for the client to come back. */
  readonly connected: boolean;
  /**
   * Sends to this client alone. False: dropped, or the session is closed.
   * @throws SpillwayError `bad-payload`, `message-too-large`
   * @throws ProtocolError `bad-value` for a type or key outside its range
   * @throws RangeError for `maxAge` or `oversize`
   */
  send(type: string, payload: unknown, options?: SendOptions & { readonly receipt?: false }): boolean;
  /** The same, and tells what became of it. The promise is never rejected. */
  send(type: string, payload: unknown, options: SendOptions & { readonly receipt: true }): Promise<Outcome>;
  /**
   * Asks the client, whose `session.handle` answers; while it is away, it is asked when it is back.
   * Rejects with RequestError; with SpillwayError or ProtocolError for what cannot be sent.
   */
  request<Response = unknown>(type: string, payload?: unknown, options?: StreamOptions): Promise<Response>;
  request<Schema extends StandardSchemaV1>(
    type: string,
    payload: unknown,
    options: CallOptions<Schema> & { readonly schema: Schema },
  ): Promise<StandardSchemaV1.InferOutput<Schema>>;
  /**
   * Asks for an answer in parts, which come no faster than they are read; the loop returns the answer itself. To leave
   * the loop ends the client's handler. Rejects as `request` does.
   * @throws SpillwayError, ProtocolError for what cannot be sent
   */
  stream<Part = unknown>(
    type: string,
    payload?: unknown,
    options?: StreamOptions,
  ): AsyncIterableIterator<Part, unknown, void>;
  stats(): SessionStats;
  /** @param code name of the close code; those below 4500 tell the client to stay away. @default 'normal' */
  close(code?: CloseName, reason?: string): void;
}
