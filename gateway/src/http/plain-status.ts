const STATUSES: Readonly<Record<string, number>> = {
  unauthorized: 401,
  'token-expired': 401,
  'bad-ticket': 401,
  forbidden: 403,
  'origin-refused': 403,
  'unknown-channel': 404,
  'message-too-large': 413,
  'room-full': 409,
  'channel-full': 409,
  'rate-limited': 429,
  'too-many-sessions': 429,
  'too-many-subscriptions': 429,
  internal: 500,
  'going-away': 503,
  'server-full': 503,
  overloaded: 503,
  busy: 503,
  'broker-unavailable': 503,
  'transport-lost': 503,
};

/** The HTTP status for a code of the gateway or its application; whatever is not known is the client's doing. */
export function statusOf(code: string): number {
  return STATUSES[code] ?? 400;
}
