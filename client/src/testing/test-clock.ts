import type { Clock, Undo } from '../clock.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = 1_000;
  readonly #timers = new Set<Timer>();

  /** Timers that have not fired and were not cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return 1_764_000_000_000 + Math.floor(this.#now);
  }

  after(ms: number, fn: () => void): Undo {
    const timer = { at: this.#now + ms, fn };
    if (ms < Number.POSITIVE_INFINITY) this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on, timer by timer, and lets everything that follows from each come to rest. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await rest();
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
      await rest();
    }
    this.#now = end;
  }

  /** The machine sleeps: time goes by, and what was due meanwhile comes when it is over. */
  async sleep(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }
}

/** Resolves when all promise callbacks that are due, and those that follow from them, have run. */
export async function rest(): Promise<void> {
  // Web streams hand on in several turns of the microtask queue, which all end before an immediate.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
