import type { Flow, Way } from './way.ts';

/** Bytes that an engine takes before its stream makes a writer wait. */
const HIGH_WATER = 4096;

/** An outgoing stream as its writer sees it, and the flow behind. */
export class Sink {
  readonly #way: Way;
  readonly #flow: Flow;
  readonly #arrive: (chunk: Uint8Array) => void;
  readonly #finished: () => void;
  readonly #closed = Promise.withResolvers<void>();
  #over = false;

  /** `arrive` and `finished` run at the far end. */
  constructor(way: Way, flow: Flow, arrive: (chunk: Uint8Array) => void, finished: () => void) {
    this.#way = way;
    this.#flow = flow;
    this.#arrive = arrive;
    this.#finished = finished;
    this.#closed.promise.catch(() => {});
  }

  /** As a `WritableStream`. */
  get writable(): WritableStream<Uint8Array> {
    const writer = {
      closed: this.#closed.promise,
      ready: Promise.resolve(),
      write: (chunk: Uint8Array) => this.#write(chunk),
      close: () => this.#close(),
      abort: () => {
        if (!this.#over) this.#flow.reset();
        this.fail();
        return Promise.resolve();
      },
    };
    return { getWriter: () => writer } as unknown as WritableStream<Uint8Array>;
  }

  /** The session has ended, or the stream was reset. */
  fail(): void {
    if (this.#over) return;
    this.#over = true;
    this.#closed.reject(new Error('the stream is gone'));
  }

  #write(chunk: Uint8Array): Promise<void> {
    if (this.#over) return Promise.reject(new Error('the stream is gone'));
    const left = this.#flow.send(chunk.length, () => this.#arrive(chunk));
    return this.#taken(left);
  }

  #close(): Promise<void> {
    if (this.#over) return Promise.reject(new Error('the stream is gone'));
    const left = this.#flow.send(1, this.#finished);
    return this.#taken(left).then(() => {
      if (this.#over) return;
      this.#over = true;
      this.#closed.resolve();
    });
  }

  /** When the engine has taken what leaves at that time. */
  #taken(left: number): Promise<void> {
    const { clock, weather } = this.#way;
    const at = left - HIGH_WATER / weather.rate;
    if (at <= clock.now) return Promise.resolve();
    return new Promise((resolve) => {
      clock.at(at, resolve);
    });
  }
}
