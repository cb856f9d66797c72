/** Where the core's time comes from: whole ms since the Unix epoch that never run backwards. */
export interface Clock {
  now(): number;
}

/** A clock that can also be waited for. The core has no timers of its own. */
export interface Timers extends Clock {
  /** `now` with its fractions, for what is shorter than a ms: round trips. */
  exact(): number;
  /** Runs it once, when this turn of the event loop ends. */
  defer(run: () => void): void;
  /** Runs it once, after so many ms. The answer takes that back. */
  after(ms: number, run: () => void): () => void;
}
