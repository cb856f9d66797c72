import { Answers, type AnswersHost, type Inquiry } from '@spillway/delivery';
import type { Codec, ErrorEnvelope, Request, Response } from '@spillway/envelope';
import type { Undo } from './clock.ts';
import { RequestError } from './errors.ts';
import type { Inbound } from './options.ts';
import type { Fate } from './outbox.ts';
import { readPayload, writePayload } from './payload.ts';

/** Handlers that run at a time: as many as a gateway asks for, unless it is told otherwise. */
const AT_ONCE = 64;

/** Requests of a session that are not done twice. */
const REMEMBERED = 256;

/** What it returns, or an async generator yields and returns, is the answer; what it throws the error. */
export type RequestHandler = (payload: never, context: Inquiry) => unknown;

/** Whom handlers answer for. */
export interface HandlersHost {
  /** Is there room for what can wait? */
  readonly hasRoom: boolean;
  /** Sends an answer. */
  answer(envelope: Response | ErrorEnvelope): Fate;
  /** The payload as the handler gets it. Throws `RequestError` where it is not what the application takes. */
  check(what: Inbound, payload: unknown): unknown;
  /** A handler threw what is no `RequestError`. */
  blame(error: unknown): void;
}

/** What the application answers when the gateway asks. */
export class Handlers {
  readonly #host: HandlersHost;
  readonly #handlers = new Map<string, RequestHandler>();

  constructor(host: HandlersHost) {
    this.#host = host;
  }

  /** Throws `TypeError` for a type that has a handler. */
  add(type: string, handler: RequestHandler): Undo {
    if (this.#handlers.has(type)) throw new TypeError(`'${type}' has a handler`);
    this.#handlers.set(type, handler);
    return () => {
      if (this.#handlers.get(type) === handler) this.#handlers.delete(type);
    };
  }

  /** For the requests of one session of the gateway. */
  open(): Answers {
    const host = this.#host;
    const answers: AnswersHost = {
      get hasRoom() {
        return host.hasRoom;
      },
      run: (request, inquiry) => this.#run(request, inquiry),
      respond: (id, value, more, codec) => this.#respond(id, value, more, codec),
      fail: (id, error) => this.#fail(id, error),
      unheard: (error) => host.blame(error),
      send: (envelope) => void host.answer(envelope),
    };
    return new Answers(answers, { atOnce: AT_ONCE, remembered: REMEMBERED });
  }

  #run(request: Request, inquiry: Inquiry): unknown {
    const handler = this.#handlers.get(request.type);
    if (!handler) throw new RequestError('unknown-request', `no handler for '${request.type}'`);
    const { type, channel } = request;
    return handler(this.#host.check({ kind: 'call', type, channel }, payloadOf(request)) as never, inquiry);
  }

  #respond(id: string, value: unknown, more: boolean, codec: Codec): Response {
    const isBytes = value instanceof Uint8Array;
    const response: Response = {
      kind: 'response',
      id,
      more,
      ...writePayload(value, isBytes && codec === 'cbor' ? codec : undefined),
    };
    const fate = this.#host.answer(response);
    if (fate !== 'sent') throw new RequestError(fate);
    return response;
  }

  #fail(id: string, error: unknown): ErrorEnvelope {
    if (error instanceof RequestError) {
      const { code, message, details } = error;
      try {
        const told: ErrorEnvelope = { kind: 'error', id, code, message, details: JSON.stringify(details) };
        this.#host.answer(told);
        return told;
      } catch {
        // More than an ERROR holds: as good as one that says nothing.
      }
    }
    this.#host.blame(error);
    const told: ErrorEnvelope = { kind: 'error', id, code: 'internal', message: 'the client failed' };
    this.#host.answer(told);
    return told;
  }
}

function payloadOf(request: Request): unknown {
  try {
    return readPayload(request);
  } catch (cause) {
    throw new RequestError('bad-payload', undefined, { cause });
  }
}
