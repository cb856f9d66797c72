import type { Clock, Undo } from './clock.ts';

/** Somebody who takes part. */
export interface Entrant {
  /** Ms from the beginning; Infinity: only when all others have failed. */
  readonly delay: number;
}

/**
 * Starts entrants one after the other: each after its delay, and at once when every one before it has failed. What an
 * entrant does and who has won is the caller's.
 */
export class Race<E extends Entrant> {
  readonly #start: (entrant: E) => void;
  /** Not started yet, in their order. */
  readonly #waiting: E[];
  #running = 0;
  #timers: Undo[] = [];

  /** `entrants` in the order of their delays. */
  constructor(entrants: readonly E[], start: (entrant: E) => void) {
    this.#waiting = [...entrants];
    this.#start = start;
  }

  /** Starts what is due. `start` may call back from within. */
  begin(clock: Clock): void {
    this.#timers = this.#waiting
      .filter(({ delay }) => delay > 0)
      .map((entrant) => clock.after(entrant.delay, () => this.#run(entrant)));
    for (const entrant of [...this.#waiting]) if (entrant.delay <= 0) this.#run(entrant);
    this.#next();
  }

  /** One that was started has failed. False when nobody runs and nobody is left to start. */
  failed(): boolean {
    this.#running--;
    return this.#next();
  }

  /** Nobody else starts. */
  end(): void {
    this.#waiting.length = 0;
    for (const cancel of this.#timers) cancel();
  }

  #next(): boolean {
    const [next] = this.#waiting;
    if (this.#running === 0 && next) this.#run(next);
    return this.#running > 0;
  }

  #run(entrant: E): void {
    const index = this.#waiting.indexOf(entrant);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#running++;
    this.#start(entrant);
  }
}
