import { ProtocolError } from '@spillway/envelope';
import {
  type CatalogueSeries,
  PacketReader,
  READINGS,
  rawChannel,
  type Skip,
} from '@spillway/envelope/telemetry';
import { type Clock, systemClock, type Undo } from '../clock.ts';
import { CatalogueView } from './catalogue.ts';
import { Gaps } from './gaps.ts';
import type { TelemetryChannel, TelemetrySession } from './link.ts';

/** Producers that are remembered; of one more, the one that was heard of first is forgotten. */
const MAX_PRODUCERS = 1_024;

/** Series of one producer that are remembered. */
const MAX_SERIES = 65_536;

/** Name and unit of a series of a producer. */
export type ReadingSeriesInfo = Pick<
  CatalogueSeries,
  'name' | 'unit' | 'mode' | 'encoding' | 'decimals' | 'producer' | 'series'
>;

/** One series of a producer, and what of it has come. */
export class ReadingSeries {
  readonly info: ReadingSeriesInfo;
  readonly gaps = new Gaps();
  /** Readings that the producer says never come, by reason. */
  readonly skipped: Record<Exclude<Skip, 'none'>, number> = { invalid: 0, overflow: 0, 'given-up': 0 };

  constructor(info: ReadingSeriesInfo) {
    this.info = info;
  }
}

/** Readings of one series in columns: those at the indices `from` to before `to` are new. Both columns are used again. */
export interface ReadingBlock {
  readonly series: ReadingSeries;
  /** Ms since the Unix epoch, in the order of recording. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  /** Which reading of the series the one at index `from` is. */
  readonly seq: number;
}

export interface ReadingOptions {
  /** The channel that producers publish on: `plant/7`. The gateway must pass raw packets on there. */
  readonly channel: string;
  /** Hears readings as they come, each once. */
  readonly readings: (block: ReadingBlock) => void;
  /** Series that cannot be asked for: the gateway refused. */
  readonly failed?: ((error: unknown) => void) | undefined;
}

export interface ReadingStats {
  readonly packets: number;
  readonly readings: number;
  /** Readings of series that were not known when they came. */
  readonly unknown: number;
  readonly malformed: number;
}

/** Follows the readings of all producers of a channel. Resolves when it is subscribed and the series are known; rejects with `RequestError`. */
export async function watchReadings(
  session: TelemetrySession,
  options: ReadingOptions,
): Promise<ReadingWatch> {
  const watch = new ReadingWatch(session, options);
  try {
    await watch.open();
  } catch (error) {
    await watch.close();
    throw error;
  }
  return watch;
}

/** Follows raw readings over a session; it goes on when the session does. */
export class ReadingWatch implements AsyncDisposable {
  readonly #options: ReadingOptions;
  readonly #channel: TelemetryChannel;
  readonly #catalogue: CatalogueView;
  readonly #reader = new PacketReader();
  readonly #producers = new Map<number, Map<number, ReadingSeries>>();
  readonly #off: Undo;
  #packets = 0;
  #readings = 0;
  #unknown = 0;
  #malformed = 0;

  /** @param clock where timers come from. @default the machine's */
  constructor(session: TelemetrySession, options: ReadingOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#channel = session.channel(rawChannel(options.channel));
    const host = {
      learned: (info: CatalogueSeries) => this.#learned(info),
      // Numbers of a producer are its own, whatever becomes of the gateway.
      begunAnew: () => {},
      failed: (error: unknown) => options.failed?.(error),
    };
    this.#catalogue = new CatalogueView(session, options.channel, host, clock);
    this.#off = this.#channel.on(READINGS, (payload) => this.#take(payload));
  }

  /** All series that are known. */
  *series(): Generator<ReadingSeries> {
    for (const producer of this.#producers.values()) yield* producer.values();
  }

  /** Resolves when it is subscribed and the series are known. Rejects with `RequestError`. */
  async open(): Promise<void> {
    // What comes before its series is known would be of no use.
    await this.#catalogue.open();
    await this.#channel.subscribe();
  }

  stats(): ReadingStats {
    return {
      packets: this.#packets,
      readings: this.#readings,
      unknown: this.#unknown,
      malformed: this.#malformed,
    };
  }

  /** Follows no longer. */
  async close(): Promise<void> {
    this.#off();
    await Promise.all([this.#channel.unsubscribe(), this.#catalogue.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #learned(info: ReadingSeriesInfo): void {
    let producer = this.#producers.get(info.producer);
    if (!producer) {
      producer = new Map();
      this.#producers.set(info.producer, producer);
      const first = this.#producers.keys().next();
      if (this.#producers.size > MAX_PRODUCERS && !first.done) this.#producers.delete(first.value);
    }
    if (!producer.has(info.series) && producer.size < MAX_SERIES)
      producer.set(info.series, new ReadingSeries(info));
  }

  #take(payload: unknown): void {
    this.#packets += 1;
    const reader = this.#reader;
    try {
      if (!(payload instanceof Uint8Array)) throw new ProtocolError('bad-value', 'a packet is bytes');
      reader.open(payload);
      for (const definition of reader.definitions)
        this.#learned({ ...definition, producer: reader.producer });
      while (reader.next()) this.#block();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#malformed += 1;
    }
  }

  #block(): void {
    const { producer, series: number, seq, count, skip, times, values } = this.#reader;
    const series = this.#producers.get(producer)?.get(number);
    if (!series) {
      this.#unknown += count;
      this.#catalogue.missing();
      return;
    }
    if (skip) {
      series.gaps.reach(seq + count);
      if (skip !== 'none') series.skipped[skip] += count;
      return;
    }
    const fresh = series.gaps.take(seq, count) ?? [{ from: seq, to: seq + count }];
    for (const { from, to } of fresh) {
      this.#readings += to - from;
      this.#options.readings({ series, times, values, from: from - seq, to: to - seq, seq: from });
    }
  }
}
