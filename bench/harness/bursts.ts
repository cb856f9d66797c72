/** What a server of the fan-out publishes. */
export interface Load {
  /** Messages in one turn of the event loop. */
  readonly burst: number;
  /** From one burst to the next, ms. */
  readonly every: number;
  /** Bytes of a message. */
  readonly size: number;
}

/** Publishes bursts, each in a turn of its own, as many as are due, until it is stopped. */
export class Bursts {
  readonly #publish: (size: number) => void;
  #load: Load | undefined;
  #began = 0;
  #bursts = 0;

  constructor(publish: (size: number) => void) {
    this.#publish = publish;
  }

  readonly start = (load: Load): void => {
    this.#load = load;
    this.#began = performance.now();
    this.#bursts = 0;
    setTimeout(this.#turn, load.every);
  };

  /** Gives the number of messages published. */
  readonly stop = (): number => {
    const published = this.#bursts * (this.#load?.burst ?? 0);
    this.#load = undefined;
    return published;
  };

  readonly #turn = (): void => {
    const load = this.#load;
    if (load === undefined) return;
    this.#bursts++;
    for (let i = 0; i < load.burst; i++) this.#publish(load.size);
    const wait = this.#began + (this.#bursts + 1) * load.every - performance.now();
    // What is overdue gets the next turn, so that sockets are read and written in between.
    if (wait > 0) setTimeout(this.#turn, wait);
    else setImmediate(this.#turn);
  };
}
