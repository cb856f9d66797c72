/** A packet of `complete` readings that the gateway has not confirmed. */
export interface Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly readings: number;
  /** It is on its way. */
  sent: boolean;
}

/** What keeping a batch costs besides its bytes. */
const OVERHEAD = 64;

/** Batches that wait to be sent or confirmed, by age, within a bound. */
export class Store {
  readonly #max: number;
  readonly #order: 'oldest' | 'newest';
  readonly #dropped: (batch: Batch) => void;
  /** The oldest first. */
  #batches: Batch[] = [];
  #bytes = 0;
  #readings = 0;

  /** @param dropped hears of each batch that had no room */
  constructor(max: number, order: 'oldest' | 'newest', dropped: (batch: Batch) => void) {
    this.#max = max;
    this.#order = order;
    this.#dropped = dropped;
  }

  /** With what it costs to keep them. */
  get bytes(): number {
    return this.#bytes;
  }

  get readings(): number {
    return this.#readings;
  }

  get size(): number {
    return this.#batches.length;
  }

  /** Takes one in. Where there is no room the oldest that is not on its way goes, which may be this one. */
  put(bytes: Uint8Array<ArrayBuffer>, readings: number): void {
    this.#batches.push({ bytes, readings, sent: false });
    this.#count(bytes.length + OVERHEAD, readings);
    const gone: Batch[] = [];
    while (this.#bytes > this.#max) {
      const oldest = this.#batches.find(({ sent }) => !sent);
      if (!oldest) break;
      this.#remove(oldest);
      gone.push(oldest);
    }
    // Whoever hears of it may put something in.
    for (const batch of gone) this.#dropped(batch);
  }

  /** The next one to send, if any. */
  next(): Batch | undefined {
    const waits = ({ sent }: Batch): boolean => !sent;
    return this.#order === 'oldest' ? this.#batches.find(waits) : this.#batches.findLast(waits);
  }

  /** The gateway has it, or it is not to be kept any longer. */
  confirm(batch: Batch): void {
    this.#remove(batch);
  }

  #remove(batch: Batch): void {
    const from = this.#batches.indexOf(batch);
    if (from < 0) return;
    this.#batches.splice(from, 1);
    this.#count(-batch.bytes.length - OVERHEAD, -batch.readings);
  }

  #count(bytes: number, readings: number): void {
    this.#bytes += bytes;
    this.#readings += readings;
  }
}
