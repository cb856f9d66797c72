import type { Timers } from './core/clock.ts';

/** Wall-clock time at the start, monotonic from then on: a corrected system clock never makes `ts` run backwards. */
export class SystemClock implements Timers {
  /** What waits for the end of this turn. Thousands of sessions may, after one publication: they share an immediate. */
  #waiting: (() => void)[] = [];
  /** Does not change, and asking for it costs as much as the time itself. */
  readonly #origin = performance.timeOrigin;

  now(): number {
    return Math.floor(this.exact());
  }

  exact(): number {
    return this.#origin + performance.now();
  }

  defer(run: () => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#runWaiting());
    this.#waiting.push(run);
  }

  after(ms: number, run: () => void): () => void {
    // Rounded up: a timer that is early finds nothing to do, and is set again.
    const timer = setTimeout(run, Math.ceil(ms));
    return () => clearTimeout(timer);
  }

  #runWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }
}
