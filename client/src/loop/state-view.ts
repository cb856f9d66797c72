import { ProtocolError } from '@spillway/envelope';
import {
  type EntityOf,
  type KindPlan,
  type KindSet,
  readSnapshot,
  type Snapshot,
  type SnapshotAck,
  type SnapshotPart,
  type SnapshotRecord,
  type StateSchema,
} from '@spillway/envelope/loop';
import { AckWindow } from './state-ack.ts';
import { Coverage } from './state-coverage.ts';
import { type Moment, StateHistory } from './state-history.ts';

/** What became of the parts that came. Sums. */
export interface StateViewStats {
  readonly parts: number;
  readonly bytes: number;
  /** Came a second time. */
  readonly duplicates: number;
  /** Came so late that no acknowledgement could have named them. */
  readonly late: number;
  /** Were no parts of this schema, and threw. */
  readonly malformed: number;
  /** Entities told as a change against a state that is not here; the server tells them in full in the end. */
  readonly missingBaselines: number;
}

export interface StateViewOptions {
  /** States kept per entity at most, to tell changes against; the server's `history` or more. @default 128 */
  readonly history?: number | undefined;
}

/**
 * The client's half of state synchronisation: reads parts of snapshots in whatever order they come, and says which it
 * has. What it cannot know for sure it never shows as known.
 */
export class StateView<const Kinds extends KindSet = KindSet> {
  readonly #schema: StateSchema<Kinds>;
  readonly #history: number;
  readonly #entities = new Map<number, StateHistory<EntityOf<Kinds>>>();
  readonly #window = new AckWindow();
  readonly #coverage = new Coverage();
  #parts = 0;
  #bytes = 0;
  #duplicates = 0;
  #late = 0;
  #malformed = 0;
  #missing = 0;

  constructor(schema: StateSchema<Kinds>, options: StateViewOptions = {}) {
    this.#schema = schema;
    this.#history = options.history ?? 128;
  }

  /** Which parts are here: goes to the server with the inputs, or by itself some times a second. */
  get ack(): SnapshotAck {
    return this.#window.ack;
  }

  /**
   * Reads one part. Returns the world as of its tick, as far as it is known by now, so each part of one tick returns a
   * fuller snapshot of it; undefined where the part tells nothing new.
   * @throws ProtocolError for bytes that are no part of a snapshot
   * @throws StateError `schema-mismatch` where the server uses another schema
   */
  read(bytes: Uint8Array): Snapshot<EntityOf<Kinds>> | undefined {
    this.#parts++;
    this.#bytes += bytes.length;
    try {
      return this.#take(readSnapshot(this.#schema, bytes));
    } catch (error) {
      this.#malformed++;
      throw error;
    }
  }

  /** Forgets everything: for a server that has begun to count anew. Sums go on. */
  reset(): void {
    this.#entities.clear();
    this.#window.reset();
    this.#coverage.reset();
  }

  stats(): StateViewStats {
    return {
      parts: this.#parts,
      bytes: this.#bytes,
      duplicates: this.#duplicates,
      late: this.#late,
      malformed: this.#malformed,
      missingBaselines: this.#missing,
    };
  }

  #take(part: SnapshotPart): Snapshot<EntityOf<Kinds>> | undefined {
    const verdict = this.#window.judge(part.seq);
    if (verdict === 'duplicate') this.#duplicates++;
    if (verdict === 'late') this.#late++;
    if (verdict !== 'new') return undefined;
    // Everything is read before anything is changed: a part that throws has changed nothing.
    const moments = part.records.map((record) => this.#moment(part.tick, record));
    const unread = new Set<number>();
    for (const [index, record] of part.records.entries()) {
      const moment = moments[index];
      if (record.form === 'gone') this.#entity(record.id).leave(part.tick, part.seq);
      else if (moment === undefined) this.#missing++;
      else if (this.#keep(record, moment)) continue;
      if (record.form !== 'gone') unread.add(record.id);
    }
    // Acknowledged means: the server may tell changes against every state in it.
    if (unread.size === 0) this.#window.take(part.seq);
    for (const [id, { goneBy }] of this.#entities) {
      // Whatever could still come about it is older than any part that is not late.
      if (goneBy !== undefined && this.#window.seen - goneBy > 32) this.#entities.delete(id);
    }
    return this.#coverage.add(part, unread) ? this.#snapshot(part) : undefined;
  }

  /** The state that a record leads to; undefined where there is none, or its baseline is gone. */
  #moment(tick: number, record: SnapshotRecord): Moment<EntityOf<Kinds>> | undefined {
    if (record.form === 'gone') return undefined;
    const { kind } = record;
    if (record.form === 'full') {
      return { tick, kind, levels: record.levels, state: this.#state(kind, record.levels) };
    }
    const base = this.#entities.get(record.id)?.at(tick - record.age);
    if (base === undefined || base.kind !== kind) return undefined;
    if (record.mask === 0) return { ...base, tick };
    const levels = [...base.levels];
    let next = 0;
    for (const [index, field] of kind.fields.entries()) {
      if ((record.mask & (1 << index)) === 0) continue;
      const change = record.changes[next++]!;
      if ((record.relative & (1 << index)) === 0) {
        levels[index] = change;
        continue;
      }
      let level = (levels[index] as number) + (change as number);
      // A truth turns over, an angle goes round.
      if (field.form !== 'number') level = (level + field.top + 1) % (field.top + 1);
      if (level < 0 || level > field.top) {
        throw new ProtocolError('bad-value', `${kind.name}.${kind.names[index]} leaves its range`);
      }
      levels[index] = level;
    }
    return { tick, kind, levels, state: this.#state(kind, levels) };
  }

  /** False: it is too old to be kept, so the server must not count on it. */
  #keep(record: SnapshotRecord, moment: Moment<EntityOf<Kinds>>): boolean {
    const history = this.#entity(record.id);
    const kept = history.add(moment);
    if (record.form === 'delta') history.forgetBefore(moment.tick - record.age);
    return kept;
  }

  #entity(id: number): StateHistory<EntityOf<Kinds>> {
    let history = this.#entities.get(id);
    if (history === undefined) {
      history = new StateHistory(this.#history);
      this.#entities.set(id, history);
    }
    return history;
  }

  #state(kind: KindPlan, levels: readonly (number | string)[]): EntityOf<Kinds> {
    const state: Record<string, unknown> = { kind: kind.name };
    for (const [index, field] of kind.fields.entries()) {
      const level = levels[index]!;
      state[kind.names[index]!] = typeof level === 'string' ? level : field.value(level);
    }
    return state as EntityOf<Kinds>;
  }

  #snapshot({ tick, time, inputAck, inputTick }: SnapshotPart): Snapshot<EntityOf<Kinds>> {
    const entities = new Map<number, EntityOf<Kinds>>();
    const stale = new Set<number>();
    for (const [id, history] of this.#entities) {
      const known = history.at(tick);
      const moment = known ?? history.since(tick);
      if (moment === undefined) continue;
      entities.set(id, moment.state);
      if (known === undefined || !this.#coverage.knows(tick, id)) stale.add(id);
    }
    return { tick, time, inputAck, inputTick, entities, stale };
  }
}
