import type { Network } from './conditions.ts';

/** Calls a function after so many ms; a browser's `setTimeout`, or a test's own. */
export type After = (run: () => void, ms: number) => void;

/** What time it is, ms. */
export type Now = () => number;

/** What everything on the simulated network shares. */
export interface World {
  readonly network: Network;
  readonly after: After;
  readonly now: Now;
}

/** Things that take a while and keep their order: one that is slow holds up those behind it. */
export class Line {
  readonly #after: After;
  readonly #now: Now;
  #freeAt = Number.NEGATIVE_INFINITY;
  readonly #waiting: (() => void)[] = [];

  constructor({ after, now }: Pick<World, 'after' | 'now'>) {
    this.#after = after;
    this.#now = now;
  }

  /** Runs it in `ms`, and not before what came earlier. At once where nothing waits and there is nothing to wait for. */
  push(ms: number, run: () => void): void {
    const now = this.#now();
    if (ms <= 0 && this.#waiting.length === 0) {
      run();
      return;
    }
    this.#freeAt = Math.max(this.#freeAt, now + ms);
    this.#waiting.push(run);
    // Timers count whole milliseconds, so two that are close may change places: each runs whoever is first.
    this.#after(() => this.#waiting.shift()!(), this.#freeAt - now);
  }
}
