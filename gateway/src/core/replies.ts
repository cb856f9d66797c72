import { Answers, type AnswersHost, type Inquiry } from '@spillway/delivery';
import type { Codec, Envelope, ErrorEnvelope, Request, Response } from '@spillway/envelope';
import { SpillwayError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';
import { TokenBucket } from './token-bucket.ts';

/** Refusals that a client has itself to thank for. What an application refuses by codes of its own is its business. */
const OWN_FAULT: ReadonlySet<string> = new Set([
  'bad-channel',
  'bad-payload',
  'bad-type',
  'forbidden',
  'invalid-payload',
  'unauthorized',
  'unknown-channel',
  'unknown-event',
  'unknown-request',
]);

/** So many times the rate at once: who comes back to a server that forbids it everything has many channels. */
const ERRORS_BURST = 10;

/** The way back to the client. */
export interface ReplyPath {
  /** On the control lane; nothing once the session is closed. */
  reply(envelope: Envelope): void;
  /** Has the session room for what can wait? */
  readonly hasRoom: boolean;
  /** The client keeps asking for what it is refused. */
  tooManyErrors(): void;
}

/** What one session answers its client: responses to requests, and errors. Nothing here throws or rejects. */
export class Replies implements AnswersHost {
  readonly requests: Answers;
  readonly #session: SessionHandle;
  readonly #context: SessionContext;
  readonly #path: ReplyPath;
  readonly #errors: TokenBucket;

  constructor(session: SessionHandle, context: SessionContext, path: ReplyPath) {
    const { clock, limits } = context;
    this.#session = session;
    this.#context = context;
    this.#path = path;
    const { errorsPerSecond, requestsPerSession: atOnce, rememberedRequests: remembered } = limits;
    this.#errors = new TokenBucket(errorsPerSecond, errorsPerSecond * ERRORS_BURST, clock.exact());
    this.requests = new Answers(this, { atOnce, remembered });
  }

  /** Tells the client what went wrong where that is meant for it; anything else goes into the log. Returns what it told. */
  failure(error: unknown, id: string | undefined, details?: object): ErrorEnvelope {
    if (!(error instanceof SpillwayError)) {
      this.#context.logger.error({ err: error, session: this.#session.id }, 'a handler failed');
      return this.error(new SpillwayError('internal', HIDDEN), id, details);
    }
    const told = this.error(error, id, details);
    if (OWN_FAULT.has(error.code) && !this.#errors.take(1, this.#context.clock.exact())) {
      this.#path.tooManyErrors();
    }
    return told;
  }

  /** Sends an ERROR. `standard`: details where the error has none. Returns what was sent. */
  error(error: SpillwayError, id?: string, standard?: object): ErrorEnvelope {
    const send = (envelope: Envelope) => this.#path.reply(envelope);
    return sendError(send, error, this.#context.logger, { session: this.#session.id, id, details: standard });
  }

  // AnswersHost: what `requests` calls.

  get hasRoom(): boolean {
    return this.#path.hasRoom;
  }

  run({ type, channel, codec, payload }: Request, inquiry: Inquiry): Promise<unknown> {
    const { handlers, payloads } = this.#context;
    return handlers.answer(type, payloads.read(payload, codec), {
      session: this.#session,
      channel,
      id: inquiry.id,
      get signal() {
        return inquiry.signal;
      },
      progress: inquiry.progress,
    });
  }

  respond(id: string, value: unknown, more: boolean, codec: Codec): Response {
    try {
      const body = this.#context.payloads.write(value, codec === 'cbor' ? 'cbor' : undefined);
      const response: Response = { kind: 'response', id, more, ...body };
      this.#path.reply(response);
      return response;
    } catch (cause) {
      // The handler's fault, not the client's, though it is a SpillwayError that says why.
      throw new Error('what the handler returned cannot be sent', { cause });
    }
  }

  fail(id: string, error: unknown): ErrorEnvelope {
    return this.failure(error, id);
  }

  send(envelope: Envelope): void {
    this.#path.reply(envelope);
  }

  unheard(error: unknown): void {
    if (error instanceof SpillwayError) return;
    this.#context.logger.error({ err: error, session: this.#session.id }, 'a handler failed');
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

/** Sends an ERROR; one that says less where this one cannot be sent. Returns what was sent. */
export function sendError(
  send: (envelope: Envelope) => void,
  error: SpillwayError,
  logger: Logger,
  { session, id, details: standard }: ErrorContext = {},
): ErrorEnvelope {
  const { code, message, details = standard } = error;
  try {
    const json = details === undefined ? undefined : JSON.stringify(details);
    const told: ErrorEnvelope = { kind: 'error', code, message, id, details: json };
    send(told);
    return told;
  } catch (cause) {
    // Details that are no JSON, or more text than an ERROR holds.
    logger.error({ err: cause, session, code }, 'an error cannot be sent');
    const told: ErrorEnvelope = { kind: 'error', code: 'internal', message: HIDDEN, id };
    send(told);
    return told;
  }
}
