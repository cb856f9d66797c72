import type { Inquiry } from '@spillway/delivery';
import type { CloseName, Codec, Delivery, Outcome, Rung, RungReason, Stage } from '@spillway/envelope';
import type { Undo } from './clock.ts';
import type { ConnectError, RequestError } from './errors.ts';
import type { SessionStats } from './stats.ts';

/** Everything about a message but its payload. */
export interface MessageMeta {
  /** Empty for a message to this session alone. */
  readonly channel: string;
  readonly type: string;
  /** Position in the channel; absent on messages to this session alone. */
  readonly seq?: number | undefined;
  /** When the gateway stamped it: its clock, ms since the Unix epoch. */
  readonly ts?: number | undefined;
  /** The entity that a `latest` message is about. */
  readonly key?: string | undefined;
  readonly id?: string | undefined;
  readonly delivery: Delivery;
  readonly codec: Codec;
}

/** What iterating over a channel yields, told apart by `type`. */
export type Message<Events> = {
  [Type in keyof Events & string]: {
    readonly type: Type;
    readonly payload: Events[Type];
    readonly meta: MessageMeta;
  };
}[keyof Events & string];

export interface PublishOptions {
  /** @default 'reliable' */
  readonly delivery?: Delivery | undefined;
  /** The entity that the message is about, 1-128 bytes. */
  readonly key?: string | undefined;
  /** @default 'bytes' for a Uint8Array, 'json' for anything else */
  readonly codec?: Codec | undefined;
  /** Ms after which a `latest` or `unreliable` message that has not left is worth nothing. @default for ever */
  readonly maxAge?: number | undefined;
  /** What to do with a `latest` or `unreliable` message larger than a datagram. @default 'stream' */
  readonly oversize?: 'stream' | 'drop' | undefined;
  /**
   * Tell what became of it: `true` in the end, `'received'` when the gateway has it, `'processed'` when the channel's
   * `onPublish` is done with it; a function each stage as it comes, `received`, `processed`, `delivered`, or why it goes
   * no further.
   */
  readonly receipt?: boolean | Stage | ReceiptListener | undefined;
  /** Wait for what the channel's `onPublish` answers, in the place of a receipt. */
  readonly reply?: boolean | undefined;
}

/** Hears how far a publication has come: each stage once, in order; `failed` with the gateway's reason. */
export type ReceiptListener = (stage: Stage | Outcome | 'failed', error?: RequestError) => void;

export interface StreamOptions {
  /** The channel that it is about; it goes in order with what is published there. */
  readonly channel?: string | undefined;
  /** Ms for each part, while the loop waits for one; Infinity: as long as it takes. @default 10000 */
  readonly timeout?: number | undefined;
  /** Ends it, and the gateway's handler hears so. */
  readonly signal?: AbortSignal | undefined;
  /** @default 'bytes' for a Uint8Array, 'json' for anything else */
  readonly codec?: Codec | undefined;
}

export interface RequestOptions extends StreamOptions {
  /** Ms for the answer, from the call on; Infinity: as long as it takes. @default 10000 */
  readonly timeout?: number | undefined;
  /** Hears each part of the answer, where the gateway sends any before it. */
  readonly progress?: ((part: unknown) => void) | undefined;
  /**
   * Names the request for this session, 1-64 bytes; not a short word of lower-case letters and digits, as those are the
   * session's own. Asked again by the same name, after a `timeout` say, the gateway does it no second time and gives the
   * same answer. @default one of the session's
   */
  readonly id?: string | undefined;
}

/** A place in a channel. */
export interface Position {
  /** Names the life of the channel's positions: one of another life means nothing. */
  readonly epoch: string;
  readonly seq: number;
}

export interface SubscribeOptions {
  /** Begin after this position, where the gateway still has what came since. Not for a pattern. @default now */
  readonly since?: Position | undefined;
}

/** How a subscription began. */
export interface Subscription extends Position {
  /** Everything after `since` that had to arrive comes. False without `since`. */
  readonly recovered: boolean;
}

export interface HistoryOptions {
  /** Messages at most, up to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** `seq` of the first. @default the oldest that is kept; the newest where `reverse` */
  readonly from?: number | undefined;
  /** From new to old. @default false */
  readonly reverse?: boolean | undefined;
  /** The life of the channel that `from` belongs to; in another one the gateway refuses, `history-lost`. */
  readonly epoch?: string | undefined;
}

/** Some of what the gateway keeps of a channel. */
export interface HistoryPage<Events> {
  readonly messages: readonly Message<Events>[];
  /** Undefined where the gateway does not remember the channel. */
  readonly epoch: string | undefined;
  /** The channel's last position. */
  readonly seq: number;
  /** The last position of what is kept no more. */
  readonly forgotten: number;
  /** `from` of the next page; undefined where there is none. */
  readonly next: number | undefined;
}

/** A session in a channel, as it shows itself. */
export interface Member<State = unknown> {
  readonly session: string;
  /** Undefined when the gateway does not know users. */
  readonly user?: string | undefined;
  readonly state?: State | undefined;
}

/** The events of who is in a channel. `alone`: no other session of the member's user is there. */
export interface PresenceEvents {
  join: [member: Member, about: { readonly alone: boolean }];
  update: [member: Member, about: { readonly alone: boolean }];
  leave: [member: Member, about: { readonly alone: boolean }];
  /** Everybody is known: at first, and again after a session was lost. */
  sync: [members: ReadonlyMap<string, Member>];
}

/** Who is in a channel: the sessions that are subscribed to it by name. */
export interface Presence {
  /** By id of the session; kept current while watched. */
  readonly members: ReadonlyMap<string, Member>;
  /** Resolves when all members are known. It goes on over reconnects. Rejects with `RequestError`. */
  watch(): Promise<ReadonlyMap<string, Member>>;
  unwatch(): Promise<void>;
  /** Shows the others a state, anything that JSON can say; the channel must be subscribed to. Rejects with `RequestError`. */
  update(state: unknown): Promise<void>;
  on<Name extends keyof PresenceEvents>(name: Name, listener: (...args: PresenceEvents[Name]) => void): Undo;
  off<Name extends keyof PresenceEvents>(name: Name, listener: (...args: PresenceEvents[Name]) => void): void;
}

/**
 * One channel of a session. `Events` maps the types of messages that come to their payloads, `Published` those that
 * may be published.
 */
export interface Channel<Events extends object = Record<string, unknown>, Published extends object = Events>
  extends AsyncIterable<Message<Events>> {
  /** A channel, or a pattern of them: `+` is any one segment, a final `#` the rest. */
  readonly name: string;
  /** The last position up to which nothing is missing that had to arrive, for a later `since`; of a pattern none. */
  readonly position: Position | undefined;
  readonly presence: Presence;
  /**
   * Resolves when what is published from now on will arrive, or what was since a position. The subscription goes on over
   * reconnects; where it is refused later, the session's `error` event says so. Rejects with `RequestError`; `timeout`
   * when the gateway has not answered 10 s after it was asked.
   */
  subscribe(options?: SubscribeOptions): Promise<Subscription>;
  /** Resolves when the gateway has let go of it; nothing is delivered from the call on. */
  unsubscribe(): Promise<void>;
  /**
   * Calls `listener` for each message of `type` while subscribed. Payloads of codec `json` are parsed, others are bytes
   * that stay valid. Returns what takes the listener off.
   */
  on<Type extends keyof Events & string>(
    type: Type,
    listener: (payload: Events[Type], meta: MessageMeta) => void,
  ): Undo;
  off<Type extends keyof Events & string>(
    type: Type,
    listener: (payload: Events[Type], meta: MessageMeta) => void,
  ): void;
  /**
   * Publishes without waiting. Is there room for more? False also when it was dropped because too much waits already
   * (counted in `stats().dropped`), or not taken because a queue is full, it is too large (both also an `error` event)
   * or the session is closed. While there is no connection messages wait, up to `maxQueuedBytes`: of `latest` the
   * newest, of `unreliable` none. Throws `ProtocolError` for what the wire cannot say: a type or key that is too long,
   * a payload that is not JSON.
   */
  publish<Type extends keyof Published & string>(
    type: Type,
    payload: Published[Type],
    options?: PublishOptions & {
      readonly receipt?: false | ReceiptListener | undefined;
      readonly reply?: false | undefined;
    },
  ): boolean;
  /**
   * Publishes and tells what became of it: `delivered` when the gateway has published it. Rejects with `RequestError`
   * where the gateway refuses it, and with `queue-full`, `message-too-large`, `closed`.
   */
  publish<Type extends keyof Published & string>(
    type: Type,
    payload: Published[Type],
    options: PublishOptions & { readonly receipt: true },
  ): Promise<Outcome>;
  /** The same, as soon as it has come so far: `received` or `processed`, or why it has not. */
  publish<Type extends keyof Published & string>(
    type: Type,
    payload: Published[Type],
    options: PublishOptions & { readonly receipt: Stage },
  ): Promise<Outcome | Stage>;
  /**
   * Publishes and waits for what the channel's `onPublish` answers; undefined where it answers nothing. Rejects as with
   * a receipt, and with an outcome as code where the message did not come through: `dropped`, `gap`, …
   */
  publish<Type extends keyof Published & string, Reply = unknown>(
    type: Type,
    payload: Published[Type],
    options: PublishOptions & { readonly reply: true },
  ): Promise<Reply>;
  /** A page of what the gateway keeps, subscribed or not. Rejects with `RequestError`, `no-history` where it keeps none. */
  history(options?: HistoryOptions): Promise<HistoryPage<Events>>;
  /** Resolves when there is room to publish. Rejects with `RequestError` `closed`. */
  drained(): Promise<void>;
  /**
   * The messages from now on. A loop that falls behind loses the oldest that may be dropped; when it falls behind
   * reliable ones it gets a `RequestError` `overrun`. Ends when the channel is unsubscribed or the session closed.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<Events>>;
}

export type SessionState = 'connecting' | 'open' | 'reconnecting' | 'closed';

/** Which transport carries the session, and why not each better one. */
export interface TransportInfo {
  readonly name: Rung;
  readonly reasons: readonly RungReason[];
}

/** How a session ended. */
export interface CloseInfo {
  /** Close code; envelope's SPEC.md has the table. */
  readonly code: number;
  readonly name: CloseName;
  readonly reason: string;
  /** What ended it where that was not a plain close: a reconnect that failed for good, a broken protocol. */
  readonly error?: ConnectError | RequestError | undefined;
}

/** The events of a session and the arguments of their listeners. */
export interface SessionEvents {
  state: [state: SessionState];
  /** Another transport, or better knowledge of the reasons. */
  transport: [transport: TransportInfo];
  /** A message to this session alone. */
  message: [type: string, payload: unknown, meta: MessageMeta];
  /** Something went wrong that nobody waits for: a publication was refused, a payload could not be read, … */
  error: [error: RequestError];
  close: [info: CloseInfo];
  /**
   * Messages of a channel are gone for good: of those stamped `from` to `to`, inclusive, what has not come. `to` is
   * undefined where the channel's positions have begun anew.
   */
  gap: [gap: { readonly channel: string; readonly from: number; readonly to: number | undefined }];
  /** The gateway will close; ms until then. */
  drain: [drain: { readonly within: number }];
  /**
   * The token ends in so many ms, and with it the connection, unless `refresh` brings a newer one. Where the `token`
   * option is a function, that happens by itself.
   */
  tokenExpiring: [token: { readonly within: number }];
}

/** A client's logical connection. It goes on over one transport after the other until it is closed. */
export interface Session extends AsyncDisposable {
  /** The gateway's name for this session; a new one only when the gateway no longer had the session. */
  readonly id: string;
  readonly state: SessionState;
  readonly transport: TransportInfo;
  /** Calls `listener` for each event. Returns what takes it off. */
  on<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): Undo;
  off<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): void;
  /**
   * The channel of this name, or all that a pattern covers: `sensors/+/temp`. Always the same object. Throws `TypeError`
   * for what is neither.
   */
  channel<Events extends object = Record<string, unknown>>(name: string): Channel<Events>;
  /**
   * Asks the gateway. While there is no connection it waits; in flight when the connection is lost, it is answered over
   * the next one, or fails with `connection-lost` where the gateway no longer has the session. Rejects with
   * `RequestError`.
   */
  request<Request = unknown, Response = unknown>(
    type: string,
    payload?: Request,
    options?: RequestOptions,
  ): Promise<Response>;
  /**
   * Asks for an answer in parts, which come no faster than they are read; the loop returns the answer itself. To leave
   * the loop, or to abort it, ends the gateway's handler. Rejects with `RequestError`.
   */
  stream<Part = unknown, Answer = unknown>(
    type: string,
    payload?: unknown,
    options?: StreamOptions,
  ): AsyncIterableIterator<Part, Answer, void>;
  /**
   * Answers the gateway's requests of this type, with what `handler` returns; an async generator answers in parts. What
   * it throws as `RequestError` reaches the gateway with its code, anything else as `internal`, and is reported here.
   * Returns what takes the handler off. Throws `TypeError` for a type that has a handler.
   */
  handle<Payload = unknown>(type: string, handler: (payload: Payload, context: Inquiry) => unknown): Undo;
  /** Read it as often as you like; while somebody does, the round trip is measured every second. */
  stats(): SessionStats;
  /**
   * Goes on with a newer token of the same user, without a new connection. Resolves when the gateway has accepted it;
   * what it does not grant ends. Rejects with `RequestError`: `unauthorized`, where `details.reason` says what is wrong
   * with it and the one before goes on; `timeout` after 10 s. A token given here is that of later connections, too,
   * unless the `token` option is a function.
   */
  refresh(token: string): Promise<void>;
  /**
   * Moves to another allow-list, and lets go of the present connection once that has worked. Rejects with
   * `ConnectError`; then all is as before.
   */
  switchTo(transports: readonly Rung[]): Promise<void>;
  /** Sends what was written, then closes for good. Resolves when the connection is gone. */
  close(): Promise<void>;
}
