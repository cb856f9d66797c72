import { type Extrapolate, extrapolate, type Moment } from './extrapolate.ts';
import { type FieldRules, type Interpolate, interpolateFields } from './interpolate.ts';
import {
  SnapshotBuffer,
  type SnapshotBufferOptions,
  type SnapshotBufferStats,
  type Timed,
} from './snapshot-buffer.ts';

/** What a view needs of a snapshot. */
export interface EntitySnapshot<State> extends Timed {
  readonly entities: ReadonlyMap<number, State>;
}

export interface InterpolatedViewOptions<State extends object> extends SnapshotBufferOptions {
  /** How each field goes from one snapshot to the next. @default numbers evenly, everything else in steps */
  readonly fields?: FieldRules<State> | undefined;
  /** In the place of `fields`, a rule of your own; pure. */
  readonly interpolate?: Interpolate<State> | undefined;
  /** How an entity goes on when snapshots stay out; pure. @default the way of the last two snapshots */
  readonly extrapolate?: Extrapolate<State> | undefined;
  /** For how long it goes on before it holds, ms; 0 holds at once. @default 150 */
  readonly extrapolationLimit?: number | undefined;
}

/** How a view does. */
export interface InterpolatedViewStats extends SnapshotBufferStats {
  /** Views that had to guess past the newest snapshot. */
  readonly extrapolated: number;
  /** Those of them past the limit, where everything held still. */
  readonly held: number;
}

/**
 * Where the entities of others are drawn: between two snapshots, a little behind the server's clock. One that appears is
 * there from the time of its first snapshot on, one that goes until the time of the first without it.
 */
export class InterpolatedView<State extends object, S extends EntitySnapshot<State> = EntitySnapshot<State>> {
  /** The snapshots that the view draws between. */
  readonly buffer: SnapshotBuffer<S>;
  readonly #interpolate: Interpolate<State>;
  readonly #extrapolate: Extrapolate<State> | undefined;
  readonly #limit: number;
  #extrapolated = 0;
  #held = 0;

  constructor(options: InterpolatedViewOptions<State> = {}) {
    this.buffer = new SnapshotBuffer(options);
    this.#interpolate = options.interpolate ?? interpolateFields(options.fields);
    this.#extrapolate = options.extrapolate;
    this.#limit = options.extrapolationLimit ?? 150;
  }

  /** Takes a snapshot that came at `serverNow`. False: too late to be of use. */
  add(snapshot: S, serverNow: number): boolean {
    return this.buffer.add(snapshot, serverNow);
  }

  /** The entities to draw at `serverNow`. Call it once a frame. */
  view(serverNow: number): ReadonlyMap<number, State> {
    const time = this.buffer.advance(serverNow);
    const { before, after, share } = this.buffer.around(time);
    // Nothing was so early: the first snapshot has not had its time yet.
    if (!before) return new Map();
    if (!after) return this.#beyond(before, time);
    const entities = new Map<number, State>();
    for (const [id, state] of before.entities) {
      const next = after.entities.get(id);
      entities.set(id, next === undefined ? state : this.#interpolate(state, next, share));
    }
    return entities;
  }

  /** For another life of the server. */
  clear(): void {
    this.buffer.clear();
  }

  stats(): InterpolatedViewStats {
    return { ...this.buffer.stats(), extrapolated: this.#extrapolated, held: this.#held };
  }

  #beyond(last: S, time: number): ReadonlyMap<number, State> {
    if (time > last.time) this.#extrapolated += 1;
    if (time > last.time + this.#limit) this.#held += 1;
    const previous = this.buffer.previous(last);
    const entities = new Map<number, State>();
    for (const [id, state] of last.entities) {
      const known = previous?.entities.get(id);
      const from: Moment<State> | undefined =
        previous && known !== undefined ? { time: previous.time, state: known } : undefined;
      const moment = { time: last.time, state };
      entities.set(id, extrapolate(from, moment, time, this.#limit, this.#interpolate, this.#extrapolate));
    }
    return entities;
  }
}
