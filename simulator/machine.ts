import type { Clock } from '../delivery/src/simulator/clock.ts';
import type { Random } from '../delivery/src/simulator/random.ts';

interface Heard {
  readonly run: () => void;
  readonly isTimer: boolean;
}

/** What one process sees of time and of its network: late while it is frozen, never again once it has crashed. */
export class Machine {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timers = new Set<object>();
  readonly #started: number;
  #asleep: Heard[] | undefined;
  #wakesAt = 0;
  #crashed = false;

  /** `started`: what its clock shows at the beginning, ms. */
  constructor(clock: Clock, random: Random, started: number) {
    this.#clock = clock;
    this.#random = random;
    this.#started = started;
  }

  /** Ms with fractions, of its own clock. */
  get now(): number {
    return this.#started + this.#clock.now;
  }

  /** Timers that were neither taken back nor run. */
  get timers(): number {
    return this.#timers.size;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** As real timers are: not below 1 ms, a little early or late. */
  after(ms: number, run: () => void): () => void {
    const timer = {};
    this.#timers.add(timer);
    const delay = Math.max(1, ms) + 2 * this.#random.next() - 0.5;
    const cancel = this.#clock.after(delay, () => {
      this.hear(() => {
        if (this.#timers.delete(timer)) run();
      }, true);
    });
    return () => {
      if (this.#timers.delete(timer)) cancel();
    };
  }

  /** When this turn ends. */
  defer(run: () => void): void {
    this.#clock.after(0, () => this.hear(run));
  }

  /** Something happens to it: now, or when it wakes. */
  hear(run: () => void, isTimer = false): void {
    if (this.#crashed) return;
    if (this.#asleep) this.#asleep.push({ run, isTimer });
    else run();
  }

  /** It sleeps for so many ms, and then has everything at once, in turns of their own. */
  freeze(ms: number, awake: () => void = () => {}): void {
    const wakesAt = this.#clock.now + ms;
    if (wakesAt <= this.#wakesAt) return;
    this.#wakesAt = wakesAt;
    this.#asleep ??= [];
    this.#clock.at(wakesAt, () => {
      if (this.#wakesAt > wakesAt) return;
      const heard = this.#asleep ?? [];
      this.#asleep = undefined;
      // Event loops look at timers and sockets in turn; which comes first is chance.
      if (this.#random.chance(0.5)) heard.sort((one, other) => +other.isTimer - +one.isTimer);
      this.defer(awake);
      for (const { run, isTimer } of heard) this.#clock.after(0, () => this.hear(run, isTimer));
    });
  }

  /** Its process is gone, and all that it had. */
  crash(): void {
    this.#crashed = true;
    this.#timers.clear();
  }
}
