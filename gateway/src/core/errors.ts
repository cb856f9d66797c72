/**
 * An error that crosses the wire: its `code`, message and details reach the client. Throw it from handlers
 * and hooks. Any other error is logged and reaches the client as `internal`, without its text.
 */
export class SpillwayError extends Error {
  override readonly name = 'SpillwayError';
  /** Stable, kebab-case. */
  readonly code: string;
  /** Anything JSON can hold. */
  readonly details: unknown;

  constructor(code: string, message: string, options: ErrorOptions & { details?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details;
  }
}
