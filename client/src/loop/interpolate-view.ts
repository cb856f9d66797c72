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
  /** Those whose state may be older than the snapshot: they are drawn from the snapshots around it. @default none */
  readonly stale?: ReadonlySet<number> | undefined;
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
    const { snapshots } = this.buffer;
    const next = snapshots.findIndex((snapshot) => snapshot.time > time);
    const last = (next === -1 ? snapshots.length : next) - 1;
    const entities = new Map<number, State>();
    const present = snapshots[last];
    // Nothing was so early: the first snapshot has not had its time yet.
    if (!present) return entities;
    this.#count(present, time, next === -1);
    for (const [id, state] of present.entities) {
      const before = this.#known(id, last, -1) ?? { time: present.time, state };
      const after = this.#known(id, last + 1, 1);
      entities.set(id, after ? this.#between(before, after, time) : this.#beyond(id, before, last, time));
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

  #count(newest: S, time: number, isLast: boolean): void {
    if (!isLast || time <= newest.time) return;
    this.#extrapolated += 1;
    if (time > newest.time + this.#limit) this.#held += 1;
  }

  /** The state of an entity in the first snapshot from this place on, forwards or backwards, that is sure of it. */
  #known(id: number, from: number, direction: 1 | -1): Moment<State> | undefined {
    const { snapshots } = this.buffer;
    for (let index = from; index >= 0 && index < snapshots.length; index += direction) {
      const { time, entities, stale } = snapshots[index]!;
      const state = entities.get(id);
      // Not there: what lies beyond is another life of that id.
      if (state === undefined) return undefined;
      if (!stale?.has(id)) return { time, state };
    }
    return undefined;
  }

  #between(before: Moment<State>, after: Moment<State>, time: number): State {
    return this.#interpolate(before.state, after.state, (time - before.time) / (after.time - before.time));
  }

  #beyond(id: number, before: Moment<State>, last: number, time: number): State {
    const { snapshots } = this.buffer;
    const at = snapshots.findLastIndex((snapshot, index) => index <= last && snapshot.time === before.time);
    const previous = this.#known(id, at - 1, -1);
    return extrapolate(previous, before, time, this.#limit, this.#interpolate, this.#extrapolate);
  }
}
