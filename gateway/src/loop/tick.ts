import { Figures, type Spread } from './tick-figures.ts';

/** Where a fixed step gets time from. Tests bring their own. */
export interface TickTime {
  /** Monotonic, ms with fractions. */
  now(): number;
  /** Calls `run` after at least about `ms`; returns what takes it back. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` as soon as other work had its turn; returns what takes it back. */
  soon(run: () => void): () => void;
}

/** How a fixed step is driven. */
export interface FixedStepOptions {
  /** Ticks a second, 1-1000. */
  readonly rate: number;
  /** Late ticks that are made up for at once; what is later is skipped. @default 5 */
  readonly maxCatchUp?: number | undefined;
  /** The last so many ms before a tick are spent polling instead of asleep; 0: none. @default 0 */
  readonly precision?: number | undefined;
}

/** How the ticks went. Times in ms. */
export interface FixedStepStats {
  /** Ticks that ran. */
  readonly ticks: number;
  /** Ticks that were too late to be made up for. */
  readonly skipped: number;
  /** Ticks that ran later than the next was due, to catch up. */
  readonly caughtUp: number;
  /** Ticks whose work took longer than a step. */
  readonly overruns: number;
  /** How late ticks began. */
  readonly late: Spread;
  /** What their work took. */
  readonly work: Spread;
  /** What of a step their work took, 0 to 1 and beyond. */
  readonly budget: Spread;
  /** What the callback threw. The ticks go on. */
  readonly failed: number;
}

/** Monotonic ms since the Unix epoch; a corrected system clock never makes it jump. */
export const systemTickTime: TickTime = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon(run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

/** Figures that quantiles are of: 17 s at 60 Hz. */
const FIGURES = 1_024;

/**
 * Calls back at a fixed rate without drift: tick n is due at `epoch + n * step`, whatever the timers do. A late tick is
 * made up for, within a bound; past it ticks are skipped, and their numbers with them, so that number and time always
 * belong together.
 */
export class FixedStep {
  /** Ms from tick to tick. */
  readonly step: number;
  readonly #tick: (tick: number) => void;
  readonly #failed: (error: unknown) => void;
  readonly #maxCatchUp: number;
  readonly #precision: number;
  readonly #time: TickTime;
  readonly #late = new Figures(FIGURES);
  readonly #work = new Figures(FIGURES);
  #epoch: number | undefined;
  #next = 1;
  #cancel: (() => void) | undefined;
  #ticks = 0;
  #skipped = 0;
  #caughtUp = 0;
  #overruns = 0;
  #failures = 0;

  /**
   * @param tick is given the number of the tick, from 1 on
   * @param failed hears what `tick` throws
   * @throws RangeError for an option outside its range
   */
  constructor(
    { rate, maxCatchUp = 5, precision = 0 }: FixedStepOptions,
    tick: (tick: number) => void,
    failed: (error: unknown) => void,
    time: TickTime = systemTickTime,
  ) {
    if (!(rate >= 1 && rate <= 1_000)) throw new RangeError(`rate takes 1-1000 ticks a second, not ${rate}`);
    if (!(Number.isInteger(maxCatchUp) && maxCatchUp >= 1 && maxCatchUp <= 1_000))
      throw new RangeError(`maxCatchUp takes 1-1000 ticks, not ${maxCatchUp}`);
    if (!(precision >= 0 && precision <= 5)) throw new RangeError(`precision takes 0-5 ms, not ${precision}`);
    this.step = 1_000 / rate;
    this.#tick = tick;
    this.#failed = failed;
    this.#maxCatchUp = maxCatchUp;
    this.#precision = precision;
    this.#time = time;
  }

  get running(): boolean {
    return this.#cancel !== undefined;
  }

  /** When tick 0 was due, ms; undefined before the first `start`. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  /** The next tick that will run. */
  get next(): number {
    return this.#next;
  }

  /** When a tick is due, ms. */
  due(tick: number): number {
    return (this.#epoch ?? this.#time.now()) + tick * this.step;
  }

  /** Begins; after a `stop` goes on where the schedule is by now. */
  start(): void {
    if (this.running) return;
    const now = this.#time.now();
    if (this.#epoch === undefined) this.#epoch = now;
    else this.#next = Math.max(this.#next, Math.ceil((now - this.#epoch) / this.step));
    this.#sleep();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** How the ticks went so far. Quantiles are of the last 1024. */
  stats(): FixedStepStats {
    const work = this.#work.summary();
    const share = (ms: number) => ms / this.step;
    return {
      ticks: this.#ticks,
      skipped: this.#skipped,
      caughtUp: this.#caughtUp,
      overruns: this.#overruns,
      late: this.#late.summary(),
      work,
      budget: { p50: share(work.p50), p99: share(work.p99), max: share(work.max) },
      failed: this.#failures,
    };
  }

  #sleep(): void {
    const left = this.due(this.#next) - this.#time.now();
    const wake = () => this.#wake();
    // Timers count whole ms and are late rather than early, so sleep too short: what is left is asked for again.
    if (left > this.#precision) {
      this.#cancel = this.#time.after(Math.max(1, Math.floor(left - this.#precision)), wake);
    } else this.#cancel = this.#time.soon(wake);
  }

  #wake(): void {
    // Bounded: what else the process has to do gets its turn between two wakes.
    for (let made = 0; made < this.#maxCatchUp && this.#isDue(); made++) if (!this.#run()) return;
    this.#sleep();
  }

  #isDue(): boolean {
    const late = this.#time.now() - this.due(this.#next);
    const behind = Math.floor(late / this.step);
    if (behind < this.#maxCatchUp) return late >= 0;
    // The newest ones run: they are what the others wait for.
    const skip = behind - this.#maxCatchUp + 1;
    this.#skipped += skip;
    this.#next += skip;
    return true;
  }

  /** One tick. False: it stopped the ticks. */
  #run(): boolean {
    const tick = this.#next++;
    const began = this.#time.now();
    const late = began - this.due(tick);
    this.#late.add(late);
    if (late >= this.step) this.#caughtUp += 1;
    this.#ticks += 1;
    try {
      this.#tick(tick);
    } catch (error) {
      this.#failures += 1;
      this.#failed(error);
    }
    const work = this.#time.now() - began;
    this.#work.add(work);
    if (work > this.step) this.#overruns += 1;
    return this.running;
  }
}
