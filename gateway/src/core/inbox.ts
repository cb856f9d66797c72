/**
 * Keeps a session's messages in order per channel while hooks are asynchronous. As long as every hook answers at
 * once, nothing is queued and no promise is made.
 */
export class Inbox {
  readonly #limit: number;
  /** Present while a task of this channel is running: what waits behind it. */
  readonly #channels = new Map<string, (() => void | Promise<void>)[]>();
  /** Tasks running and waiting, of all channels. */
  #size = 0;
  #closed = false;

  /** `limit`: tasks that have begun or wait and are not done. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the task now, or after those before it. False: too many are not done yet. Tasks must not throw or reject. */
  run(channel: string, task: () => void | Promise<void>): boolean {
    if (this.#closed) return true;
    if (this.#size >= this.#limit) return false;
    const waiting = this.#channels.get(channel);
    if (waiting !== undefined) {
      this.#size++;
      waiting.push(task);
      return true;
    }
    const running = task();
    if (running !== undefined) {
      this.#size++;
      this.#channels.set(channel, []);
      void running.then(() => this.#next(channel));
    }
    return true;
  }

  /** What waits is dropped; what runs ends by itself. */
  close(): void {
    this.#closed = true;
    this.#channels.clear();
  }

  #next(channel: string): void {
    for (;;) {
      this.#size--;
      const task = this.#channels.get(channel)?.shift();
      if (task === undefined) {
        this.#channels.delete(channel);
        return;
      }
      const running = task();
      if (running !== undefined) {
        void running.then(() => this.#next(channel));
        return;
      }
    }
  }
}
