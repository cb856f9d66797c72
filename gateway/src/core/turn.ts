import type { Timers } from './clock.ts';

/**
 * When a session looks at what it has to do: once when a turn of the event loop ends in which something happened, or
 * `maxDelay` after the first thing that did, and at the deadline that came of it. Nothing is scheduled when there is
 * nothing to do.
 */
export class Turn {
  readonly #timers: Timers;
  readonly #maxDelay: number;
  readonly #run: () => number | undefined;
  #waits = false;
  #closed = false;
  /** When the timer goes off. */
  #at = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;
  #cancelDelay: (() => void) | undefined;

  /** `maxDelay`: ms, 0 for the end of the turn. `run` does what is due and returns the next deadline, if any. */
  constructor(timers: Timers, maxDelay: number, run: () => number | undefined) {
    this.#timers = timers;
    this.#maxDelay = maxDelay;
    this.#run = run;
  }

  /** Something happened. */
  soon(): void {
    if (this.#waits || this.#closed) return;
    this.#waits = true;
    if (this.#maxDelay === 0) this.#timers.defer(this.#ended);
    else this.#cancelDelay = this.#timers.after(this.#maxDelay, this.#ended);
  }

  /** Something is due then, or before. */
  by(at: number): void {
    // A timer that goes off sooner will set the next one: deadlines move on with every packet, timers cost more.
    if (at >= this.#at || this.#waits || this.#closed) return;
    this.#cancelTimer?.();
    this.#at = at;
    this.#cancelTimer = this.#timers.after(Math.max(0, at - this.#timers.exact()), this.#due);
  }

  /** Nothing runs any more. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelDelay?.();
  }

  readonly #ended = (): void => {
    this.#waits = false;
    this.#look();
  };

  readonly #due = (): void => {
    this.#at = Number.POSITIVE_INFINITY;
    this.#look();
  };

  #look(): void {
    if (this.#closed) return;
    const next = this.#run();
    if (next !== undefined) this.by(next);
  }
}
