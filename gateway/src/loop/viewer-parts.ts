/** Parts of which the contents are remembered until they are acknowledged. */
const REMEMBERED = 128;

/** What one part told. */
export interface SentPart {
  seq: number;
  frame: number;
  /** Slots; those of entities that are gone as ~slot. */
  slots: Int32Array<ArrayBuffer>;
  count: number;
  acknowledged: boolean;
}

/** What the last parts to one viewer told. A ring; the oldest is forgotten first, which costs bytes and nothing else. */
export class PartLog {
  readonly #parts: (SentPart | undefined)[] = [];

  /** A part to fill in, in the place of the oldest. */
  begin(seq: number, frame: number, capacity: number): SentPart {
    const at = seq % REMEMBERED;
    const old = this.#parts[at];
    const slots = old !== undefined && old.slots.length >= capacity ? old.slots : new Int32Array(capacity);
    const part: SentPart = old ?? { seq, frame, slots, count: 0, acknowledged: false };
    part.seq = seq;
    part.frame = frame;
    part.slots = slots;
    part.count = 0;
    part.acknowledged = false;
    this.#parts[at] = part;
    return part;
  }

  /** A part by number, unless it was forgotten or has been acknowledged already. */
  unacknowledged(seq: number): SentPart | undefined {
    const part = this.#parts[seq % REMEMBERED];
    return part === undefined || part.seq !== seq || part.acknowledged ? undefined : part;
  }

  clear(): void {
    this.#parts.length = 0;
  }
}
