/**
 * Why a session or its transport closed: one number on every transport (the WebSocket close code, the
 * WebTransport application close code). 4000-4499: do not reconnect. 4500-4999: reconnect.
 */
export const CLOSE = {
  normal: 4000,
  'protocol-error': 4001,
  'unsupported-version': 4002,
  unauthorized: 4003,
  forbidden: 4004,
  'origin-refused': 4005,
  'not-found': 4006,
  'message-too-large': 4007,
  'hello-timeout': 4008,
  'going-away': 4500,
  internal: 4501,
  'slow-consumer': 4502,
  'idle-timeout': 4503,
  'rate-limited': 4504,
  'too-many-sessions': 4505,
  'server-full': 4506,
  'transport-lost': 4507,
  replaced: 4508,
  'token-expired': 4509,
} as const;

export type CloseName = keyof typeof CLOSE;

const NAMES = new Map<number, CloseName>(
  (Object.entries(CLOSE) as [CloseName, number][]).map(([name, code]) => [code, name]),
);

/** The stable name of a close code; a code outside the table is `transport-lost` (the network's own close). */
export function closeName(code: number): CloseName {
  return NAMES.get(code) ?? 'transport-lost';
}

/** May a client reconnect after this code? True outside 4000-4499. */
export function mayReconnect(code: number): boolean {
  return code < 4000 || code > 4499;
}
