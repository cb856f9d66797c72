/** Where a channel's sequence stands. */
export interface Position {
  /** Names the life of the sequence: a position of another one means nothing. */
  readonly epoch: string;
  readonly seq: number;
}

/** An event that is kept, in the full (self-contained) binary form. */
export interface Kept {
  readonly seq: number;
  /** Gateway clock in ms. */
  readonly ts: number;
  readonly bytes: Uint8Array;
}

/** What has been missed since a position. */
export interface Recovery {
  /** What came after it, as far as it is kept and fits; nothing where the position is of another life. */
  readonly events: readonly Kept[];
  /** Is that everything? */
  readonly recovered: boolean;
  /** The part that is not among them, where the position is of this life: both inclusive. */
  readonly missing: { readonly from: number; readonly to: number } | undefined;
}

export interface PageQuery {
  /** Events at most. */
  readonly limit: number;
  /** Bytes of events at most; one event is given even if it alone is more. */
  readonly maxBytes: number;
  /** The first `seq` of the page. @default the oldest that is kept; the newest where `reverse` */
  readonly from?: number | undefined;
  /** From new to old. */
  readonly reverse?: boolean | undefined;
}

export interface Page extends Position {
  readonly events: readonly Kept[];
  /** The last event that is kept no more: a page that should have begun there or before it is not all. */
  readonly forgotten: number;
  /** `from` of the next page; undefined where there is none. */
  readonly next: number | undefined;
}

/** How much a channel keeps. */
export interface LogOptions {
  /** Events at most; 0: none. */
  readonly size: number;
  /** For how long each, ms. */
  readonly ttl: number;
}

/** What keeping an event costs beside its bytes, about. */
const EVENT_COST = 96;

/**
 * The sequence of one channel and the last events of it, at most `size`, none older than `ttl`. What is too old is
 * gone for every reader at once; the memory of it is given back by `push` and `expire`.
 *
 * Not every event must be kept: one that may be lost on its way need not be. So what is kept may skip numbers, and
 * "forgotten" means only what was kept and is not any more.
 */
export class ChannelLog {
  readonly epoch: string;
  readonly #size: number;
  readonly #ttl: number;
  /** From `#first` on, in the order of `seq` and of `ts`. */
  #events: Kept[] = [];
  #first = 0;
  #seq: number;
  #forgotten: number;
  #bytes = 0;

  /** `start`: the sequence goes on after it. */
  constructor(epoch: string, { size, ttl }: LogOptions, start = 0) {
    this.epoch = epoch;
    this.#size = size;
    this.#ttl = ttl;
    this.#seq = start;
    this.#forgotten = start;
  }

  /** The last number given to an event, kept or not. */
  get seq(): number {
    return this.#seq;
  }

  get position(): Position {
    return { epoch: this.epoch, seq: this.#seq };
  }

  /** Of all that is held in memory, with what holding it costs. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Events held in memory. */
  get length(): number {
    return this.#events.length - this.#first;
  }

  /** Gives a number to an event that is not kept. */
  skip(seq: number): void {
    if (seq <= this.#seq) throw new RangeError(`seq ${seq} does not come after ${this.#seq}`);
    this.#seq = seq;
    // Where nothing is kept whatever was missed is missing; else only what was to be kept.
    if (this.#size === 0) this.#forgotten = seq;
  }

  /** Keeps an event, as far as `size` goes, which makes its `seq` the channel's. */
  push(seq: number, bytes: Uint8Array, now: number): void {
    this.skip(seq);
    if (this.#size === 0) return;
    this.expire(now);
    this.#events.push({ seq, ts: now, bytes: alone(bytes) });
    this.#bytes += bytes.length + EVENT_COST;
    if (this.length > this.#size) this.shift();
  }

  /** Forgets the oldest event. False: there is none. */
  shift(): boolean {
    const oldest = this.#events[this.#first];
    if (oldest === undefined) return false;
    this.#forgotten = oldest.seq;
    this.#bytes -= oldest.bytes.length + EVENT_COST;
    this.#first++;
    // Moves each event once for each time that as many have gone.
    if (this.#first * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    } else {
      this.#events[this.#first - 1] = GONE;
    }
    return true;
  }

  /** Gives back the memory of what is too old. */
  expire(now: number): void {
    for (let oldest = this.#events[this.#first]; oldest !== undefined; oldest = this.#events[this.#first]) {
      if (oldest.ts + this.#ttl > now) return;
      this.shift();
    }
  }

  /**
   * What came after a position that somebody has; the newest `maxBytes` of it, so that nobody is drowned who was away
   * for long: the rest counts as missing, and can be had page by page.
   */
  since({ epoch, seq }: Position, maxBytes: number, now: number): Recovery {
    if (epoch !== this.epoch || seq > this.#seq) return { events: [], recovered: false, missing: undefined };
    const { first, forgotten } = this.#alive(now);
    const wanted = Math.max(first, this.#search(seq + 1));
    let at = this.#events.length;
    let room = maxBytes;
    while (at > wanted) {
      room -= this.#events[at - 1]!.bytes.length;
      if (room < 0) break;
      at--;
    }
    const lost = at > wanted ? this.#events[at - 1]!.seq : forgotten;
    const recovered = seq >= lost;
    return {
      events: this.#events.slice(at),
      recovered,
      missing: recovered ? undefined : { from: seq + 1, to: lost },
    };
  }

  page({ limit, maxBytes, from, reverse = false }: PageQuery, now: number): Page {
    const { first, forgotten } = this.#alive(now);
    const step = reverse ? -1 : 1;
    let at: number;
    if (reverse) at = from === undefined ? this.#events.length - 1 : this.#search(from + 1) - 1;
    else at = Math.max(first, this.#search(from ?? 0));
    const events: Kept[] = [];
    let room = maxBytes;
    let next: number | undefined;
    for (; at >= first && at < this.#events.length; at += step) {
      const event = this.#events[at]!;
      room -= event.bytes.length;
      if (events.length >= limit || (room < 0 && events.length > 0)) {
        next = event.seq;
        break;
      }
      events.push(event);
    }
    return { ...this.position, events, forgotten, next };
  }

  /** The first event that is not too old, and what was the last before it. */
  #alive(now: number): { readonly first: number; readonly forgotten: number } {
    const first = this.#bisect(({ ts }) => ts + this.#ttl > now);
    return { first, forgotten: first > this.#first ? this.#events[first - 1]!.seq : this.#forgotten };
  }

  /** The first event with this `seq` or a greater one. */
  #search(seq: number): number {
    return this.#bisect((event) => event.seq >= seq);
  }

  /** The first event of which it is true, given that it is of all after it. */
  #bisect(reached: (event: Kept) => boolean): number {
    let low = this.#first;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reached(this.#events[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Bytes that nothing larger is kept for: small envelopes share their memory with others, which may be long gone. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > bytes.length ? bytes.slice() : bytes;
}

/** In the place of an event that is forgotten, so that its bytes are free at once. */
const GONE: Kept = { seq: 0, ts: 0, bytes: new Uint8Array(0) };
