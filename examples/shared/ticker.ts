/**
 * Calls `tick` at a fixed rate against an absolute schedule, so that the rounding of timers to whole
 * milliseconds does not add up. Late ticks are made up for, at most `CATCH_UP` in one go; what is later than
 * that (a laptop that slept) is skipped.
 */
export class Ticker {
  readonly #interval: number;
  readonly #tick: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = 0;

  /** `hertz`: ticks a second. */
  constructor(hertz: number, tick: () => void) {
    this.#interval = 1000 / hertz;
    this.#tick = tick;
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  start(): void {
    if (this.running) return;
    this.#due = performance.now() + this.#interval;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, this.#due - performance.now()));
  }

  #wake(): void {
    const now = performance.now();
    for (let made = 0; this.#due <= now && made < CATCH_UP; made += 1) {
      this.#due += this.#interval;
      this.#tick();
      if (!this.running) return;
    }
    if (this.#due <= now) this.#due = now + this.#interval;
    this.#schedule();
  }
}

/** A tenth of a second at 30 Hz: enough for a slow garbage collection, too little to be seen as fast-forward. */
const CATCH_UP = 3;
