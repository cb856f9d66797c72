import { PartCount, Parts } from '@spillway/delivery';
import type { Codec, Envelope, ErrorEnvelope, Response } from '@spillway/envelope';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SpillwayError } from './errors.ts';
import { MAX_LIMIT } from './limits.ts';
import { RequestError } from './request-error.ts';
import type { SessionContext } from './session-context.ts';
import { validate } from './validate.ts';

/** The default for an answer, ms. */
const TIMEOUT = 10_000;

export interface StreamOptions {
  /** Ms for the answer, or for each part of it while somebody waits for one; Infinity: as long as it takes. @default 10000 */
  readonly timeout?: number | undefined;
  /** Ends it, and the client's handler hears so. */
  readonly signal?: AbortSignal | undefined;
  /** @default 'bytes' for a Uint8Array, 'json' for anything else */
  readonly codec?: Codec | undefined;
}

export interface CallOptions<Schema extends StandardSchemaV1 = StandardSchemaV1> extends StreamOptions {
  /** Any Standard Schema validator, for the answer: its output is what the promise resolves with. */
  readonly schema?: Schema | undefined;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** False: more than may come ahead. */
  readonly part: (value: unknown) => boolean;
  /** Takes timer and listener away. */
  release(): void;
}

/** What the gateway asks one client, and waits to hear. */
export class Calls {
  readonly #context: SessionContext;
  readonly #send: (envelope: Envelope) => void;
  readonly #pending = new Map<string, Pending>();
  #last = 0;
  #closed = false;

  /** `send`: on the control lane. */
  constructor(context: SessionContext, send: (envelope: Envelope) => void) {
    this.#context = context;
    this.#send = send;
  }

  /** Rejects with RequestError. @throws SpillwayError, ProtocolError for what cannot be sent */
  request(type: string, payload: unknown, options: CallOptions = {}): Promise<unknown> {
    const { timeout = TIMEOUT, schema } = options;
    const id = this.#newId();
    const count = new PartCount((taken) => this.#send({ kind: 'taken', id, count: taken }));
    const answer = this.#ask(id, type, payload, options, () => {
      count.take();
      return true;
    });
    const cancelTimer = this.#expire(id, timeout);
    return answer
      .finally(cancelTimer)
      .then((value) => (schema === undefined ? value : accept(schema, value)));
  }

  /** The same, part by part. */
  stream(type: string, payload: unknown, options: StreamOptions = {}): Parts {
    const { timeout = TIMEOUT } = options;
    const id = this.#newId();
    const parts = new Parts({
      taken: (count) => this.#has(id) && this.#send({ kind: 'taken', id, count }),
      left: () => this.#abandon(id, new RequestError('aborted')),
      waits: () => this.#expire(id, timeout),
    });
    this.#ask(id, type, payload, options, (part) => parts.push(part)).then(
      (value) => parts.end(value),
      (error: unknown) => parts.fail(error),
    );
    return parts;
  }

  /** A RESPONSE of the client. What nobody waits for any more is nobody's. */
  answer({ id, more, codec, payload }: Response): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    try {
      const { payloads } = this.#context;
      // A view into what came in, and whoever waits looks at it later.
      const value = payloads.read(codec === 'json' ? payload : new Uint8Array(payload), codec);
      if (!more) this.#take(id)?.resolve(value);
      else if (!pending.part(value)) this.#abandon(id, new RequestError('overrun'));
    } catch (cause) {
      this.#abandon(id, new RequestError('bad-payload', 'the answer cannot be read', { cause }));
    }
  }

  /** An ERROR of the client. */
  failed({ id = '', code, message, details }: ErrorEnvelope): void {
    // Envelope has made sure that it is JSON.
    const parsed: unknown = details === undefined ? undefined : JSON.parse(details);
    this.#take(id)?.reject(new RequestError(code, message, { details: parsed }));
  }

  /** An answer, or part of one, is lost: it was over the client's rate. */
  lost(id: string | undefined): void {
    this.#abandon(id ?? '', new RequestError('rate-limited', 'the answer was over the rate, and is lost'));
  }

  /** The session is over. */
  close(): void {
    this.#closed = true;
    for (const id of this.#pending.keys()) this.#take(id)?.reject(new RequestError('closed'));
  }

  #ask(
    id: string,
    type: string,
    payload: unknown,
    { signal, codec }: StreamOptions,
    part: Pending['part'],
  ): Promise<unknown> {
    const { limits, payloads } = this.#context;
    const body = payloads.write(payload, codec);
    if (this.#closed) return Promise.reject(new RequestError('closed'));
    if (signal?.aborted) return Promise.reject(aborted(signal));
    if (this.#pending.size >= limits.requestsPerSession) {
      return Promise.reject(
        new RequestError('too-many-requests', `at most ${limits.requestsPerSession} at a time`),
      );
    }
    this.#send({ kind: 'request', id, channel: '', type, ...body });
    // What does not fit closes the session.
    if (this.#closed) return Promise.reject(new RequestError('closed'));
    return new Promise((resolve, reject) => {
      const abort = (): void => this.#abandon(id, aborted(signal));
      signal?.addEventListener('abort', abort);
      const release = (): void => signal?.removeEventListener('abort', abort);
      this.#pending.set(id, { resolve, reject, part, release });
    });
  }

  /** Nobody waits any more, and the client hears so. */
  #abandon(id: string, error: RequestError): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    this.#send({ kind: 'cancel', id });
    pending.reject(error);
  }

  #expire(id: string, timeout: number): () => void {
    if (timeout > MAX_LIMIT) return () => {};
    return this.#context.clock.after(timeout, () => this.#abandon(id, new RequestError('timeout')));
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.release();
    return pending;
  }

  #has(id: string): boolean {
    return this.#pending.has(id);
  }

  #newId(): string {
    return String(++this.#last);
  }
}

/** What the schema makes of an answer. What it refuses is the client's fault, and no error for another. */
async function accept(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  try {
    return await validate(schema, value);
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    throw new RequestError(error.code, error.message, { details: error.details });
  }
}

function aborted(signal: AbortSignal | undefined): RequestError {
  return new RequestError('aborted', undefined, { cause: signal?.reason });
}
