import { Reader } from '../cursor.ts';
import { ProtocolError } from '../errors.ts';
import { LOOP_KIND } from './kinds.ts';
import type { KindPlan, StateSchema } from './schema.ts';
import type { StateField } from './schema-field.ts';
import {
  COUNTER_RANGE,
  MAX_BASELINE_AGE,
  MAX_ENTITIES,
  type SnapshotPart,
  type SnapshotRecord,
} from './snapshot.ts';
import { PART_FLAGS } from './snapshot-writer.ts';
import { BitReader, ESCAPE } from './state-bits.ts';
import { StateError } from './state-error.ts';
import { Spread } from './state-spread.ts';

const ALL_FLAGS = PART_FLAGS.input | PART_FLAGS.partial | PART_FLAGS.range;

/**
 * Reads one part of a snapshot; LOOP.md describes the bytes. It needs no other part: what is told as a change stays one.
 * Throws ProtocolError for bytes that are none, StateError `schema-mismatch` for a part of another schema.
 */
export function readSnapshot(schema: StateSchema, bytes: Uint8Array): SnapshotPart {
  const from = new Reader(bytes);
  if (from.byte() !== LOOP_KIND.snapshot) throw new ProtocolError('unknown-kind', 'no part of a snapshot');
  const flags = from.byte();
  if ((flags & ~ALL_FLAGS) !== 0) throw new ProtocolError('bad-flags', 'reserved bits are set');
  const fingerprint = (from.byte() << 8) | from.byte();
  if (fingerprint !== schema.fingerprint) {
    throw new StateError('schema-mismatch', 'the server describes its entities by another schema');
  }
  const seq = counter(from.varint(), 'seq');
  const tick = counter(from.varint(), 'tick');
  const clock = from.take(8);
  const time = new DataView(clock.buffer, clock.byteOffset, 8).getFloat64(0);
  if (seq === 0 || !Number.isFinite(time))
    throw new ProtocolError('bad-value', 'seq from 1 on, a finite time');
  const hasInput = (flags & PART_FLAGS.input) > 0;
  const inputAck = hasInput ? counter(tick - unfolded(from.varint()), 'inputAck') : 0;
  const inputTick = hasInput ? counter(tick - unfolded(from.varint()), 'inputTick') : 0;
  const ranged = (flags & PART_FLAGS.range) > 0;
  const first = ranged ? below(MAX_ENTITIES, from.varint(), 'from') : 0;
  const last = ranged ? below(MAX_ENTITIES, first + from.varint(), 'to') : MAX_ENTITIES - 1;
  const count = from.varint();
  if (count > last - first + 1) throw new ProtocolError('bad-value', 'more records than ids');
  const records = new RecordReader(schema, from.take(), tick, first - 1, last).all(count);
  return {
    seq,
    tick,
    time,
    inputAck,
    inputTick,
    partial: (flags & PART_FLAGS.partial) > 0,
    from: first,
    to: last,
    records,
  };
}

class RecordReader {
  readonly #schema: StateSchema;
  readonly #bits: BitReader;
  readonly #spread: Spread;
  readonly #masks: Int32Array;
  readonly #tick: number;
  readonly #top: number;
  #last: number;
  #age = 0;

  constructor(schema: StateSchema, bytes: Uint8Array, tick: number, before: number, top: number) {
    this.#schema = schema;
    this.#bits = new BitReader(bytes);
    this.#spread = new Spread(schema);
    this.#masks = new Int32Array(schema.kinds.length);
    this.#tick = tick;
    this.#last = before;
    this.#top = top;
  }

  all(count: number): SnapshotRecord[] {
    const records: SnapshotRecord[] = [];
    // No array of `count` is made on the word of the count: each record takes two bits at least.
    while (records.length < count) records.push(this.#record());
    this.#bits.end();
    return records;
  }

  #record(): SnapshotRecord {
    const bits = this.#bits;
    const id = below(this.#top + 1, this.#last + 1 + bits.golomb(), 'id');
    this.#last = id;
    if (bits.read(1) === 0) return this.#delta(id);
    if (bits.read(1) === 1) return { form: 'gone', id };
    const kind = this.#kind();
    return { form: 'full', id, kind, levels: kind.fields.map((field) => this.#whole(field)) };
  }

  #delta(id: number): SnapshotRecord {
    const bits = this.#bits;
    const kind = this.#kind();
    if (bits.read(1) === 1) this.#age = bits.golomb() + 1;
    const age = this.#age;
    if (age < 1 || age > MAX_BASELINE_AGE || age > this.#tick) {
      throw new ProtocolError('bad-value', 'a baseline that cannot be');
    }
    if (bits.read(1) === 1) this.#masks[kind.index] = bits.read(kind.fields.length);
    const mask = this.#masks[kind.index]!;
    let relative = 0;
    const changes: (number | string)[] = [];
    for (let index = 0; index < kind.fields.length; index++) {
      if ((mask & (1 << index)) === 0) continue;
      const field = kind.fields[index]!;
      if (field.form === 'boolean') {
        relative |= 1 << index;
        changes.push(1);
      } else if (field.form === 'number' || field.form === 'angle') {
        const change = this.#change(kind.firstCode + index);
        if (change !== undefined) relative |= 1 << index;
        changes.push(change ?? this.#level(field));
      } else changes.push(this.#whole(field));
    }
    return { form: 'delta', id, kind, age, mask, relative, changes };
  }

  #kind(): KindPlan {
    const kind = this.#schema.kinds[this.#bits.read(this.#schema.kindBits)];
    if (kind === undefined) throw new ProtocolError('bad-value', 'a kind that the schema does not have');
    return kind;
  }

  #whole(field: StateField<unknown>): number | string {
    const level = this.#level(field);
    return field.form === 'text' ? this.#bits.text(level) : level;
  }

  #level(field: StateField<unknown>): number {
    return below(field.top + 1, this.#bits.read(field.bits), field.form);
  }

  /** Undefined: it is an escape, and the level follows. */
  #change(code: number): number | undefined {
    const low = this.#spread.bits(code);
    const ones = this.#bits.unary();
    if (ones === ESCAPE) {
      this.#spread.escaped(code, low);
      return undefined;
    }
    const folded = ones * 2 ** low + this.#bits.read(low);
    this.#spread.learn(code, folded);
    return folded % 2 === 0 ? folded / 2 + 1 : -(folded + 1) / 2;
  }
}

/** 0, 1, 2, 3, 4, … as 0, -1, 1, -2, 2, … */
function unfolded(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function counter(value: number, name: string): number {
  if (value < 0) throw new ProtocolError('bad-value', `${name}: expected 0 or more`);
  return below(COUNTER_RANGE, value, name);
}

function below(limit: number, value: number, name: string): number {
  if (value >= limit) throw new ProtocolError('bad-value', `${name}: expected less than ${limit}`);
  return value;
}
