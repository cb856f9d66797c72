import type { Codec, Envelope, Request } from '@spillway/envelope';
import { SpillwayError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';

/** What one session answers its client: responses to requests, and errors. Nothing here throws or rejects. */
export class Replies {
  readonly #session: SessionHandle;
  readonly #context: SessionContext;
  readonly #send: (envelope: Envelope) => void;
  #requests = 0;

  /** `send`: on the control lane; nothing once the session is closed. */
  constructor(session: SessionHandle, context: SessionContext, send: (envelope: Envelope) => void) {
    this.#session = session;
    this.#context = context;
    this.#send = send;
  }

  /** Runs the handler of a request and sends what it returns or throws. */
  async answer({ id, type, channel, codec, payload }: Request): Promise<void> {
    const { handlers, limits, payloads } = this.#context;
    if (this.#requests >= limits.requestsPerSession) {
      this.error(
        new SpillwayError('too-many-requests', `at most ${limits.requestsPerSession} at a time`),
        id,
      );
      return;
    }
    this.#requests++;
    try {
      const context = { session: this.#session, channel };
      this.#respond(id, await handlers.answer(type, payloads.read(payload, codec), context), codec);
    } catch (error) {
      this.failure(error, id);
    } finally {
      this.#requests--;
    }
  }

  /** Tells the client what went wrong where that is meant for it; anything else goes into the log. */
  failure(error: unknown, id: string | undefined, details?: object): void {
    if (error instanceof SpillwayError) {
      this.error(error, id, details);
    } else {
      this.#context.logger.error({ err: error, session: this.#session.id }, 'a handler failed');
      this.error(new SpillwayError('internal', HIDDEN), id, details);
    }
  }

  /** Sends an ERROR. `standard`: details where the error has none. */
  error(error: SpillwayError, id?: string, standard?: object): void {
    sendError(this.#send, error, this.#context.logger, { session: this.#session.id, id, details: standard });
  }

  #respond(id: string, result: unknown, codec: Codec): void {
    try {
      const body = this.#context.payloads.write(result, codec === 'cbor' ? 'cbor' : undefined);
      this.#send({ kind: 'response', id, more: false, ...body });
    } catch (cause) {
      // The handler's fault, not the client's, though it is a SpillwayError that says why.
      throw new Error('what the handler returned cannot be sent', { cause });
    }
  }
}

/** What a client learns of an error that is the server's own. */
const HIDDEN = 'the server failed to handle this';

/** What an ERROR says beside the error itself. */
export interface ErrorContext {
  /** For the log. */
  readonly session?: string | undefined;
  /** Of what it answers. */
  readonly id?: string | undefined;
  /** Where the error has none of its own. */
  readonly details?: object | undefined;
}

/** Sends an ERROR; one that says less where this one cannot be sent. */
export function sendError(
  send: (envelope: Envelope) => void,
  error: SpillwayError,
  logger: Logger,
  { session, id, details: standard }: ErrorContext = {},
): void {
  const { code, message, details = standard } = error;
  try {
    const json = details === undefined ? undefined : JSON.stringify(details);
    send({ kind: 'error', code, message, id, details: json });
  } catch (cause) {
    // Details that are no JSON, or more text than an ERROR holds.
    logger.error({ err: cause, session, code }, 'an error cannot be sent');
    send({ kind: 'error', code: 'internal', message: HIDDEN, id });
  }
}
