import type { ErrorEnvelope, Response, Subscribed } from '@spillway/envelope';
import type { Clock, Undo } from './clock.ts';
import { RequestError } from './errors.ts';
import { readPayload } from './payload.ts';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Takes timer and listener away. */
  readonly release: Undo;
  /** It may have been done even if no answer comes. */
  sent: boolean;
}

/** Requests that wait for their answer. What comes for an unknown id was too late, and is nobody's. */
export class Requests {
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A promise for the answer to `id`. It is in flight once `sent`. `timeout` in ms. */
  open(id: string, timeout: number, signal?: AbortSignal, sent = false): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const abort = (): void =>
        this.fail(id, new RequestError('aborted', undefined, { cause: signal?.reason }));
      const cancel = this.#clock.after(timeout, () => this.fail(id, new RequestError('timeout')));
      const release = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
      };
      signal?.addEventListener('abort', abort);
      this.#pending.set(id, { resolve, reject, release, sent });
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

  /** Resolves with the payload of a response, with a SUBSCRIBED itself. */
  answer(answer: Response | Subscribed): void {
    const { id } = answer;
    try {
      if (answer.kind === 'response' && answer.more) return; // the last one is the answer
      const value = answer.kind === 'response' ? readPayload(answer) : answer;
      this.#take(id)?.resolve(value);
    } catch (cause) {
      this.fail(id, new RequestError('bad-payload', undefined, { cause }));
    }
  }

  fail(id: string, error: Error): void {
    this.#take(id)?.reject(error);
  }

  /** Fails all, or those alone that were sent. */
  failAll(code: RequestError['code'], onlySent: boolean): void {
    for (const [id, { sent }] of this.#pending) if (sent || !onlySent) this.fail(id, new RequestError(code));
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
