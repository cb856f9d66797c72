import {
  completeChannel,
  decodeWanted,
  definitionFault,
  MAX_BLOCK,
  READINGS,
  type SeriesDefinition,
  type Skip,
  WANTED,
} from '@spillway/envelope/telemetry';
import { type Clock, systemClock, type Undo } from '../clock.ts';
import { GatewayClock } from './gateway-clock.ts';
import type { TelemetryChannel, TelemetrySession } from './link.ts';
import { Losses } from './losses.ts';
import {
  check,
  type SeriesOptions,
  type Settings,
  settle,
  type TelemetryClock,
  type TelemetryOptions,
} from './options.ts';
import { Packer } from './packer.ts';
import { Series } from './series.ts';
import { isPassing, Shipper } from './shipper.ts';

/** How often series that have gone quiet are looked for, ms: their last readings may be lost, and nothing after them tells. */
const QUIET = 1_000;

/** Wait before definitions that were not taken are sent again, ms. */
const DEFINE_AGAIN = 1_000;

/** How long `close` waits for the gateway to confirm, ms. */
const CLOSE_TIMEOUT = 5_000;

/** Counted since the producer was made; in readings, where nothing else is said. */
export interface TelemetryStats {
  /** Calls of `record`. */
  readonly recorded: number;
  /** `live` ones that were given to the session. */
  readonly sent: number;
  /** `complete` ones that the gateway has taken in. */
  readonly confirmed: number;
  /** Packets and batches given to the session, and their bytes. */
  readonly packets: number;
  readonly bytes: number;
  /** With a time before that of the reading before. */
  readonly backwards: number;
  /** `complete` ones that the gateway has not confirmed, and the batches that are packed of them. */
  readonly stored: { readonly bytes: number; readonly readings: number; readonly batches: number };
  /** Batches on their way. */
  readonly unconfirmed: number;
  /** Series that the gateway has not confirmed to know. */
  readonly unknown: number;
  readonly dropped: {
    /** The value or the time was none. */
    readonly invalid: number;
    /** `live`, and there was no connection. */
    readonly offline: number;
    /** `complete`, and the store was full: the oldest. */
    readonly overflow: number;
    /** `complete`, and the gateway refused the batch for good. */
    readonly refused: number;
  };
}

/**
 * Producer of readings over a session. Throws `RangeError` for an option out of its range. See docs/telemetry.md.
 */
export function telemetry(session: TelemetrySession, options: TelemetryOptions): Producer {
  return new Producer(session, options);
}

/** Sends the readings of many series over one session; it goes on when the session does. */
export class Producer implements AsyncDisposable {
  /** Names this life of the numbers of series and readings, 32 bits. */
  readonly id = crypto.getRandomValues(new Uint32Array(1))[0]!;
  readonly #session: TelemetrySession;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #time: TelemetryClock;
  readonly #ownClock: GatewayClock | undefined;
  readonly #channel: TelemetryChannel;
  readonly #complete: TelemetryChannel;
  readonly #series = new Map<string, Series>();
  readonly #byNumber: Series[] = [];
  /** Series with readings that wait, by mode. */
  readonly #live = new Set<Series>();
  readonly #kept = new Set<Series>();
  readonly #livePacker: Packer;
  readonly #batchPacker: Packer;
  readonly #definePacker: Packer;
  readonly #shipper: Shipper;
  readonly #losses = new Losses();
  /** Series that the gateway's session knows. */
  readonly #known = new Set<number>();
  /** Series whose definition is on its way, and those of the packet that is being filled. */
  readonly #defining = new Set<number>();
  readonly #inPacket: number[] = [];
  /** How far the gateway was told each live series is, and how far it was when last looked at. */
  readonly #told: number[] = [];
  readonly #seen: number[] = [];
  /** The session of the gateway that the definitions went to. */
  #sessionId = '';
  readonly #undo: Undo[] = [];
  #cancelLive: Undo | undefined;
  #cancelBatch: Undo | undefined;
  #cancelQuiet: Undo | undefined;
  #cancelDefine: Undo | undefined;
  #closed = false;
  #sent = 0;
  #packets = 0;
  #bytes = 0;
  #offline = 0;

  /** @param clock where timers come from. @default the machine's */
  constructor(session: TelemetrySession, options: TelemetryOptions, clock: Clock = systemClock) {
    const settings = settle(options);
    this.#settings = settings;
    this.#session = session;
    this.#clock = clock;
    this.#ownClock = settings.clock ? undefined : new GatewayClock(session, clock);
    this.#time = settings.clock ?? this.#ownClock!;
    this.#channel = session.channel(settings.channel);
    this.#complete = session.channel(completeChannel(settings.channel));
    const producer = this.id;
    const now = (): number => this.now();
    const knows = (series: number): boolean => this.#known.has(series);
    this.#livePacker = new Packer(settings.datagramBytes, {
      producer,
      now,
      knows,
      packed: (bytes, readings) => this.#sendLive(bytes, readings),
    });
    this.#batchPacker = new Packer(settings.batchBytes, {
      producer,
      now,
      knows,
      packed: (bytes, readings) => this.#shipper.take(bytes, readings),
    });
    this.#definePacker = new Packer(settings.batchBytes, {
      producer,
      now,
      knows: () => true,
      packed: (bytes) => void this.#sendDefinitions(bytes),
    });
    const isOpen = (): boolean => this.#isOpen;
    this.#shipper = new Shipper(
      this.#complete,
      settings,
      {
        get open() {
          return isOpen();
        },
        lost: (series, seq, count, why) => this.#lost(series, seq, count, why),
        failed: (error) => settings.failed?.(error),
      },
      clock,
    );
    this.#undo.push(
      session.on('state', () => this.#stateChanged()),
      session.on('message', (type, payload) => this.#message(type, payload)),
    );
    this.#stateChanged();
  }

  /**
   * The series of this name; made where there is none yet. Throws `RangeError` for an option out of its range, for a name
   * or unit that is too long, past `maxSeries`, and for a series that exists with other options.
   */
  series(name: string, options: SeriesOptions = {}): Series {
    const {
      unit = '',
      mode = 'live',
      decimals,
      float = 'float64',
      resolution = 'ms',
      maxReadings = 256,
    } = options;
    const definition: SeriesDefinition = {
      series: this.#byNumber.length,
      name,
      unit,
      mode,
      encoding: decimals === undefined ? float : 'scaled',
      decimals: decimals ?? 0,
      resolution,
    };
    const known = this.#series.get(name);
    if (known) {
      if (
        JSON.stringify({ ...definition, series: known.definition.series }) !==
        JSON.stringify(known.definition)
      )
        throw new RangeError(`series '${name}' has other options`);
      return known;
    }
    const fault = definitionFault(definition);
    if (fault !== undefined) throw new RangeError(fault);
    check('maxReadings', maxReadings, 1, MAX_BLOCK);
    check('series', this.#byNumber.length + 1, 1, this.#settings.maxSeries);
    const isLive = mode === 'live';
    const series = new Series(definition, maxReadings, {
      now: () => this.#time.serverNow(),
      began: (begun) => this.#began(begun, isLive),
      full: (full) => this.#full(full, isLive),
    });
    this.#series.set(name, series);
    this.#byNumber.push(series);
    this.#told.push(0);
    this.#seen.push(0);
    this.#defineSoon(0);
    return series;
  }

  /** What a reading without a time gets: ms since the Unix epoch, by the gateway's clock. */
  now(): number {
    return this.#time.serverNow();
  }

  /** Packs and sends what waits, without waiting for its time. Resolves when the gateway has all `complete` readings. */
  flush(): Promise<void> {
    this.#flushLive();
    this.#flushBatch();
    return this.#shipper.drained();
  }

  stats(): TelemetryStats {
    let recorded = 0;
    let invalid = 0;
    let backwards = 0;
    for (const { stats } of this.#byNumber) {
      recorded += stats.recorded;
      invalid += stats.invalid;
      backwards += stats.backwards;
    }
    let waiting = this.#batchPacker.readings;
    for (const { count } of this.#kept) waiting += count;
    const { stored, unconfirmed, confirmed, overflowed, refused, batches, bytes } = this.#shipper;
    return {
      recorded,
      sent: this.#sent,
      confirmed,
      packets: this.#packets + batches,
      bytes: this.#bytes + bytes,
      backwards,
      stored: { ...stored, readings: stored.readings + waiting },
      unconfirmed,
      unknown: this.#byNumber.length - this.#known.size,
      dropped: { invalid, offline: this.#offline, overflow: overflowed, refused },
    };
  }

  /**
   * Sends what waits and ends; what is recorded later goes nowhere. Resolves when the gateway has all `complete`
   * readings, or after 5 s, or at once where there is no connection: what it has not confirmed then is lost.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    const flushed = this.flush();
    this.#lookForQuiet(true);
    this.#closed = true;
    for (const undo of [
      ...this.#undo,
      this.#cancelLive,
      this.#cancelBatch,
      this.#cancelQuiet,
      this.#cancelDefine,
    ])
      undo?.();
    this.#ownClock?.stop();
    if (this.#session.state === 'open') {
      const timeout = Promise.withResolvers<void>();
      const cancel = this.#clock.after(CLOSE_TIMEOUT, timeout.resolve);
      await Promise.race([flushed, timeout.promise]);
      cancel();
    }
    this.#shipper.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #isOpen(): boolean {
    return this.#session.state === 'open';
  }

  #stateChanged(): void {
    if (!this.#isOpen) return;
    if (this.#session.id !== this.#sessionId) {
      // Another session of the gateway: nothing that the one before was told is known there.
      this.#sessionId = this.#session.id;
      this.#known.clear();
      if (this.#byNumber.length > 0) this.#defineSoon(0);
    }
    this.#ownClock?.start();
    this.#flushBatch();
    this.#shipper.retry();
  }

  #message(type: string, payload: unknown): void {
    if (type !== WANTED || !(payload instanceof Uint8Array)) return;
    const { producer, series } = decodeWanted(payload);
    if (producer !== this.id) return;
    if (series.length === 0) this.#known.clear();
    for (const number of series) this.#known.delete(number);
    this.#defineSoon(0);
  }

  #began(series: Series, isLive: boolean): void {
    (isLive ? this.#live : this.#kept).add(series);
    if (this.#closed) return;
    if (isLive) {
      this.#cancelLive ??= this.#clock.after(this.#settings.liveDelay, () => this.#flushLive());
      this.#cancelQuiet ??= this.#clock.after(QUIET, () => this.#lookForQuiet(false));
    } else {
      this.#cancelBatch ??= this.#clock.after(this.#settings.batchDelay, () => this.#flushBatch(true));
    }
  }

  #full(series: Series, isLive: boolean): void {
    if (this.#closed) {
      series.taken();
    } else if (!isLive) {
      this.#kept.delete(series);
      this.#batchPacker.add(series);
    } else if (this.#isOpen) {
      this.#live.delete(series);
      this.#livePacker.add(series);
    } else {
      this.#live.delete(series);
      this.#dropOffline(series);
    }
  }

  #flushLive(): void {
    this.#cancelLive?.();
    this.#cancelLive = undefined;
    const open = this.#isOpen;
    for (const series of this.#live) {
      if (open) this.#livePacker.add(series);
      else this.#dropOffline(series);
    }
    this.#live.clear();
    this.#livePacker.flush();
  }

  /** @param aged only because time is up: without a connection that is no reason, larger batches take fewer bytes */
  #flushBatch(aged = false): void {
    this.#cancelBatch?.();
    this.#cancelBatch = undefined;
    if (aged && !this.#isOpen) return;
    for (const series of this.#kept) this.#batchPacker.add(series);
    this.#kept.clear();
    if (this.#isOpen) {
      for (const { series, seq, count, why } of this.#losses.take())
        this.#batchPacker.skip(this.#byNumber[series]!.definition, seq, count, why);
    }
    this.#batchPacker.flush();
  }

  #dropOffline(series: Series): void {
    this.#offline += series.count;
    series.taken();
  }

  /** Tells of live series that have had no reading since the last look how far they are; where `all`, of all that changed. */
  #lookForQuiet(all: boolean): void {
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    let busy = false;
    for (const [number, { definition, seq, count }] of this.#byNumber.entries()) {
      if (definition.mode !== 'live') continue;
      const at = seq + count;
      const isQuiet = at === this.#seen[number]! && count === 0;
      this.#seen[number] = at;
      if (at === this.#told[number]!) continue;
      if (!all && (!isQuiet || !this.#isOpen)) {
        busy = true;
        continue;
      }
      this.#told[number] = at;
      // Reliably, as a loss of this would go unnoticed again.
      this.#batchPacker.skip(definition, at, 0, 'none');
    }
    this.#batchPacker.flush();
    if (busy && !this.#closed) this.#cancelQuiet = this.#clock.after(QUIET, () => this.#lookForQuiet(false));
  }

  #lost(series: number, seq: number, count: number, why: Skip): void {
    this.#losses.add(series, seq, count, why);
    if (!this.#closed)
      this.#cancelBatch ??= this.#clock.after(this.#settings.batchDelay, () => this.#flushBatch(true));
  }

  #sendLive(bytes: Uint8Array, readings: number): void {
    this.#packets += 1;
    this.#bytes += bytes.length;
    this.#sent += readings;
    this.#channel.publish(READINGS, bytes, { delivery: 'unreliable', maxAge: this.#settings.maxAge });
  }

  /** Series are often made many at once: what is defined in one turn goes in one message. */
  #defineSoon(wait: number): void {
    if (this.#closed) return;
    this.#cancelDefine ??= this.#clock.after(wait, () => {
      this.#cancelDefine = undefined;
      if (this.#isOpen) this.#define();
    });
  }

  #define(): void {
    for (const { definition } of this.#byNumber) {
      if (this.#known.has(definition.series) || this.#defining.has(definition.series)) continue;
      this.#definePacker.define(definition);
      this.#inPacket.push(definition.series);
    }
    this.#definePacker.flush();
  }

  /** Until the gateway has confirmed a definition, every packet with readings of the series carries it. */
  async #sendDefinitions(bytes: Uint8Array): Promise<void> {
    const session = this.#sessionId;
    const series = this.#inPacket.splice(0);
    for (const number of series) this.#defining.add(number);
    let confirmed = false;
    let refused = false;
    try {
      const outcome = await this.#complete.publish(READINGS, bytes, {
        delivery: 'reliable',
        receipt: 'processed',
      });
      confirmed = outcome === 'processed' || outcome === 'delivered';
    } catch (error) {
      refused = !isPassing(error);
      if (refused) this.#settings.failed?.(error);
    }
    for (const number of series) this.#defining.delete(number);
    if (confirmed && session === this.#sessionId) for (const number of series) this.#known.add(number);
    // What is refused for good is not worth another try before another session.
    if (!refused && this.#known.size < this.#byNumber.length) this.#defineSoon(confirmed ? 0 : DEFINE_AGAIN);
  }
}
