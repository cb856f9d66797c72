import type { After, Now } from './line.ts';

/** Time that passes when a test says so. */
export class TestTime {
  #now = 0;
  #due: { readonly at: number; readonly run: () => void }[] = [];

  readonly now: Now = () => this.#now;
  readonly after: After = (run, ms) => void this.#due.push({ at: this.#now + ms, run });

  /** Lets so many ms pass, and runs what was due, in order. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      this.#due.splice(this.#due.indexOf(next), 1);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}
