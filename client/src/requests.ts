import type { ErrorEnvelope, Outcome, Receipt, Response, Stage, Subscribed } from '@spillway/envelope';
import type { Clock, Undo } from './clock.ts';
import { RequestError } from './errors.ts';
import { readPayload } from './payload.ts';

/** Why nobody waits for an answer any more. */
export type Forsaken = 'aborted' | 'timeout' | 'overrun';

export interface RequestTerms {
  /** Ms; absent: as long as the session. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** It is in flight already: it may have been done even if no answer comes. */
  readonly sent?: boolean;
  /** What to resolve with where it was in flight and nobody will answer. Absent: that is an error. */
  readonly orElse?: Outcome;
  /** Makes of what became of a publication what to resolve with; undefined: there is more to hear. */
  readonly heard?: ((outcome: Outcome | Stage) => unknown) | undefined;
  /** A RESPONSE is what to resolve with. Absent: it says that a publication was `delivered`. */
  readonly reply?: boolean | undefined;
  /** Resolve with a RESPONSE itself. */
  readonly raw?: boolean | undefined;
  /** Takes a part of the answer. */
  readonly part?: ((value: unknown) => void) | undefined;
  /** Tells the gateway that nobody waits any more. */
  readonly cancel?: ((why: Forsaken) => void) | undefined;
}

interface Pending extends Pick<RequestTerms, 'orElse' | 'heard' | 'reply' | 'raw' | 'part' | 'cancel'> {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Takes timer and listener away. */
  readonly release: Undo;
  sent: boolean;
}

/** Everything that waits for its answer. What comes for an unknown id was too late, and is nobody's. */
export class Requests {
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A promise for the answer to `id`. It is in flight once `sent`. */
  open(
    id: string,
    { timeout = Number.POSITIVE_INFINITY, signal, sent = false, ...terms }: RequestTerms,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const abort = (): void => this.drop(id, 'aborted', signal?.reason);
      const cancel = this.#clock.after(timeout, () => this.drop(id, 'timeout'));
      const release = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
      };
      signal?.addEventListener('abort', abort);
      this.#pending.set(id, { ...terms, resolve, reject, release, sent });
      if (signal?.aborted) abort();
    });
  }

  has(id: string): boolean {
    return this.#pending.has(id);
  }

  sent(id: string): void {
    const pending = this.#pending.get(id);
    if (pending) pending.sent = true;
  }

  /** Resolves with the payload of a response, with a SUBSCRIBED itself, with the outcomes of publications. */
  answer(answer: Response | Subscribed | Receipt): void {
    if (answer.kind === 'receipt') {
      for (const { id, outcome } of answer.receipts) this.told(id, outcome);
      return;
    }
    const { id } = answer;
    try {
      const { heard, part, raw, reply } = this.#pending.get(id) ?? {};
      if (answer.kind !== 'response' || raw) this.settle(id, answer);
      else if (answer.more) part?.(readPayload(answer));
      else if (heard && !reply) this.told(id, 'delivered');
      else this.settle(id, readPayload(answer));
    } catch (cause) {
      const { cancel } = (answer.kind === 'response' && answer.more && this.#pending.get(id)) || {};
      this.fail(
        id,
        cause instanceof RequestError ? cause : new RequestError('bad-payload', undefined, { cause }),
      );
      // Without this part the rest is of no use.
      cancel?.('aborted');
    }
  }

  /** What became of a publication, so far. */
  told(id: string, outcome: Outcome | Stage): void {
    const { heard = () => outcome } = this.#pending.get(id) ?? {};
    const value = heard(outcome);
    if (value !== undefined) this.settle(id, value);
  }

  /** Nobody waits any more. */
  drop(id: string, why: Forsaken, cause?: unknown): void {
    const { sent, cancel } = this.#pending.get(id) ?? {};
    this.fail(id, new RequestError(why, undefined, { cause }));
    if (sent) cancel?.(why);
  }

  settle(id: string, value: unknown): void {
    this.#take(id)?.resolve(value);
  }

  fail(id: string, error: Error): void {
    this.#take(id)?.reject(error);
  }

  /** Those that were sent get no answer any more. */
  abandon(): void {
    for (const [id, { sent, orElse }] of this.#pending) {
      if (!sent) continue;
      if (orElse) this.told(id, orElse);
      else this.fail(id, new RequestError('connection-lost'));
    }
  }

  /** The session is closed. */
  close(): void {
    for (const id of this.#pending.keys()) this.fail(id, new RequestError('closed'));
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.release();
    return pending;
  }
}

/** What the gateway reported, as an error to throw. */
export function toRequestError({ code, message, details }: ErrorEnvelope): RequestError {
  // Envelope has made sure that it is JSON.
  return new RequestError(code, message, { details: details && JSON.parse(details) });
}
