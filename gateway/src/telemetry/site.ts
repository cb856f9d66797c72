import { ProtocolError } from '@spillway/envelope';
import {
  type Catalogue,
  type CatalogueSeries,
  encodeWanted,
  MAX_SERIES,
  type PacketReader,
  type SeriesDefinition,
  WANTED,
} from '@spillway/envelope/telemetry';
import { SpillwayError } from '../core/errors.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import { type Counters, newTotals, type SequenceTotals } from './counters.ts';
import { makeRoom } from './make-room.ts';
import type { Settings } from './options.ts';
import { Producer, type Source } from './producer.ts';
import type { Loops } from './readings.ts';
import { Series } from './series.ts';

/** Series in one page of the catalogue: their JSON stays below 64 KiB, whatever characters the names are of. */
const PAGE = 50;

/** How much longer than they may be late readings are held, ms: a busy process publishes later than it should. */
const SPARE = 1_000;

/** What a site works with, the same for all sites of a kit. */
export interface SiteContext {
  readonly settings: Settings;
  readonly counters: Counters;
  readonly loops: Loops;
  readonly reader: PacketReader;
  /** These series are new, or recorded by another producer. */
  announce(site: Site, series: readonly CatalogueSeries[]): void;
}

/** One channel that readings are published in: its series, and who records them. */
export class Site {
  readonly name: string;
  /** 32 bits: the life of the numbers of series. */
  readonly epoch: number;
  heardAt: number;
  readonly #context: SiteContext;
  readonly #producers = new Map<number, Producer>();
  readonly #byName = new Map<string, Series>();
  /** In the order of their ids, which are not given twice. */
  readonly #series = new Map<number, Series>();
  readonly #gone = newTotals();
  readonly #range = { floor: 0, ceiling: 0 };
  #nextId = 0;

  constructor(name: string, epoch: number, context: SiteContext, now: number) {
    this.name = name;
    this.epoch = epoch;
    this.heardAt = now;
    this.#context = context;
  }

  get producers(): number {
    return this.#producers.size;
  }

  /** Lengths of the windows that are rolled up, ms. */
  get windows(): readonly number[] {
    return this.#context.settings.windows;
  }

  /** By id, in rising order. */
  get series(): ReadonlyMap<number, Series> {
    return this.#series;
  }

  named(name: string): Series | undefined {
    return this.#byName.get(name);
  }

  /** Sums over all sequences so far. */
  totals(): SequenceTotals {
    const totals = { ...this.#gone };
    for (const producer of this.#producers.values()) producer.addTo(totals);
    return totals;
  }

  /**
   * Takes a packet in. True: readings of `complete` series were in it.
   * @throws SpillwayError `bad-packet`, `producer-taken`, `too-many-producers`, `too-many-series`
   */
  take(session: SessionHandle, bytes: Uint8Array, now: number): boolean {
    const { counters, reader, settings } = this.#context;
    this.heardAt = now;
    this.#range.floor = now - settings.settle - settings.lateness;
    this.#range.ceiling = now + settings.ahead;
    let hasComplete = false;
    let refusal: SpillwayError | undefined;
    try {
      reader.open(bytes);
      const producer = this.#producer(reader.producer, session, now);
      if (reader.definitions.length > 0) refusal = this.#define(producer, reader.definitions, now);
      while (reader.next()) {
        const source = this.#source(producer, now);
        if (source === undefined) continue;
        if (reader.skip === undefined) this.#takeBlock(source, now);
        else this.#skip(source, now);
        hasComplete ||= source.definition.mode === 'complete';
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      counters.malformed++;
      throw new SpillwayError('bad-packet', `not a packet of readings: ${error.message}`, {
        cause: error,
        details: { reason: error.code },
      });
    }
    counters.packets++;
    if (refusal !== undefined) throw refusal;
    return hasComplete;
  }

  /** Some of the series, from this id on. */
  catalogue(from: number): Catalogue {
    const series: CatalogueSeries[] = [];
    let next: number | undefined;
    for (const one of this.#series.values()) {
      if (one.info.id < from) continue;
      if (series.length === PAGE) {
        next = one.info.id;
        break;
      }
      series.push(entry(one));
    }
    return { epoch: this.epoch, windows: this.windows, series, ...(next !== undefined && { next }) };
  }

  #producer(id: number, session: SessionHandle, now: number): Producer {
    let producer = this.#producers.get(id);
    if (producer === undefined) {
      const { limits } = this.#context.settings;
      if (!makeRoom(this.#producers, limits.producers, now - limits.idle, (idle) => idle.addTo(this.#gone))) {
        this.#context.counters.refused.producers++;
        throw new SpillwayError('too-many-producers', `'${this.name}' has ${limits.producers} producers`);
      }
      producer = new Producer(id, session, now);
      this.#producers.set(id, producer);
    } else if (producer.session !== session) {
      // A producer goes on in another session when its own is over; whoever else has its number made it up.
      if (producer.session.connected && producer.session.user?.id !== session.user?.id)
        throw new SpillwayError('producer-taken', `producer ${id} is another session's`);
      producer.session = session;
    }
    producer.heardAt = now;
    return producer;
  }

  /** Answers what refuses some of them, once for each producer. */
  #define(
    producer: Producer,
    definitions: readonly SeriesDefinition[],
    now: number,
  ): SpillwayError | undefined {
    const { counters, settings } = this.#context;
    const news: Series[] = [];
    let refusal: string | undefined;
    for (const definition of definitions) {
      const known = producer.sources.get(definition.series);
      if (known !== undefined && isSame(known.definition, definition) && !known.series.gone) continue;
      if (known === undefined && producer.sources.size >= settings.limits.seriesPerProducer) {
        counters.refused.seriesPerProducer++;
        refusal = `a producer has ${settings.limits.seriesPerProducer} series`;
        continue;
      }
      const series = this.#named(definition, now);
      if (series === undefined) {
        counters.refused.series++;
        refusal = `'${this.name}' has ${settings.limits.series} series`;
        continue;
      }
      const { name, unit, mode, encoding, decimals } = definition;
      series.info = { id: series.info.id, name, unit, mode, encoding, decimals };
      series.recordedBy = { producer: producer.id, series: definition.series };
      producer.define(definition, series, this.#range, now);
      news.push(series);
    }
    for (let from = 0; from < news.length; from += PAGE)
      this.#context.announce(this, news.slice(from, from + PAGE).map(entry));
    if (refusal === undefined || producer.refused) return undefined;
    producer.refused = true;
    return new SpillwayError('too-many-series', `${refusal}, and takes no more`);
  }

  /** The series of this name; a new one where there is none. Undefined: there is no room. */
  #named(definition: SeriesDefinition, now: number): Series | undefined {
    const { name } = definition;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const { settings, counters } = this.#context;
    const { limits, windows, settle, lateness, ahead } = settings;
    const fits = makeRoom(this.#series, limits.series, now - limits.idle, (idle) => {
      idle.gone = true;
      this.#byName.delete(idle.info.name);
    });
    if (!fits || this.#nextId > MAX_SERIES) return undefined;
    const span = settle + lateness + ahead + SPARE;
    const { unit, mode, encoding, decimals } = definition;
    const info = { id: this.#nextId++, name, unit, mode, encoding, decimals };
    const series = new Series(info, windows, span, counters, now);
    this.#byName.set(name, series);
    this.#series.set(series.info.id, series);
    return series;
  }

  /** Whose the reader's block is; undefined where nobody has defined it, or it was refused. */
  #source(producer: Producer, now: number): Source | undefined {
    const { counters, reader } = this.#context;
    const source = producer.sources.get(reader.series);
    if (source !== undefined && !source.series.gone) return source;
    if (source !== undefined) {
      this.#define(producer, [source.definition], now);
      const again = producer.sources.get(reader.series)!;
      if (!again.series.gone) return again;
    }
    counters.undefined++;
    const series = producer.miss(reader.series, reader.seq, now);
    if (series.length === 0) return undefined;
    const payload = encodeWanted({ producer: producer.id, series });
    producer.session.send(WANTED, payload, { delivery: 'reliable' });
    return undefined;
  }

  #skip({ sequence, series }: Source, now: number): void {
    const { counters, reader } = this.#context;
    const skipped = sequence.skip(reader.seq, reader.count, now);
    series.heardAt = now;
    if (reader.skip !== undefined && reader.skip !== 'none') counters.skipped[reader.skip] += skipped;
  }

  #takeBlock(source: Source, now: number): void {
    const { reader } = this.#context;
    const { seq, count, times } = reader;
    const next = source.sequence.next ?? seq;
    source.series.heardAt = now;
    const spans = source.sequence.take(seq, count, times, this.#range.ceiling);
    if (spans === undefined) this.#takeReadings(source, 0, count, seq - next);
    else
      for (const { from, to } of spans) this.#takeReadings(source, from, to, Math.max(0, seq + from - next));
  }

  /** Those of the reader's block from index `from` to before `to` are new. */
  #takeReadings(source: Source, from: number, to: number, gap: number): void {
    const { loops, reader } = this.#context;
    const { times, values } = reader;
    source.series.add(times, values, from, to, this.#range);
    const wanting = source.loops(this.name, loops);
    if (wanting.length === 0) return;
    const readings = {
      channel: this.name,
      series: source.series.info,
      producer: reader.producer,
      seq: reader.seq + from,
      gap,
      times: times.slice(from, to),
      values: values.slice(from, to),
    };
    for (const loop of wanting) loop.push(readings);
  }
}

function entry({ info, recordedBy }: Series): CatalogueSeries {
  return { ...info, ...recordedBy };
}

function isSame(one: SeriesDefinition, other: SeriesDefinition): boolean {
  return (
    one.name === other.name &&
    one.unit === other.unit &&
    one.mode === other.mode &&
    one.encoding === other.encoding &&
    one.decimals === other.decimals &&
    one.resolution === other.resolution
  );
}
