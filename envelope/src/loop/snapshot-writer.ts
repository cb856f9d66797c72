import { Writer } from '../cursor.ts';
import { LOOP_KIND } from './kinds.ts';
import type { KindPlan, StateSchema } from './schema.ts';
import { MAX_ENTITIES, type SnapshotHead } from './snapshot.ts';
import { BitWriter, ESCAPE } from './state-bits.ts';
import { Spread } from './state-spread.ts';

/** Bits of the second byte. */
export const PART_FLAGS = { input: 1, partial: 2, range: 4 } as const;
/** First and last id and the number of records take at most this many bytes. */
const RANGE_BYTES = 9;

/** Where an entity's levels and texts lie in the arrays that it is written from. */
export interface Levels {
  readonly levels: Int32Array;
  /** UTF-8 of the text fields; those of other fields are not looked at. */
  readonly texts: readonly (Uint8Array | undefined)[];
}

/** Writes the parts of snapshots, one after the other, into one buffer. Entities come by ascending id. */
export class SnapshotWriter {
  readonly #schema: StateSchema;
  readonly #partBytes: number;
  #limit = 0;
  readonly #body: BitWriter;
  readonly #spread: Spread;
  readonly #masks: Int32Array;
  #head: Uint8Array = new Uint8Array(0);
  #from = 0;
  #last = -1;
  #age = 0;
  #records = 0;

  /** @param partBytes a part's size at most */
  constructor(schema: StateSchema, partBytes: number) {
    this.#schema = schema;
    this.#partBytes = partBytes;
    this.#body = new BitWriter(partBytes);
    this.#spread = new Spread(schema);
    this.#masks = new Int32Array(schema.kinds.length);
  }

  /** Records in this part so far. */
  get records(): number {
    return this.#records;
  }

  /** Begins a part that speaks of the ids from `from` on, of at most `limit` bytes. */
  begin(head: SnapshotHead, seq: number, from: number, limit = this.#partBytes): void {
    this.#limit = Math.min(limit, this.#partBytes);
    const out = new Writer();
    out.byte(LOOP_KIND.snapshot);
    out.byte(head.inputAck > 0 || head.inputTick > 0 ? PART_FLAGS.input : 0);
    out.byte(this.#schema.fingerprint >> 8);
    out.byte(this.#schema.fingerprint & 0xff);
    out.varint(seq);
    out.varint(head.tick);
    for (const byte of float64(head.time)) out.byte(byte);
    if (head.inputAck > 0 || head.inputTick > 0) {
      out.varint(foldedBack(head.tick - head.inputAck));
      out.varint(foldedBack(head.tick - head.inputTick));
    }
    this.#head = out.done();
    this.#body.start();
    this.#spread.reset();
    this.#masks.fill(0);
    this.#from = from;
    this.#last = from - 1;
    this.#age = 0;
    this.#records = 0;
  }

  /** Is there room for a record of so many bits? */
  fits(bits: number): boolean {
    return (this.#limit - this.#head.length - RANGE_BYTES) * 8 >= this.#body.length + bits;
  }

  /** Bits that one record needs at most. `base` is where its levels lie in the arrays of `from`. */
  bitsOf(kind: KindPlan, from: Levels, base: number): number {
    let bits = kind.recordBits;
    for (let index = 0; index < kind.fields.length; index++) {
      if (kind.fields[index]!.form === 'text') bits += 8 * (from.texts[base + index]?.length ?? 0);
    }
    return bits;
  }

  /** The entity is gone, for this viewer. */
  gone(id: number): void {
    this.#next(id);
    this.#body.write(0b11, 2);
  }

  /** Everything about an entity. */
  full(id: number, kind: KindPlan, now: Levels, base: number): void {
    this.#next(id);
    this.#body.write(0b10, 2);
    this.#body.write(kind.index, this.#schema.kindBits);
    for (let index = 0; index < kind.fields.length; index++) this.#whole(kind, index, now, base + index);
  }

  /** How an entity differs from its baseline, `age` ticks ago, whose levels lie in `then` from `thenBase` on. */
  delta(
    id: number,
    kind: KindPlan,
    age: number,
    now: Levels,
    base: number,
    then: Int32Array,
    thenBase: number,
  ): void {
    const body = this.#body;
    const count = kind.fields.length;
    this.#next(id);
    body.write(0, 1);
    body.write(kind.index, this.#schema.kindBits);
    if (age === this.#age) body.write(0, 1);
    else {
      body.write(1, 1);
      body.golomb(age - 1);
      this.#age = age;
    }
    let mask = 0;
    for (let index = 0; index < count; index++) {
      if (now.levels[base + index] !== then[thenBase + index]) mask |= 1 << index;
    }
    if (mask === this.#masks[kind.index]) body.write(0, 1);
    else {
      body.write(1, 1);
      body.write(mask, count);
      this.#masks[kind.index] = mask;
    }
    for (let index = 0; index < count; index++) {
      if ((mask & (1 << index)) === 0) continue;
      const field = kind.fields[index]!;
      if (field.form === 'boolean') continue;
      if (field.form === 'number' || field.form === 'angle') {
        const level = now.levels[base + index]!;
        let change = level - then[thenBase + index]!;
        if (field.form === 'angle') {
          const half = (field.top + 1) / 2;
          if (change >= half) change -= 2 * half;
          else if (change < -half) change += 2 * half;
        }
        this.#change(kind.firstCode + index, change, level, field.bits);
      } else this.#whole(kind, index, now, base + index);
    }
  }

  /** Ends the part, which speaks of ids up to `to`. Returns a copy. */
  finish(to: number, partial: boolean): Uint8Array<ArrayBuffer> {
    const range = new Writer();
    const ranged = this.#from > 0 || to < MAX_ENTITIES - 1;
    if (ranged) {
      range.varint(this.#from);
      range.varint(to - this.#from);
    }
    range.varint(this.#records);
    const middle = range.done();
    const size = this.#body.finish();
    const part = new Uint8Array(this.#head.length + middle.length + size);
    part.set(this.#head);
    part[1]! |= (partial ? PART_FLAGS.partial : 0) | (ranged ? PART_FLAGS.range : 0);
    part.set(middle, this.#head.length);
    part.set(this.#body.bytes.subarray(0, size), this.#head.length + middle.length);
    return part;
  }

  #next(id: number): void {
    this.#body.golomb(id - this.#last - 1);
    this.#last = id;
    this.#records++;
  }

  #whole(kind: KindPlan, index: number, now: Levels, at: number): void {
    const field = kind.fields[index]!;
    if (field.form !== 'text') {
      this.#body.write(now.levels[at]!, field.bits);
      return;
    }
    const bytes = now.texts[at];
    this.#body.write(bytes?.length ?? 0, field.bits);
    if (bytes !== undefined) for (const byte of bytes) this.#body.write(byte, 8);
  }

  /** A change that is not 0: 1, -1, 2, -2, … are told as 0, 1, 2, 3, … */
  #change(code: number, change: number, level: number, levelBits: number): void {
    const folded = change > 0 ? change * 2 - 2 : change * -2 - 1;
    const low = this.#spread.bits(code);
    // Unsigned: a folded change may have 32 bits.
    const ones = folded >>> low;
    if (ones >= ESCAPE) {
      this.#spread.escaped(code, low);
      this.#body.write((1 << ESCAPE) - 1, ESCAPE);
      this.#body.write(level, levelBits);
      return;
    }
    this.#spread.learn(code, folded);
    this.#body.write((1 << (ones + 1)) - 2, ones + 1);
    this.#body.write(folded & ((1 << low) - 1), low);
  }
}

/** 0, -1, 1, -2, 2, … as 0, 1, 2, 3, 4, …: inputs are mostly a few ticks back. */
function foldedBack(back: number): number {
  return back >= 0 ? 2 * back : -2 * back - 1;
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}
