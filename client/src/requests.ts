import type { ErrorEnvelope, Outcome, Receipt, Response, Subscribed } from '@spillway/envelope';
import type { Clock, Undo } from './clock.ts';
import { RequestError } from './errors.ts';
import { readPayload } from './payload.ts';

export interface RequestTerms {
  /** Ms; absent: as long as the session. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** It is in flight already: it may have been done even if no answer comes. */
  readonly sent?: boolean;
  /** What to resolve with where it was in flight and nobody will answer. Absent: that is an error. */
  readonly orElse?: Outcome;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Takes timer and listener away. */
  readonly release: Undo;
  readonly orElse: Outcome | undefined;
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
    { timeout = Number.POSITIVE_INFINITY, signal, sent = false, orElse }: RequestTerms,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const abort = (): void =>
        this.fail(id, new RequestError('aborted', undefined, { cause: signal?.reason }));
      const cancel = this.#clock.after(timeout, () => this.fail(id, new RequestError('timeout')));
      const release = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
      };
      signal?.addEventListener('abort', abort);
      this.#pending.set(id, { resolve, reject, release, orElse, sent });
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
      for (const { id, outcome } of answer.receipts) this.settle(id, outcome);
      return;
    }
    const { id } = answer;
    try {
      if (answer.kind === 'response' && answer.more) return; // the last one is the answer
      this.settle(id, answer.kind === 'response' ? readPayload(answer) : answer);
    } catch (cause) {
      this.fail(id, new RequestError('bad-payload', undefined, { cause }));
    }
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
      if (orElse) this.settle(id, orElse);
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
