import type { GatewayOptions } from '@spillway/gateway';

/** All clients of a bench come from one address and at once. Nothing else about the gateway is changed. */
export const ROOMY = {
  sessionsPerAddress: 20_000,
  handshakesPerSecond: 20_000,
  maxSessions: 20_000,
} as const satisfies NonNullable<GatewayOptions['limits']>;
