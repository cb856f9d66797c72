/**
 * One step of the simulation, the same on both ends: the state after `dt` seconds of `input`. Pure: the same arguments
 * give the same answer, and the state that went in is left as it was.
 */
export type Step<State, Input> = (state: State, input: Input, dt: number) => State;

/** An input that was applied here ahead of the server, and what it led to. */
export interface Applied<State, Input> {
  /** Place in the order of the player's inputs. */
  readonly sequence: number;
  readonly input: Input;
  /** The state after it, as predicted. */
  readonly state: State;
}

/**
 * Rewinds to what the server says and replays what it had not seen: the inputs that are left after `acknowledged`, each
 * with the state that it leads to now. Pure.
 */
export function reconcile<State, Input>(
  state: State,
  acknowledged: number,
  inputs: readonly Applied<State, Input>[],
  step: Step<State, Input>,
  dt: number,
): Applied<State, Input>[] {
  const replayed: Applied<State, Input>[] = [];
  let current = state;
  for (const { sequence, input } of inputs) {
    if (sequence <= acknowledged) continue;
    current = step(current, input, dt);
    replayed.push({ sequence, input, state: current });
  }
  return replayed;
}
