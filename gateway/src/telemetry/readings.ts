import type { SeriesInfo } from './series.ts';

/** Readings of one series that came together, in the order of their sequence. */
export interface Readings {
  readonly channel: string;
  readonly series: SeriesInfo;
  /** Who recorded them: the life of the numbers of series and readings. */
  readonly producer: number;
  /** Which reading of this producer's series the first one is. */
  readonly seq: number;
  /** Readings right before the first one that had not come when these did. They may come later, out of order. */
  readonly gap: number;
  /** Ms since the Unix epoch. All loops have the same array: not to be written. */
  readonly times: Float64Array;
  /** As many. */
  readonly values: Float64Array;
}

export interface ReadingsOptions {
  /** Of these channels only: a name, or a function that says so. @default all */
  readonly channel?: string | ((channel: string) => boolean) | undefined;
  /** Of these series only: a name, or a function that says so; asked once for each series of a producer. @default all */
  readonly series?: string | ((series: SeriesInfo) => boolean) | undefined;
  /** Readings that wait for the loop at most. @default 100000 */
  readonly maxWaiting?: number | undefined;
  /** Ends the loop. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_WAITING = 100_000;

interface Waiting {
  readonly readings: Readings;
  /** Which of all that came this was. */
  readonly order: number;
}

/** First in, first out, without moving what is in it. */
class Line {
  /** Readings in it. */
  readings = 0;
  #items: (Waiting | undefined)[] = [];
  #head = 0;

  get first(): Waiting | undefined {
    return this.#items[this.#head];
  }

  push(item: Waiting): void {
    this.readings += item.readings.times.length;
    this.#items.push(item);
  }

  shift(): Waiting | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.readings -= item.readings.times.length;
    this.#items[this.#head++] = undefined;
    if (this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/**
 * What one loop over readings has yet to see. When too much waits, the oldest of `live` series goes, counted; nothing of
 * `complete` series does: `room` says when their producers may go on.
 */
export class ReadingsLoop implements AsyncIterableIterator<Readings> {
  /** Readings of `live` series that the loop was too slow for. */
  dropped = 0;
  readonly #wants: (channel: string, series: SeriesInfo) => boolean;
  readonly #limit: number;
  readonly #ended: (loop: ReadingsLoop) => void;
  readonly #live = new Line();
  readonly #complete = new Line();
  readonly #hungry: ((result: IteratorResult<Readings, undefined>) => void)[] = [];
  readonly #roomWanted: (() => void)[] = [];
  readonly #signal: AbortSignal | undefined;
  #order = 0;
  #over = false;

  /** `ended` is called once. @throws RangeError for `maxWaiting` */
  constructor(options: ReadingsOptions, ended: (loop: ReadingsLoop) => void) {
    const { maxWaiting = DEFAULT_WAITING, signal } = options;
    if (!(Number.isInteger(maxWaiting) && maxWaiting >= 1))
      throw new RangeError(`maxWaiting takes a whole number from 1 on, not ${String(maxWaiting)}`);
    this.#limit = maxWaiting;
    this.#wants = wants(options);
    this.#ended = ended;
    this.#signal = signal;
    if (signal?.aborted) this.end();
    else signal?.addEventListener('abort', this.end, { once: true });
  }

  /** Does so much of `complete` series wait that their producers have to? What waits of `live` ones would make room. */
  get full(): boolean {
    return this.#complete.readings >= this.#limit;
  }

  /** Readings that wait. */
  get waiting(): number {
    return this.#live.readings + this.#complete.readings;
  }

  wants(channel: string, series: SeriesInfo): boolean {
    return this.#wants(channel, series);
  }

  push(readings: Readings): void {
    if (this.#over) return;
    const hungry = this.#hungry.shift();
    if (hungry !== undefined) {
      hungry({ done: false, value: readings });
      return;
    }
    const { length } = readings.times;
    const isLive = readings.series.mode === 'live';
    // As long as there is something older that may go.
    for (let old = this.#live.first; this.waiting + length > this.#limit && old; old = this.#live.first) {
      this.#live.shift();
      this.dropped += old.readings.times.length;
    }
    if (isLive && this.waiting > 0 && this.waiting + length > this.#limit) {
      this.dropped += length;
      return;
    }
    (isLive ? this.#live : this.#complete).push({ readings, order: this.#order++ });
  }

  /** Resolves when there is room, or the loop is over. */
  room(): Promise<void> {
    if (!this.full || this.#over) return Promise.resolve();
    return new Promise((resolve) => this.#roomWanted.push(resolve));
  }

  next(): Promise<IteratorResult<Readings, undefined>> {
    const live = this.#live.first;
    const complete = this.#complete.first;
    const item =
      complete === undefined || (live !== undefined && live.order < complete.order)
        ? this.#live.shift()
        : this.#complete.shift();
    if (item !== undefined) {
      if (!this.full) this.#giveRoom();
      return Promise.resolve({ done: false, value: item.readings });
    }
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#hungry.push(resolve));
  }

  return(): Promise<IteratorResult<Readings, undefined>> {
    this.end();
    while (this.#live.shift() !== undefined || this.#complete.shift() !== undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** No more comes; what waits is still had. */
  readonly end = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#signal?.removeEventListener('abort', this.end);
    for (const hungry of this.#hungry.splice(0)) hungry({ done: true, value: undefined });
    this.#giveRoom();
    this.#ended(this);
  };

  #giveRoom(): void {
    for (const resolve of this.#roomWanted.splice(0)) resolve();
  }
}

/** The loops that run, and which of them want what. */
export class Loops {
  /** Another number whenever others run. */
  version = 0;
  /** Readings that loops which are over have dropped. */
  #dropped = 0;
  readonly #running = new Set<ReadingsLoop>();

  open(options: ReadingsOptions): ReadingsLoop {
    const loop = new ReadingsLoop(options, (ended) => {
      this.version++;
      this.#dropped += ended.dropped;
      this.#running.delete(ended);
    });
    if (options.signal?.aborted) return loop;
    this.version++;
    this.#running.add(loop);
    return loop;
  }

  /** Readings that wait in all of them. */
  get waiting(): number {
    let sum = 0;
    for (const { waiting } of this.#running) sum += waiting;
    return sum;
  }

  get dropped(): number {
    let sum = this.#dropped;
    for (const { dropped } of this.#running) sum += dropped;
    return sum;
  }

  wanting(channel: string, series: SeriesInfo): readonly ReadingsLoop[] {
    if (this.#running.size === 0) return NONE;
    return [...this.#running].filter((loop) => loop.wants(channel, series));
  }

  /** Resolves when none is full; undefined: none is. */
  room(): Promise<unknown> | undefined {
    let waits: Promise<void>[] | undefined;
    for (const loop of this.#running) {
      if (!loop.full) continue;
      waits ??= [];
      waits.push(loop.room());
    }
    return waits && Promise.all(waits);
  }

  close(): void {
    for (const loop of [...this.#running]) loop.end();
  }
}

const NONE: readonly ReadingsLoop[] = [];

function wants({ channel, series }: ReadingsOptions): (channel: string, series: SeriesInfo) => boolean {
  const ofChannel = typeof channel === 'string' ? (name: string) => name === channel : channel;
  const ofSeries = typeof series === 'string' ? ({ name }: SeriesInfo) => name === series : series;
  return (name, info) => (ofChannel?.(name) ?? true) && (ofSeries?.(info) ?? true);
}
