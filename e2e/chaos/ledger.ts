/** What became of numbers that were sent as 1, 2, 3 and so on. */
export interface Balance {
  /** Distinct numbers that came. */
  readonly came: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Came after a higher one. */
  readonly disordered: number;
}

/** Keeps account of numbers that should come once each, and in order. */
export class Ledger {
  #next = 1;
  #duplicated = 0;
  #disordered = 0;
  /** Below `#next`, and not here. */
  readonly #missing = new Set<number>();

  take(number: number): void {
    if (number < this.#next) {
      if (this.#missing.delete(number)) this.#disordered += 1;
      else this.#duplicated += 1;
      return;
    }
    for (; this.#next < number; this.#next++) this.#missing.add(this.#next);
    this.#next += 1;
  }

  /** When `sent` numbers have been sent. */
  balance(sent: number): Balance {
    const came = this.#next - 1 - this.#missing.size;
    return { came, lost: sent - came, duplicated: this.#duplicated, disordered: this.#disordered };
  }
}
