import type { Outcome } from '@spillway/envelope';

/** What the application waits to hear of messages that it sent. */
export class Receipts {
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();
  #last = 0;

  /** An id for a message, and what becomes of it. */
  expect(): { readonly id: string; readonly outcome: Promise<Outcome> } {
    const id = String(++this.#last);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#waiting.set(id, resolve);
    return { id, outcome: promise };
  }

  /** The first counts. */
  settle(id: string, outcome: Outcome): void {
    this.#waiting.get(id)?.(outcome);
    this.#waiting.delete(id);
  }

  /** Nothing more is heard. */
  close(): void {
    for (const id of this.#waiting.keys()) this.settle(id, 'dropped');
  }
}
