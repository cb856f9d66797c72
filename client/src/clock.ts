/** Undoes what returned it; again and again does nothing more. */
export type Undo = () => void;

/** Where the client gets time from. Tests bring their own. */
export interface Clock {
  /** Monotonic, ms with fractions. */
  now(): number;
  /** Ms since the Unix epoch: what is stored outlives the page, and so must its clock. */
  wall(): number;
  /** Calls `fn` once after `ms`. */
  after(ms: number, fn: () => void): Undo;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};
