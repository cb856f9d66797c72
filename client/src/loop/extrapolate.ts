import type { Interpolate } from './interpolate.ts';

/** A state and its time, ms of the server's clock. */
export interface Moment<State> {
  readonly time: number;
  readonly state: State;
}

/**
 * Where a state would be `seconds` after it was known, by the user's own rules (velocity, drag). Pure; the time is bounded
 * by whoever calls it.
 */
export type Extrapolate<State> = (state: State, seconds: number) => State;

/**
 * A guess of the state at `time`, after the last one that is known: goes on the way from `previous` to `last`, or by
 * `onward` where there is one, for at most `limit` ms, and then holds. Pure.
 */
export function extrapolate<State>(
  previous: Moment<State> | undefined,
  last: Moment<State>,
  time: number,
  limit: number,
  between: Interpolate<State>,
  onward?: Extrapolate<State>,
): State {
  const ahead = Math.min(Math.max(0, time - last.time), limit);
  if (ahead === 0) return last.state;
  if (onward) return onward(last.state, ahead / 1000);
  if (!previous || previous.time >= last.time) return last.state;
  return between(previous.state, last.state, 1 + ahead / (last.time - previous.time));
}
