import type { GatewayOptions } from '@spillway/gateway';

/**
 * All clients of a bench come from one address and at once, and some of them say more than a client should. Rates are
 * counted all the same. Nothing else about the gateway is changed.
 */
export const ROOMY = {
  sessionsPerAddress: 20_000,
  handshakesPerSecond: 20_000,
  maxSessions: 20_000,
  messagesPerSecond: 1_000_000,
  messagesBurst: 1_000_000,
  bytesPerSecond: 1_000_000_000,
} as const satisfies NonNullable<GatewayOptions['limits']>;
