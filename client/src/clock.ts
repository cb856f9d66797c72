/** Undoes what returned it; again and again does nothing more. */
export type Undo = () => void;

/** Where the client gets time from. Tests bring their own. */
export interface Clock {
  /** Monotonic, ms with fractions. */
  now(): number;
  /** Ms since the Unix epoch: what is stored outlives the page, and so must its clock. */
  wall(): number;
  /** Calls `fn` once after `ms`; of infinity never. */
  after(ms: number, fn: () => void): Undo;
}

/** What a timer can hold, ms. */
const MAX_DELAY = 2 ** 31;

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, fn) {
    // A timer makes of infinity, and of what is longer than three weeks, no wait at all.
    const timer = ms < MAX_DELAY ? setTimeout(fn, ms) : undefined;
    return () => clearTimeout(timer);
  },
};
