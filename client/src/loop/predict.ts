import { Correction, type CorrectionOptions, type Distance, placeDistance } from './correct.ts';
import { type Interpolate, interpolateFields } from './interpolate.ts';
import { type Applied, reconcile, type Step } from './reconcile.ts';

export interface PredictionOptions<State extends object, Input> extends CorrectionOptions<State> {
  /** One step of the simulation, the same as the server's. */
  readonly step: Step<State, Input>;
  /** Seconds of one step. */
  readonly dt: number;
  /** An error up to this distance is left as it is: what quantised numbers lose on the way. @default 0 */
  readonly tolerance?: number | undefined;
  /** Inputs replayed at most; the oldest are given up. At 60 a second the default is two seconds. @default 120 */
  readonly capacity?: number | undefined;
  /** How the state goes from one step to the next, for frames in between. @default by `fields` */
  readonly interpolate?: Interpolate<State> | undefined;
}

/** How well the prediction does. Distances in units of the user's world. */
export interface PredictionStats {
  /** Between what was predicted and what the server said of the same input, the last time. */
  readonly error: number;
  /** The same, averaged over the last states: an exponential mean over about 32 of them. */
  readonly meanError: number;
  /** The largest so far. */
  readonly maxError: number;
  /** States of the server taken in. */
  readonly reconciled: number;
  /** Those that changed the prediction. */
  readonly corrections: number;
  /** Those of them that were too large to be hidden. */
  readonly snaps: number;
  /** Inputs that the server has not acknowledged. */
  readonly pending: number;
  /** Inputs given up because too many were pending. */
  readonly abandoned: number;
}

/**
 * Moves the player's own entity at once and is put right by the server: each input is applied here as it is sent; a
 * state of the server is taken as the truth, and the inputs that it had not seen are applied to it again.
 */
export class Prediction<State extends object, Input> {
  readonly #step: Step<State, Input>;
  readonly #dt: number;
  readonly #tolerance: number;
  readonly #capacity: number;
  readonly #distance: Distance<State>;
  readonly #interpolate: Interpolate<State>;
  readonly #correction: Correction<State>;
  #applied: Applied<State, Input>[] = [];
  /** The server's last state, or what was predicted of it where the difference was tolerated. */
  #base: State | undefined;
  #acknowledged = Number.NEGATIVE_INFINITY;
  #error = 0;
  #meanError = 0;
  #maxError = 0;
  #reconciled = 0;
  #corrections = 0;
  #abandoned = 0;

  constructor(options: PredictionOptions<State, Input>) {
    const { step, dt, tolerance = 0, capacity = 120, distance = placeDistance } = options;
    this.#step = step;
    this.#dt = dt;
    this.#tolerance = tolerance;
    this.#capacity = capacity;
    this.#distance = distance;
    this.#interpolate = options.interpolate ?? interpolateFields(options.fields);
    this.#correction = new Correction(options);
  }

  /** The state after all inputs so far; undefined before the server has said anything. */
  get state(): State | undefined {
    return this.#applied.at(-1)?.state ?? this.#base;
  }

  /** Applies the next input, and gives the state after it; undefined before the server has said anything. */
  apply(sequence: number, input: Input): State | undefined {
    const before = this.state;
    if (before === undefined) return undefined;
    const state = this.#step(before, input, this.#dt);
    this.#applied.push({ sequence, input, state });
    if (this.#applied.length > this.#capacity) {
      // Its effect stays: what comes after builds on it.
      this.#base = this.#applied.shift()!.state;
      this.#abandoned += 1;
    }
    return state;
  }

  /**
   * Takes the server's `state`, which has the inputs up to `acknowledged` in it, at `now`, ms. One that is older than
   * the last changes nothing.
   */
  reconcile(state: State, acknowledged: number, now: number): void {
    if (acknowledged < this.#acknowledged) return;
    this.#acknowledged = acknowledged;
    this.#reconciled += 1;
    const before = this.state;
    if (before === undefined) {
      this.#base = state;
      return;
    }
    const last = this.#applied.findLast(({ sequence }) => sequence <= acknowledged);
    // Nothing new is acknowledged: the state is that of a later step without an input of ours.
    const error = this.#distance(last?.state ?? this.#base!, state);
    this.#note(error);
    if (error <= this.#tolerance) {
      if (last) this.#base = last.state;
      this.#applied = this.#applied.filter(({ sequence }) => sequence > acknowledged);
      return;
    }
    this.#base = state;
    this.#applied = reconcile(state, acknowledged, this.#applied, this.#step, this.#dt);
    this.#corrections += 1;
    this.#correction.absorb(before, this.state!, now);
  }

  /**
   * What is to be drawn at `now`, ms: `share` of the way from the step before the last input to the one after it, 0 to
   * 1, with what is left of corrections. Undefined before the server has said anything.
   */
  view(share: number, now: number): State | undefined {
    const state = this.state;
    if (state === undefined) return undefined;
    const previous = this.#applied.at(-2)?.state ?? this.#base!;
    return this.#correction.apply(this.#interpolate(previous, state, share), now);
  }

  /** For another entity, or another life of the server. Counters go on. */
  clear(): void {
    this.#applied = [];
    this.#base = undefined;
    this.#acknowledged = Number.NEGATIVE_INFINITY;
    this.#correction.clear();
  }

  stats(): PredictionStats {
    return {
      error: this.#error,
      meanError: this.#meanError,
      maxError: this.#maxError,
      reconciled: this.#reconciled,
      corrections: this.#corrections,
      snaps: this.#correction.snaps,
      pending: this.#applied.length,
      abandoned: this.#abandoned,
    };
  }

  #note(error: number): void {
    this.#error = error;
    this.#meanError += (error - this.#meanError) / 32;
    this.#maxError = Math.max(this.#maxError, error);
  }
}
