import { ProtocolError } from '@spillway/envelope';
import {
  type CatalogueSeries,
  ROLLUP,
  type Rollup,
  RollupReader,
  rollupChannel,
} from '@spillway/envelope/telemetry';
import { type Clock, systemClock, type Undo } from '../clock.ts';
import { CatalogueView } from './catalogue.ts';
import type { TelemetryChannel, TelemetrySession } from './link.ts';

/** Windows of a series whose missing readings can still change: what is amended later is not counted. */
const OPEN_WINDOWS = 256;

/** A roll-up that has come. The object is the same each time: copy what is to stay. */
export interface WindowRollup extends Rollup {
  /** When the window begins, ms since the Unix epoch. */
  readonly start: number;
  /** Its length, ms. */
  readonly window: number;
  /** It was told before, and has changed. */
  readonly amended: boolean;
}

export interface RollupOptions {
  /** The channel that producers publish on: `plant/7`. */
  readonly channel: string;
  /** Length of the windows, ms: one of those that the gateway rolls up. */
  readonly window: number;
  /** Hears each roll-up as it comes. */
  readonly rollup?: ((series: RollupSeries, rollup: WindowRollup) => void) | undefined;
  /** Hears of each series when it is known, and when something about it has changed. */
  readonly series?: ((series: RollupSeries) => void) | undefined;
  /** The gateway has begun anew, and with it the numbers of the series: those known so far are gone. */
  readonly begunAnew?: (() => void) | undefined;
  /** Series that cannot be asked for, which makes their roll-ups useless: the gateway refused. */
  readonly failed?: ((error: unknown) => void) | undefined;
}

export interface RollupStats {
  readonly packets: number;
  readonly rollups: number;
  /** Among them those of windows that were told before. */
  readonly amended: number;
  /** Of series that were not known when they came. */
  readonly unknown: number;
  readonly malformed: number;
}

/** One series, and what its roll-ups have told so far. */
export class RollupSeries {
  #info: CatalogueSeries;
  /** Readings in the windows that came. */
  received = 0;
  /** Readings that are missing in them. */
  missing = 0;
  /** Windows between the first and the last that never came: a slow client is told the newest only. */
  skipped = 0;
  /** When the newest window begins, ms since the Unix epoch; undefined before the first. */
  newest: number | undefined;
  /** Of the newest window with readings; NaN before the first. */
  last = Number.NaN;
  #first: number | undefined;
  /** What was told of the windows of late, by their number. */
  readonly #starts = new Float64Array(OPEN_WINDOWS).fill(Number.NaN);
  readonly #received = new Float64Array(OPEN_WINDOWS);
  readonly #missing = new Float64Array(OPEN_WINDOWS);

  constructor(info: CatalogueSeries) {
    this.#info = info;
  }

  /** Name, unit, decimals and the rest. */
  get info(): CatalogueSeries {
    return this.#info;
  }

  /** For the watch: what is known has changed. */
  rename(info: CatalogueSeries): void {
    this.#info = info;
  }

  /** For the watch. */
  take({ start, window, count, missing, last }: WindowRollup): void {
    const number = Math.round(start / window);
    const slot = number % OPEN_WINDOWS;
    // An older window than the one in its place changes no more.
    if (this.#starts[slot]! > start) return;
    const known = this.#starts[slot] === start;
    this.received += count - (known ? this.#received[slot]! : 0);
    this.missing += missing - (known ? this.#missing[slot]! : 0);
    const newest = this.newest ?? start - window;
    if (start > newest) {
      this.skipped += Math.round((start - newest) / window) - 1;
      this.newest = start;
      this.#first ??= start;
    } else if (!known && start > this.#first!) {
      this.skipped -= 1;
    }
    if (count > 0 && start >= newest) this.last = last;
    this.#starts[slot] = start;
    this.#received[slot] = count;
    this.#missing[slot] = missing;
  }
}

/** Follows the roll-ups of all series of a channel. Resolves when it is subscribed and the series are known; rejects with `RequestError`. */
export async function watchRollups(session: TelemetrySession, options: RollupOptions): Promise<RollupWatch> {
  const watch = new RollupWatch(session, options);
  try {
    await watch.open();
  } catch (error) {
    await watch.close();
    throw error;
  }
  return watch;
}

/** Follows roll-ups over a session; it goes on when the session does. */
export class RollupWatch implements AsyncDisposable {
  readonly #options: RollupOptions;
  readonly #channel: TelemetryChannel;
  readonly #catalogue: CatalogueView;
  readonly #reader = new RollupReader();
  readonly #series = new Map<number, RollupSeries>();
  readonly #off: Undo;
  #packets = 0;
  #rollups = 0;
  #amended = 0;
  #unknown = 0;
  #malformed = 0;

  /** @param clock where timers come from. @default the machine's */
  constructor(session: TelemetrySession, options: RollupOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#channel = session.channel(rollupChannel(options.channel, options.window));
    const host = {
      learned: (info: CatalogueSeries) => this.#learned(info),
      begunAnew: () => {
        this.#series.clear();
        options.begunAnew?.();
      },
      failed: (error: unknown) => options.failed?.(error),
    };
    this.#catalogue = new CatalogueView(session, options.channel, host, clock);
    this.#off = this.#channel.on(ROLLUP, (payload) => this.#take(payload));
  }

  /** All series that are known, by number. */
  get series(): ReadonlyMap<number, RollupSeries> {
    return this.#series;
  }

  /** Resolves when it is subscribed and the series are known. Rejects with `RequestError`. */
  async open(): Promise<void> {
    // What comes before its series is known would be of no use.
    await this.#catalogue.open();
    await this.#channel.subscribe();
  }

  stats(): RollupStats {
    return {
      packets: this.#packets,
      rollups: this.#rollups,
      amended: this.#amended,
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

  #learned(info: CatalogueSeries): void {
    const known = this.#series.get(info.id);
    const series = known ?? new RollupSeries(info);
    if (known) known.rename(info);
    else this.#series.set(info.id, series);
    this.#options.series?.(series);
  }

  #take(payload: unknown): void {
    this.#packets += 1;
    const reader = this.#reader;
    try {
      if (!(payload instanceof Uint8Array)) throw new ProtocolError('bad-value', 'a packet is bytes');
      reader.open(payload);
      while (reader.next()) this.#one();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#malformed += 1;
    }
  }

  #one(): void {
    const reader = this.#reader;
    const series = reader.epoch === this.#catalogue.epoch ? this.#series.get(reader.series) : undefined;
    if (!series) {
      this.#unknown += 1;
      this.#catalogue.missing();
      return;
    }
    this.#rollups += 1;
    if (reader.amended) this.#amended += 1;
    series.take(reader);
    this.#options.rollup?.(series, reader);
  }
}
