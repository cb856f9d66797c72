import type { Clock } from '../clock.ts';

/** Before the second attempt, the third, …, ms. The gateway waits longer than all of them for what does not come. */
const PAUSES = [100, 300, 1_000, 2_000];

/** The answer is not the gateway's last word: too busy, too slow, or one that went before is still on its way. */
const TRY_AGAIN = /^(408|409|429|5\d\d)$/;

/** What is asked. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** It goes out even where the page is gone. */
  readonly keepalive?: boolean;
}

/** A whole answer. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The requests of one connection: until `stop` they are made again where they fail, the same ones. */
export class Exchange {
  readonly #fetch: typeof fetch;
  readonly #clock: Clock;
  readonly #abort = new AbortController();

  constructor(fetch: typeof globalThis.fetch, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** True after `stop`. */
  get stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Ends all requests; whoever waits hears of a failure. */
  stop(): void {
    this.#abort.abort();
  }

  /** One attempt, as far as the head of the answer. */
  async begin(url: string, question: Question, signal = this.#abort.signal): Promise<Response> {
    const fetch = this.#fetch; // as a method browsers refuse it
    return fetch(url, { ...question, cache: 'no-store', signal } as RequestInit);
  }

  /**
   * Asks until there is an answer. `timeout` for an attempt in ms.
   * Rejects with what the last one failed with, or after `stop`.
   */
  async ask(url: string, question: Question, timeout: number): Promise<Reply> {
    for (let attempt = 0; ; attempt++) {
      const pause = PAUSES[attempt];
      try {
        const reply = await this.#attempt(url, question, timeout);
        if (pause === undefined || !TRY_AGAIN.test(`${reply.status}`)) return reply;
      } catch (error) {
        if (pause === undefined || this.stopped) throw error;
      }
      await this.#pause(pause);
    }
  }

  async #attempt(url: string, question: Question, timeout: number): Promise<Reply> {
    const controller = new AbortController();
    const { signal } = this.#abort;
    const abort = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', abort);
    const cancel = this.#clock.after(timeout, () => controller.abort());
    try {
      signal.throwIfAborted();
      const response = await this.begin(url, question, controller.signal);
      const { status, headers } = response;
      return { status, headers, body: new Uint8Array(await response.arrayBuffer()) };
    } finally {
      cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve, reject) => {
      const over = (): void => {
        cancel();
        reject(signal.reason);
      };
      const cancel = this.#clock.after(ms, () => {
        signal.removeEventListener('abort', over);
        resolve();
      });
      if (signal.aborted) over();
      else signal.addEventListener('abort', over, { once: true });
    });
  }
}
