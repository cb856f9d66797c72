import type { SeriesDefinition } from '@spillway/envelope/telemetry';
import type { SessionHandle } from '../core/session-handle.ts';
import type { SequenceTotals } from './counters.ts';
import type { Loops, ReadingsLoop } from './readings.ts';
import { type Hole, type HoleListener, Sequence } from './sequence.ts';
import type { Series, TimeRange } from './series.ts';

/** One series as one producer records it. */
export class Source implements HoleListener {
  definition: SeriesDefinition;
  series: Series;
  readonly sequence = new Sequence(this);
  readonly #range: TimeRange;
  #loops: readonly ReadingsLoop[] = [];
  #loopsVersion = -1;

  /** `range` is kept, and is always that of now. */
  constructor(definition: SeriesDefinition, series: Series, range: TimeRange) {
    this.definition = definition;
    this.series = series;
    this.#range = range;
  }

  /** The producer says something else of it, or its series was made anew: the sequence goes on. */
  become(definition: SeriesDefinition, series: Series): void {
    this.definition = definition;
    this.series = series;
    this.#loopsVersion = -1;
  }

  /** The loops that want its readings. */
  loops(channel: string, loops: Loops): readonly ReadingsLoop[] {
    if (this.#loopsVersion !== loops.version) {
      this.#loopsVersion = loops.version;
      this.#loops = loops.wanting(channel, this.series.info);
    }
    return this.#loops;
  }

  opened(hole: Hole): void {
    this.series.miss(hole, 1, this.#range);
  }

  closed(hole: Hole): void {
    this.series.miss(hole, -1, this.#range);
  }
}

/** Series that are not defined, of which it is known where they began. */
const MAX_UNDEFINED = 1_024;

/** Asking for definitions again, ms. */
const ASK_AGAIN = 1_000;

/** One life of one producer: what it has defined, over all the sessions that it sends in. */
export class Producer {
  readonly id: number;
  /** The one that it sends in. */
  session: SessionHandle;
  heardAt: number;
  readonly sources = new Map<number, Source>();
  /** Refusals are told once. */
  refused = false;
  /** By series that is not defined: the first number that came. */
  readonly #undefined = new Map<number, number>();
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(id: number, session: SessionHandle, now: number) {
    this.id = id;
    this.session = session;
    this.heardAt = now;
  }

  /** Records this series from now on under the definition's number. */
  define(definition: SeriesDefinition, series: Series, range: TimeRange, now: number): void {
    let source = this.sources.get(definition.series);
    if (source === undefined) {
      source = new Source(definition, series, range);
      this.sources.set(definition.series, source);
    } else source.become(definition, series);
    const first = this.#undefined.get(definition.series);
    // What came before its definition is missing.
    if (first !== undefined) source.sequence.begin(first, now);
    this.#undefined.delete(definition.series);
  }

  /** Something came of a series that is not defined. Answers what to ask for, when it is time to. */
  miss(series: number, seq: number, now: number): readonly number[] {
    const first = this.#undefined.get(series);
    if (first !== undefined || this.#undefined.size < MAX_UNDEFINED)
      this.#undefined.set(series, Math.min(first ?? seq, seq));
    if (now < this.#askedAt + ASK_AGAIN) return [];
    this.#askedAt = now;
    return [...this.#undefined.keys()];
  }

  addTo(totals: SequenceTotals): void {
    for (const { sequence } of this.sources.values()) {
      totals.readings += sequence.received;
      totals.missing += sequence.missing;
      totals.duplicates += sequence.duplicates;
      totals.forgotten += sequence.forgotten;
    }
  }
}
