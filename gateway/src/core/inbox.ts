/**
 * Keeps a session's messages in order per channel while hooks are asynchronous. As long as every hook answers at
 * once, nothing is queued and no promise is made.
 */
export class Inbox {
  readonly #limit: number;
  /** Present while a task of this channel is running: what waits behind it. */
  readonly #waiting = new Map<string, (() => void | Promise<void>)[]>();
  #size = 0;
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the task now, or after those before it. False: too many wait already. Tasks must not throw or reject. */
  run(channel: string, task: () => void | Promise<void>): boolean {
    if (this.#closed) return true;
    const queue = this.#waiting.get(channel);
    if (queue !== undefined) {
      if (this.#size >= this.#limit) return false;
      this.#size++;
      queue.push(task);
      return true;
    }
    const running = task();
    if (running !== undefined) {
      this.#waiting.set(channel, []);
      void running.then(() => this.#next(channel));
    }
    return true;
  }

  /** What waits is dropped; what runs ends by itself. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#size = 0;
  }

  #next(channel: string): void {
    for (;;) {
      const queue = this.#waiting.get(channel);
      const task = queue?.shift();
      if (task === undefined) {
        this.#waiting.delete(channel);
        return;
      }
      this.#size--;
      const running = task();
      if (running !== undefined) {
        void running.then(() => this.#next(channel));
        return;
      }
    }
  }
}
