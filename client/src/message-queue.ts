import { RequestError } from './errors.ts';

/** Messages kept for one `for await` loop: some seconds of a busy channel. */
const MAX_MESSAGES = 1024;

interface Entry<T> {
  readonly value: T;
  readonly droppable: boolean;
}

/** Messages between a channel and one loop over it. */
export class MessageQueue<T> implements AsyncIterableIterator<T> {
  readonly #onDone: (queue: MessageQueue<T>) => void;
  readonly #onDrop: () => void;
  readonly #entries: Entry<T>[] = [];
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #error: Error | undefined;
  #done = false;

  /** `onDone`: nothing more is wanted. `onDrop`: one was dropped. */
  constructor(onDone: (queue: MessageQueue<T>) => void, onDrop: () => void) {
    this.#onDone = onDone;
    this.#onDrop = onDrop;
  }

  push(value: T, droppable: boolean): void {
    const waiting = this.#waiting.shift();
    if (waiting) {
      waiting({ done: false, value });
      return;
    }
    if (this.#entries.length >= MAX_MESSAGES) {
      const oldest = this.#entries.findIndex((entry) => entry.droppable);
      if (oldest >= 0) {
        this.#entries.splice(oldest, 1);
        this.#onDrop();
      } else if (droppable) {
        this.#onDrop();
        return;
      } else {
        this.end(new RequestError('overrun'));
        return;
      }
    }
    this.#entries.push({ value, droppable });
  }

  /** Nothing more comes; what is here is still handed out, then `error` is thrown if there is one. */
  end(error?: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#error = error;
    for (const resolve of this.#waiting) resolve({ done: true, value: undefined });
    this.#onDone(this);
  }

  next(): Promise<IteratorResult<T>> {
    const entry = this.#entries.shift();
    if (entry) return Promise.resolve({ done: false, value: entry.value });
    const error = this.#error;
    if (error) {
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#done) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.#entries.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
