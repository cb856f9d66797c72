/** One way of a network in tests: a time on the way, how much it varies, and what it loses. */
export interface TestWay {
  /** ms */
  delay: number;
  /** Up to this much more, ms, anew for each packet. */
  jitter: number;
  /** Share that is lost. */
  loss: number;
}

/** Virtual time with two ways that a seed decides; packets may overtake each other. */
export class TestNetwork {
  now = 0;
  #state: number;
  #order = 0;
  readonly #due: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 to below 1 (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  at(time: number, run: () => void): void {
    const event = { at: time, order: this.#order++, run };
    let index = this.#due.length;
    while (index > 0 && this.#due[index - 1]!.at > time) index--;
    this.#due.splice(index, 0, event);
  }

  /** Timers as `Clock` has them. */
  after(ms: number, run: () => void): () => void {
    let wanted = true;
    this.at(this.now + ms, () => wanted && run());
    return () => {
      wanted = false;
    };
  }

  every(interval: number, run: () => void): void {
    const begin = this.now;
    const next = (index: number) =>
      this.at(begin + index * interval, () => {
        run();
        next(index + 1);
      });
    next(1);
  }

  send({ delay, jitter, loss }: TestWay, arrive: () => void): void {
    const late = delay + jitter * this.random();
    if (this.random() >= loss) this.at(this.now + late, arrive);
  }

  run(until: number): void {
    for (let next = this.#due[0]; next && next.at <= until; next = this.#due[0]) {
      this.#due.shift();
      this.now = next.at;
      next.run();
    }
    this.now = until;
  }
}
