import type { CloseName, RungReason } from '@spillway/envelope';

/**
 * Why `connect` or `switchTo` failed. Stable. A `CloseName` (`unauthorized`, `origin-refused`, `server-full`, …)
 * is the gateway's own answer; `timeout` and `aborted` are `connectTimeout` and the caller's signal.
 */
export type ConnectErrorCode =
  | CloseName
  | 'no-transport' // no allowed transport exists here and is offered by the gateway
  | 'unreachable' // none of them got an answer
  | 'token-failed' // the `token` function threw, or what it gave is no token
  | 'timeout'
  | 'aborted'
  | 'closed'; // the session was closed meanwhile

/** There is no session. `reasons` says what became of each transport. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly code: ConnectErrorCode;
  readonly reasons: readonly RungReason[];
  /** Trying again without changing anything will not help. */
  readonly final: boolean;

  constructor(
    code: ConnectErrorCode,
    reasons: readonly RungReason[],
    options?: ErrorOptions & { message?: string | undefined; final?: boolean },
  ) {
    super(options?.message || code, options);
    this.code = code;
    this.reasons = reasons;
    this.final = options?.final ?? false;
  }
}

/** The codes that this package itself gives to a `RequestError`; any other is the gateway's or its application's. */
export type LocalErrorCode =
  | 'connection-lost' // it was sent, and the connection ended before the answer: it may have been done or not
  | 'session-lost' // the gateway has a new session for us; `details.unconfirmed` reliable messages may have come or not
  | 'timeout'
  | 'aborted'
  | 'closed' // the session is closed
  | 'token-failed' // the `token` function threw when the next one was due
  | 'queue-full' // too many bytes wait to be sent
  | 'duplicate-id' // a request of this id waits for its answer already
  | 'message-too-large' // more than the gateway takes; nothing was sent
  | 'bad-payload' // what came cannot be read as its codec says
  | 'overrun' // a `for await` loop fell too far behind reliable messages
  | 'listener-failed' // a listener threw; `cause` has what
  | 'protocol-error'; // the gateway sent what is no envelope; the session closes

/** A request, subscription or publication failed, or something went wrong on the way in. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** Stable. */
  readonly code: LocalErrorCode | (string & {});
  /** What the gateway added; `{ channel, type }` where a publication failed. */
  readonly details: unknown;

  constructor(code: RequestError['code'], message?: string, options?: ErrorOptions & { details?: unknown }) {
    super(message || code, options);
    this.code = code;
    this.details = options?.details;
  }
}
