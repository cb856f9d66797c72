import {
  COUNTER_RANGE,
  type EntityOf,
  type FieldsOf,
  type KindPlan,
  type KindSet,
  MAX_ENTITIES,
  StateError,
  type StateSchema,
  type Tally,
} from '@spillway/envelope/loop';
import { StateStore } from './state-store.ts';
import { Viewer, type ViewerOptions } from './viewer.ts';

export interface StateSyncOptions {
  /**
   * Entities at most, those counted whose id rests after they are gone. Up to 65536; memory is this many rows, as far as
   * used, for each frame of `history`. @default 4096
   */
  readonly maxEntities?: number | undefined;
  /**
   * Committed worlds that are kept. A viewer whose acknowledgement is older gets entities in full; the id of an entity
   * that is gone rests for as long. @default 64, which is two seconds at 30 Hz
   */
  readonly history?: number | undefined;
}

/** The fields of an entity, and its kind or not. */
export type ValuesOf<Kinds extends KindSet, Kind extends keyof Kinds> = FieldsOf<Kinds[Kind]> & {
  readonly kind?: Kind;
};

/** How a world does. */
export interface StateSyncStats {
  readonly entities: number;
  /** Values outside their field's range, over all. */
  readonly clamped: number;
  /** The last committed tick; -1: none. */
  readonly tick: number;
}

/**
 * The server's half of state synchronisation: the entities of one world. Change them with `add`, `update`, `remove`;
 * `commit` makes what they are now the state of a tick; each client's `Viewer` then tells it what it does not have.
 */
export class StateSync<const Kinds extends KindSet = KindSet> {
  readonly #schema: StateSchema<Kinds>;
  readonly #store: StateStore;
  readonly #tally: Tally = { clamped: 0 };
  #tick = -1;

  /** Throws RangeError for options outside their range. */
  constructor(schema: StateSchema<Kinds>, options: StateSyncOptions = {}) {
    const { maxEntities = 4096, history = 64 } = options;
    if (!Number.isInteger(maxEntities) || maxEntities < 1 || maxEntities > MAX_ENTITIES) {
      throw new RangeError(`maxEntities: 1 to ${MAX_ENTITIES}`);
    }
    if (!Number.isInteger(history) || history < 2 || history > 1024)
      throw new RangeError('history: 2 to 1024');
    this.#schema = schema;
    this.#store = new StateStore(schema, history, maxEntities);
  }

  /**
   * Adds an entity with all its fields. Returns its id, which is its own until `history` frames after it is gone.
   * @throws StateError `unknown-kind`, `unknown-field`, `too-many-entities`, `bad-value` also for a field that is missing
   */
  add<Kind extends keyof Kinds & string>(kind: Kind, values: ValuesOf<Kinds, Kind>): number {
    const plan = this.#schema.plan(kind);
    this.#check(plan, values, true);
    const id = this.#store.add(plan);
    this.#set(id, plan, values);
    return id;
  }

  /**
   * Changes fields of an entity; an entity as `get` gives it may be given back whole. Numbers outside their range are
   * clamped and counted; anything else that a field cannot hold changes nothing and throws.
   * @throws StateError `unknown-entity`, `unknown-field`, `bad-value`
   */
  update<Kind extends keyof Kinds & string>(id: number, values: Partial<ValuesOf<Kinds, Kind>>): void {
    const plan = this.#store.plan(id);
    this.#check(plan, values, false);
    this.#set(id, plan, values);
  }

  /** Takes an entity out. Throws StateError `unknown-entity`. */
  remove(id: number): void {
    this.#store.remove(id);
  }

  has(id: number): boolean {
    return this.#store.has(id);
  }

  /**
   * The entity as clients read it: every number at its nearest step. A simulation that goes on from here, rather than
   * from its own finer numbers, is one that a client can predict exactly. Undefined: there is no such entity.
   */
  get(id: number): EntityOf<Kinds> | undefined {
    if (!this.#store.has(id)) return undefined;
    const plan = this.#store.plan(id);
    const state: Record<string, unknown> = { kind: plan.name };
    for (const [index, field] of plan.fields.entries()) {
      state[plan.names[index]!] =
        field.form === 'text' ? this.#store.word(id, index) : field.value(this.#store.level(id, index));
    }
    return state as EntityOf<Kinds>;
  }

  /**
   * Makes the world as it is now the state of `tick`; viewers tell it until the next commit. `time` is the server's, ms.
   * @throws RangeError where `tick` does not rise, or `time` is not finite
   */
  commit(tick: number, time: number): void {
    if (!Number.isInteger(tick) || tick <= this.#tick || tick >= COUNTER_RANGE) {
      throw new RangeError(`tick ${tick} after ${this.#tick}`);
    }
    if (!Number.isFinite(time)) throw new RangeError(`time ${time}`);
    this.#tick = tick;
    this.#store.commit(tick, time);
  }

  /** What one client is told. Throws RangeError for options outside their range. */
  viewer(options: ViewerOptions = {}): Viewer {
    return new Viewer(this.#store, options);
  }

  stats(): StateSyncStats {
    return { entities: this.#store.size, clamped: this.#tally.clamped, tick: this.#tick };
  }

  /** All values are looked at before the first is taken. */
  #check(plan: KindPlan, values: Readonly<Record<string, unknown>>, all: boolean): void {
    const ignored: Tally = { clamped: 0 };
    for (const name in values) {
      const index = plan.names.indexOf(name);
      if (name === 'kind' && values[name] !== plan.name) {
        throw new StateError('bad-value', `a ${plan.name} stays one`);
      }
      if (name === 'kind') continue;
      if (index >= 0) check(plan, index, values[name], ignored);
      else throw new StateError('unknown-field', `${plan.name} has no field '${name}'`);
    }
    if (!all) return;
    const missing = plan.names.find((name) => !Object.hasOwn(values, name));
    if (missing !== undefined) throw new StateError('bad-value', `${plan.name}.${missing} is missing`);
  }

  #set(id: number, plan: KindPlan, values: Readonly<Record<string, unknown>>): void {
    for (const name in values) {
      const index = plan.names.indexOf(name);
      const field = plan.fields[index];
      if (field === undefined) continue;
      if (field.form === 'text') this.#store.setWord(id, index, values[name] as string);
      else this.#store.setLevel(id, index, field.level(values[name], this.#tally));
    }
  }
}

function check(plan: KindPlan, index: number, value: unknown, tally: Tally): void {
  try {
    plan.fields[index]!.level(value, tally);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    throw new StateError(error.code, `${plan.name}.${plan.names[index]}: ${error.message}`);
  }
}
