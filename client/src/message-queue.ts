import { RequestError } from './errors.ts';
import type { Meter } from './stats.ts';

/** Messages kept for one `for await` loop: some seconds of a busy channel. */
const MAX_MESSAGES = 1024;

interface Entry<T> {
  readonly value: T;
  readonly droppable: boolean;
}

/** Messages between a channel and one loop over it. */
export class MessageQueue<T> {
  readonly #meter: Meter;
  readonly #entries: Entry<T>[] = [];
  #error: Error | undefined;
  #done = false;
  #wake = (): void => {};

  /** `meter` counts what is dropped to keep to the bound. */
  constructor(meter: Meter) {
    this.#meter = meter;
  }

  push(value: T, droppable: boolean): void {
    if (this.#done) return;
    if (this.#entries.length >= MAX_MESSAGES) {
      const oldest = this.#entries.findIndex((entry) => entry.droppable);
      if (oldest < 0 && !droppable) {
        this.end(new RequestError('overrun'));
        return;
      }
      this.#meter.drop('backlog');
      if (oldest < 0) return;
      this.#entries.splice(oldest, 1);
    }
    this.#entries.push({ value, droppable });
    this.#wake();
  }

  /** Nothing more comes; what is here is still handed out, then `error` is thrown if there is one. */
  end(error?: Error): void {
    this.#done = true;
    this.#error ??= error;
    this.#wake();
  }

  /** For one loop. `onDone`: it has come to its end or was left. */
  async *read(onDone: () => void): AsyncGenerator<T, undefined> {
    try {
      for (;;) {
        const entry = this.#entries.shift();
        if (entry) yield entry.value;
        else if (this.#error) throw this.#error;
        else if (this.#done) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      onDone();
    }
  }
}
