interface Entry {
  readonly at: number;
  readonly order: number;
  /** Undefined: it was taken back. */
  run: (() => void) | undefined;
}

function before(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Time that passes when something is to happen: what is due, in order (a binary heap). */
export class Clock {
  now = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  get idle(): boolean {
    return this.#heap.length === 0;
  }

  /** The answer takes it back. */
  at(time: number, run: () => void): () => void {
    const entry: Entry = { at: Math.max(time, this.now), order: this.#order++, run };
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(entry, this.#heap[parent]!)) break;
      this.#heap[index] = this.#heap[parent]!;
      index = parent;
    }
    this.#heap[index] = entry;
    return () => {
      entry.run = undefined;
    };
  }

  after(delay: number, run: () => void): () => void {
    return this.at(this.now + delay, run);
  }

  /** Runs what is next. False: there is nothing. */
  step(): boolean {
    for (;;) {
      const first = this.#heap[0];
      const last = this.#heap.pop();
      if (!first || !last) return false;
      if (this.#heap.length > 0) this.#sink(last);
      if (!first.run) continue;
      this.now = first.at;
      first.run();
      return true;
    }
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}
