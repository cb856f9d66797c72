/**
 * A request to a client failed. The code is the client's own, or one of the gateway's: `timeout`, `aborted`, `closed`
 * where the session ended, `too-many-requests`, `bad-payload`, `invalid-payload`, `rate-limited`, `overrun`. It does not
 * cross the wire by itself: what one client says is not for another.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** Stable, kebab-case. */
  readonly code: string;
  /** What the client added. */
  readonly details: unknown;

  constructor(code: string, message?: string, options: ErrorOptions & { details?: unknown } = {}) {
    super(message || code, options);
    this.code = code;
    this.details = options.details;
  }
}
