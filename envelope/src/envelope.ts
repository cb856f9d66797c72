/** The version in every envelope. A receiver closes on any other. */
export const VERSION = 1;

export const DELIVERIES = ['reliable', 'unordered', 'latest', 'unreliable'] as const;
/** What the publisher asked for; `docs/delivery.md` has the promises. */
export type Delivery = (typeof DELIVERIES)[number];

export const CODECS = ['bytes', 'json', 'cbor'] as const;
/** How the payload is to be read. The wire carries it opaque. */
export type Codec = (typeof CODECS)[number];

export const ENCODINGS = ['binary', 'json'] as const;
/** `binary` is `spillway.v1`, `json` is `spillway.v1.json`. A session speaks the one its HELLO was in. */
export type Encoding = (typeof ENCODINGS)[number];

export const RUNGS = ['webtransport', 'websocket', 'sse', 'longpoll'] as const;
/** The ladder, best first. */
export type Rung = (typeof RUNGS)[number];

export const REASONS = [
  'no-api',
  'quirk',
  'udp-blocked',
  'handshake-failed',
  'certificate',
  'refused',
  'throttled',
  'disabled',
  'remembered',
  'stalled',
] as const;
/** Why a client is not on a rung. */
export type Reason = (typeof REASONS)[number];

export const OUTCOMES = ['delivered', 'superseded', 'expired', 'dropped', 'gap'] as const;
/** What became of a message whose publisher asked for a receipt. */
export type Outcome = (typeof OUTCOMES)[number];

export const STAGES = ['received', 'processed'] as const;
/** How far a publication has come whose publisher asked for a receipt; `delivered` is the last of these. */
export type Stage = (typeof STAGES)[number];

/** One rung that the client tried or passed over before this one. */
export interface RungReason {
  readonly transport: Rung;
  readonly reason: Reason;
}

/** How many reliable envelopes of a lane one end has received, cumulative since the session began. */
export interface LanePosition {
  readonly lane: number;
  readonly count: number;
}

/** Which numbers of a sequence one end has received: all to `upTo`, and those of `beyond`, in rising order. */
export interface NumberPosition {
  readonly upTo: number;
  readonly beyond: readonly number[];
}

/** What one end has received of all that the other must not lose. */
export interface Received {
  readonly lanes: readonly LanePosition[];
  readonly unordered: NumberPosition;
}

/** What an end has received of a session that is new to it. */
export const NOTHING_RECEIVED: Received = { lanes: [], unordered: { upTo: 0, beyond: [] } };

/** Which numbered packets have arrived. */
export interface PacketPosition {
  /** The highest number seen. */
  readonly highest: number;
  /** Bit `i`, lowest first, is set where packet `highest - 1 - i` has arrived. At most 32 bytes. */
  readonly bits: Uint8Array;
}

/** The limits that a client must know to stay inside them. Sizes in bytes, times in ms. */
export interface SessionLimits {
  readonly maxMessageBytes: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly subscriptionsPerSession: number;
  /** How many dictionary numbers one end may define in one session. */
  readonly maxNames: number;
  readonly pingInterval: number;
  readonly idleTimeout: number;
}

/** First envelope of a client. */
export interface Hello {
  readonly kind: 'hello';
  /** Highest protocol version that the client speaks. */
  readonly protocol: number;
  /** Name and version of the client software, for logs. */
  readonly client: string;
  readonly token?: string | undefined;
  readonly resume?: { readonly token: string; readonly received: Received } | undefined;
  readonly reasons: readonly RungReason[];
}

/** The gateway's answer to an accepted HELLO. */
export interface Welcome {
  readonly kind: 'welcome';
  readonly session: string;
  /** Single-use token to resume with; absent when this gateway does not keep sessions. */
  readonly resume?: string | undefined;
  readonly resumed: boolean;
  /** Gateway clock, ms since the Unix epoch. */
  readonly time: number;
  readonly limits: SessionLimits;
  /** What the gateway has received of this session; `NOTHING_RECEIVED` unless `resumed`. */
  readonly received: Received;
  /** Until the token ends that HELLO brought, ms; absent where it has no end. */
  readonly expires?: number | undefined;
}

/** `time` is the sender's clock in ms; it comes back in PONG untouched. */
export interface Ping {
  readonly kind: 'ping';
  readonly time: number;
}

export interface Pong {
  readonly kind: 'pong';
  readonly time: number;
  /** The answering end's clock, ms since the Unix epoch. */
  readonly now: number;
}

export interface Subscribe {
  readonly kind: 'subscribe';
  readonly id: string;
  readonly channel: string;
  /** Ask for what came after this position. */
  readonly since?: { readonly epoch: string; readonly seq: number } | undefined;
}

export interface Subscribed {
  readonly kind: 'subscribed';
  readonly id: string;
  readonly channel: string;
  /** Names the life of the channel's sequence; in a new epoch `seq` may begin anew. */
  readonly epoch: string;
  /** The last `seq` stamped before this subscription began. */
  readonly seq: number;
  /** True when everything after `since` that had to arrive follows. False without `since`. */
  readonly recovered: boolean;
  /** The channel keeps history, which `$history` asks for. */
  readonly history: boolean;
}

/** Answered by a RESPONSE with the same id. */
export interface Unsubscribe {
  readonly kind: 'unsubscribe';
  readonly id: string;
  readonly channel: string;
}

/** A channel and type that share one number. */
export interface Route {
  readonly channel: string;
  readonly type: string;
}

/** Numbers for names, from the end that will use them in compact headers. Each end has its own numbers. */
export interface Names {
  readonly kind: 'names';
  readonly routes: readonly (Route & { readonly number: number })[];
  readonly keys: readonly { readonly number: number; readonly key: string }[];
}

/** How many NAMES envelopes this end has taken in, cumulative. Only then may their numbers be used. */
export interface Named {
  readonly kind: 'named';
  readonly count: number;
}

/**
 * Which channel a lane number of the sender stands for, and that the next counted envelope in it is number
 * `count + 1`. Comes before the lane's first envelope on each transport. Lane 0 has no channel; any other lane
 * without a channel has ended.
 */
export interface Lane {
  readonly kind: 'lane';
  readonly lane: number;
  readonly channel: string;
  readonly count: number;
}

/** The number that the `unordered` event right behind it has among its sender's. */
export interface NumberEnvelope {
  readonly kind: 'number';
  readonly number: number;
}

/** What has arrived so far, cumulative: lanes since the last ACK that named them, all `unordered` events, packets. */
export interface Ack {
  readonly kind: 'ack';
  readonly lanes: readonly LanePosition[];
  readonly unordered?: NumberPosition | undefined;
  readonly packets?: PacketPosition | undefined;
}

/** The envelopes `from`..`to` (inclusive `seq`) of a channel are gone for this subscriber. */
export interface Gap {
  readonly kind: 'gap';
  readonly channel: string;
  readonly from: number;
  readonly to: number;
}

export interface Receipt {
  readonly kind: 'receipt';
  readonly receipts: readonly { readonly id: string; readonly outcome: Outcome | Stage }[];
}

/** Whoever sent the request with this id does not want its answer any more. */
export interface Cancel {
  readonly kind: 'cancel';
  readonly id: string;
}

/** How many parts of the answer to this id its application has taken, cumulative. */
export interface Taken {
  readonly kind: 'taken';
  readonly id: string;
  readonly count: number;
}

/** A newer token for the session, in place of that of HELLO. Answered by a RESPONSE or ERROR with the same id. */
export interface Auth {
  readonly kind: 'auth';
  readonly id: string;
  readonly token: string;
}

/** The token ends in this many ms, and with it the connection, unless AUTH brings a newer one. */
export interface Expiring {
  readonly kind: 'expiring';
  readonly within: number;
}

/** The gateway goes away: move within this many ms. */
export interface Drain {
  readonly kind: 'drain';
  readonly within: number;
}

/** The last envelope before a close, for transports whose own close carries no code. */
export interface Close {
  readonly kind: 'close';
  readonly code: number;
  readonly reason: string;
}

/** An application or protocol failure. With `id` it answers that request, subscription or publication. */
export interface ErrorEnvelope {
  readonly kind: 'error';
  /** Stable, kebab-case. */
  readonly code: string;
  readonly message: string;
  /** JSON text. */
  readonly details?: string | undefined;
  readonly id?: string | undefined;
}

interface Body {
  readonly codec: Codec;
  /**
   * Opaque. Where received, a view into the bytes that came, valid as long as they are; only base64 is copied.
   * No bytes in codec `json` are no value: `undefined`.
   */
  readonly payload: Uint8Array;
}

/** An application message on a channel, or private to the session where `channel` is empty. */
export interface Event extends Body {
  readonly kind: 'event';
  readonly channel: string;
  readonly type: string;
  readonly delivery: Delivery;
  /** The position in the channel, stamped by the gateway together with `ts`; both or neither. */
  readonly seq?: number | undefined;
  /** Gateway clock, ms since the Unix epoch. */
  readonly ts?: number | undefined;
  /** The entity that a `latest` message is about. */
  readonly key?: string | undefined;
  /** Present when the publisher wants an answer: a receipt, or an error by this id. */
  readonly id?: string | undefined;
}

export interface Request extends Body {
  readonly kind: 'request';
  readonly id: string;
  /** Empty: about no channel. */
  readonly channel: string;
  readonly type: string;
}

export interface Response extends Body {
  readonly kind: 'response';
  readonly id: string;
  /** A part; at least the last response with this id follows. */
  readonly more: boolean;
}

/** Everything that travels. */
export type Envelope =
  | Hello
  | Welcome
  | Ping
  | Pong
  | Subscribe
  | Subscribed
  | Unsubscribe
  | Names
  | Named
  | Lane
  | Ack
  | Gap
  | Receipt
  | Drain
  | Close
  | NumberEnvelope
  | Cancel
  | Taken
  | Auth
  | Expiring
  | ErrorEnvelope
  | Event
  | Request
  | Response;

export type Kind = Envelope['kind'];

/** Numbers to encode a compact event header with. */
export interface Compact {
  readonly route: number;
  /** Required when the event has a key. */
  readonly key?: number | undefined;
}

/** What a decoder needs to read compact headers: the peer's names so far, and roughly the time. */
export interface Dictionary {
  route(number: number): Route | undefined;
  key(number: number): string | undefined;
  /** Gateway clock in ms, right within an hour; compact headers carry only the low 24 bits. */
  readonly clock: number;
}
