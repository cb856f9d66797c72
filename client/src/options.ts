import { type Encoding, RUNGS, type Rung } from '@spillway/envelope';
import { hashBytes } from './hash.ts';
import type { TokenFunction } from './token.ts';
import type { VerdictStorage } from './verdict.ts';

/** Timings of the race between transports, ms. */
export interface RaceOptions {
  /** Head start of WebTransport before WebSocket is tried as well. @default 500 */
  readonly websocketDelay?: number | undefined;
  /** When the event stream is tried as well, counted from the beginning. @default 3000 */
  readonly sseDelay?: number | undefined;
  /** And the long poll. @default 6000 */
  readonly longpollDelay?: number | undefined;
  /** How long WebTransport may take before it counts as blocked. @default 4000 */
  readonly webtransportTimeout?: number | undefined;
  /** How long a failure of WebTransport is remembered for an origin; 0: not at all. @default 600000 */
  readonly rememberFor?: number | undefined;
  /** A session tries WebTransport again this long after it failed; 0: only where the network may be another. @default 300000 */
  readonly probeInterval?: number | undefined;
}

/** Delays between attempts to reconnect: any up to a ceiling that doubles. ms. */
export interface ReconnectOptions {
  /** The first ceiling. @default 250 */
  readonly minDelay?: number | undefined;
  /** The last ceiling. @default 15000 */
  readonly maxDelay?: number | undefined;
  /** Failed attempts in a row before the session closes. @default Infinity */
  readonly maxAttempts?: number | undefined;
}

/** What comes in: an `event` of a channel, a `message` to this session, what the gateway answers or asks. */
export interface Inbound {
  readonly kind: 'event' | 'message' | 'response' | 'part' | 'call';
  readonly type: string;
  /** Empty: about no channel. */
  readonly channel: string;
}

export interface ConnectOptions {
  /**
   * Goes to the gateway's `authenticate`, never in a URL. A function is asked for each attempt to connect, and for the
   * next token when the present one is about to end, which it then brings to the gateway.
   */
  readonly token?: string | TokenFunction | undefined;
  /** The transports that may be used. @default all four */
  readonly transports?: readonly Rung[] | undefined;
  /**
   * SHA-256 of the certificates to accept on WebTransport, as bytes or base64. An empty list: only those that
   * the platform trusts. @default what the gateway publishes
   */
  readonly certificateHashes?: readonly Uint8Array[] | readonly string[] | undefined;
  /** `json` can be read in the browser's network panel, and costs more. @default 'binary' */
  readonly encoding?: Encoding | undefined;
  readonly race?: RaceOptions | undefined;
  /** False: the session closes when its connection is lost. */
  readonly reconnect?: false | ReconnectOptions | undefined;
  /** For one attempt over all transports, ms. @default 15000 */
  readonly connectTimeout?: number | undefined;
  /** Bytes of messages and requests kept while there is no connection; 0: none. @default 262144 */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * How long nothing may come of what the gateway owes before a connection is given up, ms; at most the gateway's own
   * `idleTimeout`. @default 3000
   */
  readonly stallTimeout?: number | undefined;
  /** How long what may be dropped waits for company, ms, up to 1000; 0: for the rest of the turn. @default 0 */
  readonly maxDelay?: number | undefined;
  /** Leave WebTransport alone in browsers where it is known not to hold. @default true */
  readonly quirks?: boolean | undefined;
  /**
   * Sees each payload that comes in, and returns it as the application gets it; what it throws refuses it, and becomes a
   * `RequestError` `invalid-payload`. `checks(app)` of `@spillway/gateway/app` makes one. @default all is taken as it is
   */
  readonly check?: ((what: Inbound, payload: unknown) => unknown) | undefined;
  /** Ends the attempt to connect, and later the session. */
  readonly signal?: AbortSignal | undefined;
  /** Where failures of WebTransport are remembered. @default localStorage, or memory where there is none */
  readonly storage?: VerdictStorage | undefined;
}

/** A longer wait for company is a mistake, ms. */
const MAX_SEND_DELAY = 1_000;

const DEFAULTS = {
  transports: RUNGS as readonly Rung[],
  encoding: 'binary' as Encoding,
  connectTimeout: 15_000,
  maxQueuedBytes: 256 * 1024,
  stallTimeout: 3_000,
  /** `maxDelay` of the options. */
  sendDelay: 0,
  quirks: true,
  // race
  websocketDelay: 500,
  sseDelay: 3_000,
  longpollDelay: 6_000,
  webtransportTimeout: 4_000,
  rememberFor: 600_000,
  probeInterval: 300_000,
  // reconnect
  minDelay: 250,
  maxDelay: 15_000,
  maxAttempts: Number.POSITIVE_INFINITY,
};

/** Options with their defaults filled in; those of `race` and `reconnect` stand with the others. */
export type Settings = Readonly<typeof DEFAULTS> &
  Pick<ConnectOptions, 'signal' | 'storage' | 'check'> & {
    readonly certificateHashes?: readonly Uint8Array<ArrayBuffer>[] | undefined;
  };

/** Fills in the defaults. Throws `TypeError` for a certificate hash that is none. */
export function settle({
  race,
  reconnect,
  certificateHashes,
  maxDelay,
  token: _token,
  ...rest
}: ConnectOptions): Settings {
  // Of the two delays that users call `maxDelay` this is not the one of `reconnect`.
  const sendDelay = maxDelay && Math.min(maxDelay, MAX_SEND_DELAY);
  const given = { ...rest, sendDelay, ...race, ...(reconnect === false ? { maxAttempts: 0 } : reconnect) };
  const settings = { ...DEFAULTS, certificateHashes: certificateHashes?.map(hashBytes) };
  for (const [name, value] of Object.entries(given)) {
    // What is undefined is as good as absent.
    if (value !== undefined) Object.assign(settings, { [name]: value });
  }
  return settings;
}
