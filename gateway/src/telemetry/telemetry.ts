import { randomInt } from 'node:crypto';
import {
  type Catalogue,
  completeChannel,
  PacketReader,
  READINGS,
  ROLLUP,
  rawChannel,
  rollupChannel,
  SERIES,
  seriesChannel,
  TIME,
  type TimeAnswer,
} from '@spillway/envelope/telemetry';
import type { ChannelContext, ChannelOptions, InboundMessage } from '../core/channel-rules.ts';
import { SpillwayError } from '../core/errors.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import type { Gateway } from '../gateway.ts';
import { addTotals, type Counters, newCounters, newTotals, type SequenceTotals } from './counters.ts';
import { makeRoom } from './make-room.ts';
import { checkPattern, resolveOptions, type Settings, type TelemetryOptions } from './options.ts';
import { Loops, type ReadingsLoop, type ReadingsOptions } from './readings.ts';
import { Rollups, type SeriesRollup, seriesRollup } from './rollups.ts';
import type { Series } from './series.ts';
import { Site, type SiteContext } from './site.ts';

/** What the kit needs of a gateway. */
export type TelemetryGateway = Pick<Gateway, 'channel' | 'handle' | 'publish'>;

/** Where the kit's time comes from. */
export interface TelemetryClock {
  /** Ms since the Unix epoch, with fractions. */
  now(): number;
  /** Runs it once, after so many ms. The answer takes that back. */
  after(ms: number, run: () => void): () => void;
}

export interface TelemetryStats extends Counters, SequenceTotals {
  /** Channels, producers and series that are known now. */
  readonly channels: number;
  readonly producers: number;
  readonly series: number;
  /** Readings that wait for loops over `readings`. */
  readonly waiting: number;
  /** Readings of `live` series that such loops were too slow for, each counted for each loop. */
  readonly dropped: number;
}

/** Hears of roll-ups as they are published. */
export type RollupListener = (rollup: SeriesRollup) => void;

/**
 * Takes readings in, rolls them up and hands them on, for the channels of a pattern, or of several: `plant/:site`.
 * docs/telemetry.md has the channels that this declares. One for each gateway.
 * @throws SpillwayError `bad-pattern`, `duplicate-pattern`; RangeError for an option outside its range
 */
export function telemetry(
  gateway: TelemetryGateway,
  patterns: string | readonly string[],
  options: TelemetryOptions = {},
): Telemetry {
  return new Telemetry(gateway, typeof patterns === 'string' ? [patterns] : patterns, options, SYSTEM_CLOCK);
}

const SYSTEM_CLOCK: TelemetryClock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, Math.ceil(ms));
    // What is not yet rolled up keeps no process from ending.
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The gateway's side of telemetry: see `telemetry`. */
export class Telemetry implements Disposable {
  readonly #gateway: TelemetryGateway;
  readonly #clock: TelemetryClock;
  readonly #settings: Settings;
  readonly #counters = newCounters();
  readonly #loops = new Loops();
  readonly #rollups = new Rollups();
  readonly #context: SiteContext;
  readonly #sites = new Map<string, Site>();
  /** The life of the numbers of series, as long as no channel has had two lives. */
  readonly #epoch = randomInt(2 ** 32);
  #anyGone = false;
  readonly #gone = newTotals();
  readonly #listeners = new Set<RollupListener>();
  /** Of each length of windows what takes its next roll-up back. */
  readonly #timers: (() => void)[] = [];
  #closed = false;

  constructor(
    gateway: TelemetryGateway,
    patterns: readonly string[],
    options: TelemetryOptions,
    clock: TelemetryClock,
  ) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#settings = resolveOptions(options);
    this.#context = {
      settings: this.#settings,
      counters: this.#counters,
      loops: this.#loops,
      reader: new PacketReader(),
      announce: ({ name, epoch }, series) => {
        const { windows } = this.#settings;
        const catalogue: Catalogue = { epoch, windows, series };
        gateway.publish(seriesChannel(name), SERIES, catalogue, { delivery: 'reliable' });
      },
    };
    for (const pattern of patterns) this.#declare(pattern);
    gateway.handle(TIME, (): TimeAnswer => ({ now: clock.now() }));
    gateway.handle(SERIES, (request, { session }) => this.#catalogue(request, session));
    for (const which of this.#settings.windows.keys()) this.#schedule(which);
  }

  /**
   * The readings from now on, each once, late ones too, in columns of one series. A loop that is too slow for `live`
   * series loses the oldest of them, counted; the producers of `complete` ones wait for it. It ends with `signal` or
   * `close`.
   * @throws RangeError for `maxWaiting`
   */
  readings(options: ReadingsOptions = {}): ReadingsLoop {
    const loop = this.#loops.open(options);
    if (this.#closed) loop.end();
    return loop;
  }

  /** Hears each roll-up as it is published, again where late readings have changed it. Returns what takes it off. */
  onRollup(listener: RollupListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The roll-up of a window as it stands; undefined where nothing is known of it, or no more. */
  rollup(channel: string, series: string, window: number, time: number): SeriesRollup | undefined {
    const found = this.#sites.get(channel)?.named(series);
    const which = this.#settings.windows.indexOf(window);
    return found && seriesRollup(channel, found, which, Math.floor(time / window));
  }

  stats(): TelemetryStats {
    const totals = { ...this.#gone };
    let producers = 0;
    let series = 0;
    for (const site of this.#sites.values()) {
      addTotals(totals, site.totals());
      producers += site.producers;
      series += site.series.size;
    }
    return {
      ...structuredClone(this.#counters),
      ...totals,
      channels: this.#sites.size,
      producers,
      series,
      waiting: this.#loops.waiting,
      dropped: this.#loops.dropped,
    };
  }

  /** Publishes no more, and ends the loops. The channels stay declared. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#loops.close();
    this.#listeners.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #declare(pattern: string): void {
    checkPattern(pattern);
    const { authorize, raw, windows } = this.#settings;
    this.#gateway.channel(pattern, {
      authorize,
      onPublish: (message, context) => this.#take(message, context, context.channel),
    });
    // A channel of its own, so that nothing live waits behind what waits for a slow loop.
    const behind = completeChannel('').length;
    this.#gateway.channel(completeChannel(pattern), {
      authorize,
      onPublish: (message, context) => this.#take(message, context, context.channel.slice(0, -behind)),
    });
    const derived: ChannelOptions = {
      authorize: (action, context) => action !== 'publish' && (authorize?.(action, context) ?? true),
    };
    this.#gateway.channel(seriesChannel(pattern), derived);
    if (raw) this.#gateway.channel(rawChannel(pattern), derived);
    for (const window of windows)
      this.#gateway.channel(rollupChannel(pattern, window), { ...derived, delivery: 'latest' });
  }

  /** False: consumed. A promise: until the loops have room for more of `complete` series. */
  #take(
    { type, payload, meta }: InboundMessage,
    { session }: ChannelContext,
    channel: string,
  ): false | Promise<false> {
    if (type !== READINGS || !(payload instanceof Uint8Array))
      throw new SpillwayError('bad-packet', `'${channel}' takes ${READINGS} in bytes`);
    const now = this.#clock.now();
    const hasComplete = this.#site(channel, now).take(session, payload, now);
    if (this.#settings.raw)
      this.#gateway.publish(rawChannel(channel), READINGS, payload, { delivery: meta.delivery });
    const room = hasComplete ? this.#loops.room() : undefined;
    return room === undefined ? false : room.then(() => false as const);
  }

  #site(channel: string, now: number): Site {
    const known = this.#sites.get(channel);
    if (known !== undefined) return known;
    const { channels, idle } = this.#settings.limits;
    const gone = (site: Site) => {
      this.#anyGone = true;
      addTotals(this.#gone, site.totals());
    };
    if (!makeRoom(this.#sites, channels, now - idle, gone)) {
      this.#counters.refused.channels++;
      throw new SpillwayError('too-many-channels', `readings are published in ${channels} channels`);
    }
    const epoch = this.#anyGone ? randomInt(2 ** 32) : this.#epoch;
    const site = new Site(channel, epoch, this.#context, now);
    this.#sites.set(channel, site);
    return site;
  }

  #catalogue(request: unknown, { subscriptions }: SessionHandle): Catalogue {
    const { channel, from = 0 } = (request ?? {}) as { channel?: unknown; from?: unknown };
    if (typeof channel !== 'string' || typeof from !== 'number')
      throw new SpillwayError('bad-request', `${SERIES} takes a channel`);
    // Who may hear of new series may know them all. By name: a wildcard alone says nothing of the channel's `authorize`.
    const announced = seriesChannel(channel);
    if (!subscriptions.has(announced))
      throw new SpillwayError('forbidden', `subscribe to '${announced}' first`);
    const { windows } = this.#settings;
    return this.#sites.get(channel)?.catalogue(from) ?? { epoch: this.#epoch, windows, series: [] };
  }

  /** The next roll-up comes when a window has ended and what belongs to it is here. */
  #schedule(which: number): void {
    if (this.#closed) return;
    const { windows, settle } = this.#settings;
    const length = windows[which]!;
    const since = (this.#clock.now() - settle) % length;
    this.#timers[which] = this.#clock.after(length - since, () => {
      this.#publish(which);
      this.#schedule(which);
    });
  }

  #publish(which: number): void {
    const { windows, settle, lateness } = this.#settings;
    const length = windows[which]!;
    const newest = Math.floor((this.#clock.now() - settle) / length) - 1;
    for (const site of this.#sites.values()) {
      const channel = rollupChannel(site.name, length);
      const told = (series: Series, number: number, amended: boolean) => {
        this.#counters.rollups++;
        if (amended) this.#counters.amended++;
        if (this.#listeners.size === 0) return;
        const rollup = seriesRollup(site.name, series, which, number);
        if (rollup !== undefined) for (const listener of this.#listeners) listener(rollup);
      };
      for (const { key, late, bytes } of this.#rollups.take(site, which, newest, told)) {
        // Nothing takes the place of late news, so it gets out of the way by itself where a dashboard cannot keep up.
        const maxAge = late ? Math.max(length, lateness) : undefined;
        this.#gateway.publish(channel, ROLLUP, bytes, { delivery: 'latest', key, maxAge });
      }
    }
  }
}
