import type { SessionLimits } from '@spillway/envelope';

/** Every bound of the gateway. Sizes in bytes, times in ms, rates per second. */
export interface Limits {
  /** Largest envelope. @default 65536 */
  readonly maxMessageBytes: number;
  /** Largest HELLO: what a stranger may make the gateway hold. @default 16384 */
  readonly maxHelloBytes: number;
  /** Inbound messages of one session, sustained. @default 500 */
  readonly messagesPerSecond: number;
  /** Inbound messages of one session, at once. @default 1000 */
  readonly messagesBurst: number;
  /** Inbound bytes of one session, sustained; twice as many at once. @default 1048576 */
  readonly bytesPerSecond: number;
  /** Channels that one session is subscribed to. @default 128 */
  readonly subscriptionsPerSession: number;
  /** Requests of one session in progress, of either end. @default 64 */
  readonly requestsPerSession: number;
  /** Requests of one session that are remembered, so that one that is sent again is not done again. @default 1024 */
  readonly rememberedRequests: number;
  /** Refusals that a client may earn itself, sustained; ten times as many at once, then the session closes. @default 20 */
  readonly errorsPerSecond: number;
  /** Subscriptions and publications of one session that hooks have not finished. @default 256 */
  readonly pendingPerSession: number;
  /** Dictionary numbers that each end may define in one session. @default 4096 */
  readonly maxNames: number;
  /** Bytes of droppable messages that wait in one session, above which `unreliable` ones are dropped. @default 262144 */
  readonly sendBudgetSoft: number;
  /** Unsent or unacknowledged bytes of one session above which it closes as `slow-consumer`. @default 1048576 */
  readonly sendBudgetHard: number;
  /** Bytes of history that are kept of all channels. @default 67108864 */
  readonly historyBytes: number;
  /** Bytes kept for a client that is away; what is more is named to it as a gap. @default 1048576 */
  readonly retainBudget: number;
  /**
   * Connections from one IPv4 address or IPv6 /64; and apart from them, sessions from there that are kept for clients
   * that are away. @default 256
   */
  readonly sessionsPerAddress: number;
  /** New connections from one IPv4 address or IPv6 /64, sustained; five times as many at once. @default 100 */
  readonly handshakesPerSecond: number;
  /** Connections to this gateway; and apart from them, sessions kept for clients that are away. @default 10000 */
  readonly maxSessions: number;
  /** From connection to HELLO. @default 5000 */
  readonly helloTimeout: number;
  /** A connection on which nothing comes for so long is closed; its session is kept. @default 30000 */
  readonly idleTimeout: number;
  /** The same where something waits to be acknowledged all that time. @default 10000 */
  readonly stallTimeout: number;
  /** How long a session is kept for a client whose connection was lost. @default 120000 */
  readonly resumeWindow: number;
  /** How long before its token ends a client is told; at most half of what the token has left when it comes. @default 30000 */
  readonly tokenLead: number;
  /** How often either end pings. @default 10000 */
  readonly pingInterval: number;
  /** An event stream with nothing to say sends a comment so often: proxies cut what is silent. @default 15000 */
  readonly streamHeartbeat: number;
  /** How long a poll waits for something to answer; below what proxies wait. @default 25000 */
  readonly pollTimeout: number;
  /** Longest body of a POST to `/send`, of which a connection may have four; the largest message always fits. @default 262144 */
  readonly maxPostBytes: number;
  /** How long a ticket for `/events` is good. @default 10000 */
  readonly ticketLifetime: number;
  /** How long `drain` waits for clients to leave. @default 30000 */
  readonly drainTimeout: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 64 * 1024,
  maxHelloBytes: 16 * 1024,
  messagesPerSecond: 500,
  messagesBurst: 1000,
  bytesPerSecond: 1024 * 1024,
  subscriptionsPerSession: 128,
  requestsPerSession: 64,
  rememberedRequests: 1024,
  errorsPerSecond: 20,
  pendingPerSession: 256,
  maxNames: 4096,
  sendBudgetSoft: 256 * 1024,
  sendBudgetHard: 1024 * 1024,
  historyBytes: 64 * 1024 * 1024,
  retainBudget: 1024 * 1024,
  sessionsPerAddress: 256,
  handshakesPerSecond: 100,
  maxSessions: 10_000,
  helloTimeout: 5_000,
  idleTimeout: 30_000,
  stallTimeout: 10_000,
  resumeWindow: 120_000,
  tokenLead: 30_000,
  pingInterval: 10_000,
  streamHeartbeat: 15_000,
  pollTimeout: 25_000,
  maxPostBytes: 256 * 1024,
  ticketLifetime: 10_000,
  drainTimeout: 30_000,
};

/** The largest limit: 2 GiB, or as long as a timer can wait, 24 days. */
export const MAX_LIMIT = 2 ** 31 - 1;

/**
 * Fills in the defaults.
 * @throws RangeError for a limit that is no whole number from 1 to MAX_LIMIT, or a pair that cannot work together.
 */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new RangeError(`limits.${name} is not a limit of Spillway`);
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 1 || value > MAX_LIMIT)
      throw new RangeError(`limits.${name} must be a whole number 1-${MAX_LIMIT}, not ${String(value)}`);
    limits[name as keyof Limits] = value;
  }
  requireOrder(limits, 'sendBudgetSoft', 'sendBudgetHard');
  requireOrder(limits, 'pingInterval', 'idleTimeout');
  requireOrder(limits, 'maxHelloBytes', 'maxMessageBytes');
  // A client that reconnects subscribes to everything at once.
  requireOrder(limits, 'subscriptionsPerSession', 'pendingPerSession');
  return limits;
}

/** The limits that clients are told, in WELCOME and in the negotiation document. */
export function sessionLimits(limits: Limits): SessionLimits {
  const { maxMessageBytes, messagesPerSecond, bytesPerSecond, subscriptionsPerSession } = limits;
  const { maxNames, pingInterval, idleTimeout } = limits;
  return {
    maxMessageBytes,
    messagesPerSecond,
    bytesPerSecond,
    subscriptionsPerSession,
    maxNames,
    pingInterval,
    idleTimeout,
  };
}

function requireOrder(limits: Limits, low: keyof Limits, high: keyof Limits): void {
  if (limits[low] > limits[high]) {
    throw new RangeError(`limits.${low} (${limits[low]}) must not exceed limits.${high} (${limits[high]})`);
  }
}
