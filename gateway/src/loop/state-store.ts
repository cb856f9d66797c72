import { type KindPlan, type Levels, StateError, type StateSchema } from '@spillway/envelope/loop';

/** A slot that holds no entity. */
export const VACANT = -1;

/** One committed world. */
export interface Frame extends Levels {
  /** A row of levels per slot, `stride` apart. */
  readonly levels: Int32Array<ArrayBuffer>;
  tick: number;
}

/**
 * The entities of a world as levels, by slot, and the worlds of the last frames, for all viewers together: to tell one
 * viewer a change only the frame that it acknowledged has to be known. Ids are slots.
 */
export class StateStore {
  readonly schema: StateSchema;
  readonly history: number;
  readonly #limit: number;
  /** Changes since the last commit. */
  #levels: Int32Array<ArrayBuffer>;
  #words: string[] = [];
  #kinds: Int16Array<ArrayBuffer>;
  /** As committed. */
  kinds: Int16Array<ArrayBuffer>;
  /** The frame at which a slot's entity last changed. */
  changed: Int32Array<ArrayBuffer>;
  #texts: (Uint8Array | undefined)[] = [];
  #textLevels: number[] = [];
  readonly #frames: Frame[] = [];
  readonly #resting: { readonly id: number; readonly frame: number }[] = [];
  readonly #utf8 = new TextEncoder();
  /** Number of the last committed world; -1: none. */
  frame = -1;
  time = 0;
  /** Slots in use are below this. */
  high = 0;
  size = 0;

  constructor(schema: StateSchema, history: number, limit: number) {
    this.schema = schema;
    this.history = history;
    this.#limit = limit;
    const capacity = Math.min(64, limit);
    this.#levels = new Int32Array(capacity * schema.stride);
    this.#kinds = new Int16Array(capacity).fill(VACANT);
    this.kinds = new Int16Array(capacity).fill(VACANT);
    this.changed = new Int32Array(capacity);
  }

  get capacity(): number {
    return this.kinds.length;
  }

  /** The last committed world. */
  get current(): Frame {
    return this.#frames[this.frame % this.history]!;
  }

  /** A committed world; undefined where it is no longer kept. */
  at(frame: number): Frame | undefined {
    return frame >= 0 && frame > this.frame - this.history ? this.#frames[frame % this.history] : undefined;
  }

  /** Takes a slot. Throws StateError `too-many-entities`. */
  add(kind: KindPlan): number {
    let id = this.high;
    // An id means another entity only when no frame that had the former one can be a baseline any more.
    const rested = this.#resting[0];
    if (rested !== undefined && this.frame - rested.frame > this.history) {
      id = rested.id;
      this.#resting.shift();
    } else if (id < this.#limit) this.high++;
    else throw new StateError('too-many-entities', `${this.#limit} ids are in use or rest`);
    if (id >= this.capacity) this.#grow();
    this.#kinds[id] = kind.index;
    this.size++;
    return id;
  }

  /** Frees a slot. Throws StateError `unknown-entity`. */
  remove(id: number): void {
    this.plan(id);
    this.#kinds[id] = VACANT;
    this.#resting.push({ id, frame: this.frame });
    this.size--;
  }

  has(id: number): boolean {
    return (this.#kinds[id] ?? VACANT) !== VACANT;
  }

  /** The kind of an entity. Throws StateError `unknown-entity`. */
  plan(id: number): KindPlan {
    const kind = this.schema.kinds[this.#kinds[id] ?? VACANT];
    if (kind === undefined) throw new StateError('unknown-entity', `there is no entity ${id}`);
    return kind;
  }

  level(id: number, field: number): number {
    return this.#levels[id * this.schema.stride + field]!;
  }

  setLevel(id: number, field: number, level: number): void {
    this.#levels[id * this.schema.stride + field] = level;
  }

  word(id: number, field: number): string {
    return this.#words[id * this.schema.stride + field] ?? '';
  }

  /** A text's level counts its changes, so that frames are compared by levels alone. */
  setWord(id: number, field: number, word: string): void {
    const at = id * this.schema.stride + field;
    if (this.#words[at] === word) return;
    this.#words[at] = word;
    this.#levels[at] = (this.#levels[at]! + 1) | 0;
  }

  /** Makes the world as it is now the newest frame. */
  commit(tick: number, time: number): void {
    const { stride } = this.schema;
    const last = this.frame < 0 ? undefined : this.current;
    const frame = ++this.frame;
    this.time = time;
    const next = this.#frame(frame, tick);
    next.levels.set(this.#levels);
    for (let id = 0; id < this.high; id++) {
      const kind = this.#kinds[id]!;
      this.kinds[id] = kind;
      if (kind === VACANT) continue;
      const from = id * stride;
      const count = this.schema.kinds[kind]!.fields.length;
      let same = last !== undefined;
      for (let at = from; same && at < from + count; at++) same = next.levels[at] === last!.levels[at];
      if (same) continue;
      this.changed[id] = frame;
      this.#encodeTexts(id, kind);
    }
  }

  #frame(frame: number, tick: number): Frame {
    const at = frame % this.history;
    const old = this.#frames[at];
    if (old !== undefined && old.levels.length === this.#levels.length) {
      old.tick = tick;
      return old;
    }
    const made: Frame = { levels: new Int32Array(this.#levels.length), texts: this.#texts, tick };
    this.#frames[at] = made;
    return made;
  }

  /** Texts are encoded once per change, for all viewers. */
  #encodeTexts(id: number, kind: number): void {
    const { stride, kinds } = this.schema;
    for (const [index, { form }] of kinds[kind]!.fields.entries()) {
      const at = id * stride + index;
      if (form !== 'text' || this.#textLevels[at] === this.#levels[at]) continue;
      this.#textLevels[at] = this.#levels[at]!;
      this.#texts[at] = this.#utf8.encode(this.#words[at] ?? '');
    }
  }

  #grow(): void {
    const capacity = Math.min(this.capacity * 2, this.#limit);
    const grown = <Numbers extends { set(from: Numbers): void }>(to: Numbers, from: Numbers): Numbers => {
      to.set(from);
      return to;
    };
    this.#levels = grown(new Int32Array(capacity * this.schema.stride), this.#levels);
    this.#kinds = grown(new Int16Array(capacity).fill(VACANT), this.#kinds);
    this.kinds = grown(new Int16Array(capacity).fill(VACANT), this.kinds);
    this.changed = grown(new Int32Array(capacity), this.changed);
  }
}
