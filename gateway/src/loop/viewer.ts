import {
  type KindPlan,
  MAX_BASELINE_AGE,
  MAX_ENTITIES,
  type SnapshotAck,
  type SnapshotHead,
  SnapshotWriter,
} from '@spillway/envelope/loop';
import { type StateStore, VACANT } from './state-store.ts';
import { PartLog } from './viewer-parts.ts';

export interface ViewerOptions {
  /**
   * Names what this viewer is to see: calls `see` with the id of each. Called once per `encode`; `Grid` answers it without
   * allocating. An id that no entity has is ignored. @default everything
   */
  readonly interest?: ((see: (id: number) => void) => void) | undefined;
  /** Bytes of one part at most: what fits a datagram beside the envelope's header. @default 1100 */
  readonly partBytes?: number | undefined;
  /**
   * Bytes of one tick at most. Where there is more to tell, what was told longest ago comes first and the rest waits; at
   * least `partBytes`. @default 8 parts
   */
  readonly bytesPerTick?: number | undefined;
}

/** The newest input of this viewer that the state includes; see `SnapshotHead`. */
export type InputMark = Pick<SnapshotHead, 'inputAck' | 'inputTick'>;

/** What a viewer was told. Sums, but for `present`. */
export interface ViewerStats {
  /** Entities that it sees. */
  readonly present: number;
  readonly parts: number;
  readonly bytes: number;
  readonly acknowledgedParts: number;
  /** Entities told in full, as a change, as gone. */
  readonly full: number;
  readonly delta: number;
  readonly gone: number;
  /** Entities that had to wait for a later tick, by `bytesPerTick`. */
  readonly deferred: number;
  /** Of those in full: told before, but the acknowledged frame was no longer kept. */
  readonly lostBaselines: number;
  /** Acknowledgements of parts that were never sent. */
  readonly badAcks: number;
  /** How often the client said that it has nothing after it had had something. */
  readonly resets: number;
}

/** What a viewer knows of an entity, at most. */
const UNTOLD = 0;
const PRESENT = 1;
const LEAVING = 2;
/** Parts that an acknowledgement names besides the newest. */
const REACH = 32;
const NO_INPUT: InputMark = { inputAck: 0, inputTick: 0 };
/** A part that would have less room than this is not begun. */
const SMALLEST_PART = 64;

/** A written part, and which of the listed entities it tells. */
interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly from: number;
  readonly to: number;
}

/** Tells one client what it does not have of a world. Made by `StateSync.viewer`. */
export class Viewer {
  readonly #store: StateStore;
  readonly #interest: ViewerOptions['interest'];
  readonly #partBytes: number;
  readonly #budget: number;
  readonly #writer: SnapshotWriter;
  readonly #log = new PartLog();
  readonly #see = (id: number): void => {
    this.#seen[id] = this.#round;
  };

  // By slot.
  #known = new Uint8Array(0);
  /** The frame since which it is PRESENT or LEAVING: an acknowledgement of an earlier part says nothing about it. */
  #since = new Int32Array(0);
  /** The frame that the client has of it; -1: none. */
  #acked = new Int32Array(0);
  /** The frame at which it was last told; -1: the client cannot have it. */
  #told = new Int32Array(0);
  #seen = new Int32Array(0);

  /** What there is to tell, by slot; the first `#count`. */
  #list = new Int32Array(0);
  #count = 0;
  #order = new Float64Array(0);
  #packed: Packed[] = [];

  #round = 0;
  #seq = 0;
  #hasAcked = false;
  #high = 0;
  #stats = {
    present: 0,
    parts: 0,
    bytes: 0,
    acknowledgedParts: 0,
    full: 0,
    delta: 0,
    gone: 0,
    deferred: 0,
    lostBaselines: 0,
    badAcks: 0,
    resets: 0,
  };

  constructor(store: StateStore, options: ViewerOptions) {
    const { partBytes = 1100, bytesPerTick = 8 * partBytes } = options;
    const largest = Math.max(...store.schema.kinds.map(largestRecord));
    if (!Number.isInteger(partBytes) || partBytes < largest + SMALLEST_PART || partBytes > 65_535) {
      throw new RangeError(`partBytes: ${largest + SMALLEST_PART} (its largest entity fits) to 65535`);
    }
    if (!(bytesPerTick >= partBytes)) throw new RangeError('bytesPerTick: at least partBytes');
    this.#store = store;
    this.#interest = options.interest;
    this.#partBytes = partBytes;
    this.#budget = bytesPerTick;
    this.#writer = new SnapshotWriter(store.schema, partBytes);
  }

  /**
   * Tells the last committed world: calls `send` with each part and its place among those of this tick, one at least.
   * Send them as `latest`, keyed by that place: then a newer one replaces one that still waits. Returns how many.
   * Nothing is told before the first commit.
   */
  encode(send: (part: Uint8Array<ArrayBuffer>, place: number) => void, input: InputMark = NO_INPUT): number {
    const store = this.#store;
    if (store.frame < 0) return 0;
    if (this.#known.length < store.capacity) this.#grow(store.capacity);
    this.#collect();
    const head: SnapshotHead = { tick: store.current.tick, time: store.time, ...input };
    const all = this.#count;
    let fit = this.#pack(head, false);
    if (fit < all) {
      this.#oldestFirst();
      // The rest is written again without those that have to wait; a little less than fitted, as they come in other order.
      for (let wanted = all; fit < wanted; fit = this.#pack(head, true)) {
        wanted = Math.max(1, Math.min(Math.floor(fit * 0.95), wanted - 1));
        this.#choose(wanted);
      }
      this.#stats.deferred += all - this.#count;
    }
    for (const [place, { bytes, from, to }] of this.#packed.entries()) {
      this.#remember(from, to);
      this.#stats.parts++;
      this.#stats.bytes += bytes.length;
      send(bytes, place);
    }
    return this.#packed.length;
  }

  /**
   * Takes in which parts the client has. Order and repetition do not matter. `newest` 0 says that it has nothing: then
   * it gets everything in full. False, and counted: it names a part that was never sent.
   */
  acknowledge({ newest, mask }: SnapshotAck): boolean {
    if (!(newest >= 0 && newest <= this.#seq)) {
      this.#stats.badAcks++;
      return false;
    }
    if (newest === 0) {
      if (this.#hasAcked) this.#reset();
      return true;
    }
    this.#take(newest);
    for (let back = 0; back < REACH && newest - 1 - back > 0; back++) {
      if ((mask >>> back) % 2 === 1) this.#take(newest - 1 - back);
    }
    return true;
  }

  stats(): ViewerStats {
    return { ...this.#stats };
  }

  /** What differs between the world and what the client has, by ascending slot. */
  #collect(): void {
    const { frame, kinds, changed } = this.#store;
    const interest = this.#interest;
    this.#round++;
    if (interest !== undefined) interest(this.#see);
    this.#high = Math.max(this.#high, this.#store.high);
    let count = 0;
    let present = 0;
    for (let id = 0; id < this.#high; id++) {
      const visible = kinds[id] !== VACANT && (interest === undefined || this.#seen[id] === this.#round);
      let known = this.#known[id]!;
      if (visible) {
        present++;
        if (known !== PRESENT) {
          this.#known[id] = PRESENT;
          this.#since[id] = frame;
          this.#acked[id] = -1;
          // Where the client may have it from before, it is to be told when it goes, even if it is not told till then.
          this.#told[id] = known === LEAVING ? 0 : -1;
        } else if (this.#acked[id]! >= changed[id]!) {
          // What it has is the state of this frame, too: a later change can be told against this one.
          this.#acked[id] = frame;
          continue;
        }
        this.#list[count++] = id;
        continue;
      }
      if (known === PRESENT) {
        known = this.#told[id]! < 0 ? UNTOLD : LEAVING;
        this.#known[id] = known;
        this.#since[id] = frame;
        this.#told[id] = -1;
      }
      if (known === LEAVING) this.#list[count++] = id;
    }
    this.#count = count;
    this.#stats.present = present;
  }

  /** Writes the list into parts. Returns how many of it fit the budget: the parts are whole when that is all. */
  #pack(head: SnapshotHead, partial: boolean): number {
    const writer = this.#writer;
    const now = this.#store.current;
    const { stride, kinds } = this.#store.schema;
    this.#packed = [];
    let seq = this.#seq + 1;
    let left = this.#budget;
    let from = 0;
    writer.begin(head, seq, 0, this.#partBytes);
    for (let at = 0; at < this.#count; at++) {
      const id = this.#list[at]!;
      const kind = kinds[this.#store.kinds[id]!];
      const leaves = this.#known[id] === LEAVING || kind === undefined;
      const bits = leaves ? GONE_BITS : writer.bitsOf(kind, now, id * stride);
      if (!writer.fits(bits)) {
        if (writer.records === 0) return from;
        const bytes = writer.finish(id - 1, partial);
        this.#packed.push({ bytes, from, to: at });
        left -= bytes.length;
        from = at;
        if (left < SMALLEST_PART) return from;
        writer.begin(head, ++seq, id, Math.min(left, this.#partBytes));
        if (!writer.fits(bits)) return from;
      }
      if (leaves) writer.gone(id);
      else this.#tell(id, kind, head.tick);
    }
    this.#packed.push({ bytes: writer.finish(MAX_ENTITIES - 1, partial), from, to: this.#count });
    return this.#count;
  }

  #tell(id: number, kind: KindPlan, tick: number): void {
    const now = this.#store.current;
    const at = id * this.#store.schema.stride;
    const then = this.#store.at(this.#acked[id]!);
    const age = then === undefined ? 0 : tick - then.tick;
    if (then === undefined || age < 1 || age > MAX_BASELINE_AGE) this.#writer.full(id, kind, now, at);
    else this.#writer.delta(id, kind, age, now, at, then.levels, at);
  }

  /** Puts what there is to tell in the order in which it was last told. */
  #oldestFirst(): void {
    for (let at = 0; at < this.#count; at++) {
      const id = this.#list[at]!;
      this.#order[at] = (this.#told[id]! + 1) * MAX_ENTITIES + id;
    }
    this.#order.subarray(0, this.#count).sort();
  }

  /** The list is the first `count` of that order, by ascending slot. */
  #choose(count: number): void {
    for (let at = 0; at < count; at++) this.#list[at] = this.#order[at]! % MAX_ENTITIES;
    this.#list.subarray(0, count).sort();
    this.#count = count;
  }

  #remember(from: number, to: number): void {
    const { frame } = this.#store;
    const sent = this.#log.begin(++this.#seq, frame, to - from);
    for (let at = from; at < to; at++) {
      const id = this.#list[at]!;
      const leaves = this.#known[id] === LEAVING;
      sent.slots[sent.count++] = leaves ? ~id : id;
      this.#told[id] = frame;
      if (leaves) this.#stats.gone++;
      else if (this.#store.at(this.#acked[id]!) !== undefined) this.#stats.delta++;
      else {
        this.#stats.full++;
        if (this.#acked[id]! >= 0) this.#stats.lostBaselines++;
      }
    }
  }

  #take(seq: number): void {
    const part = this.#log.unacknowledged(seq);
    if (part === undefined) return;
    part.acknowledged = true;
    this.#hasAcked = true;
    this.#stats.acknowledgedParts++;
    for (let at = 0; at < part.count; at++) {
      const slot: number = part.slots[at]!;
      const id = slot < 0 ? ~slot : slot;
      if (part.frame < this.#since[id]!) continue;
      if (slot < 0) {
        if (this.#known[id] !== LEAVING) continue;
        this.#known[id] = UNTOLD;
        this.#told[id] = -1;
      } else if (this.#known[id] === PRESENT && part.frame > this.#acked[id]!) {
        this.#acked[id] = part.frame;
      }
    }
  }

  #reset(): void {
    this.#hasAcked = false;
    this.#stats.resets++;
    this.#acked.fill(-1);
    this.#log.clear();
  }

  #grow(capacity: number): void {
    const { length } = this.#known;
    const longer = (old: Int32Array<ArrayBuffer>, empty: number): Int32Array<ArrayBuffer> => {
      const made = new Int32Array(capacity).fill(empty, length);
      made.set(old);
      return made;
    };
    const known = new Uint8Array(capacity);
    known.set(this.#known);
    this.#known = known;
    this.#since = longer(this.#since, -1);
    this.#acked = longer(this.#acked, -1);
    this.#told = longer(this.#told, -1);
    this.#seen = longer(this.#seen, -1);
    this.#list = new Int32Array(capacity);
    this.#order = new Float64Array(capacity);
  }
}

/** Of a record that says an entity is gone: the gap of ids and the form. */
const GONE_BITS = 35;

/** Bytes of the largest record of a kind. */
function largestRecord(kind: KindPlan): number {
  let bits = kind.recordBits;
  for (const { form, top } of kind.fields) if (form === 'text') bits += 8 * top;
  return Math.ceil(bits / 8);
}
