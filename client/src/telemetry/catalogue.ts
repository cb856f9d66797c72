import {
  type Catalogue,
  type CatalogueRequest,
  type CatalogueSeries,
  SERIES,
  seriesChannel,
} from '@spillway/envelope/telemetry';
import type { Clock, Undo } from '../clock.ts';
import type { TelemetryChannel, TelemetrySession } from './link.ts';
import { isPassing } from './shipper.ts';

/** Between two attempts to learn what an unknown number means, ms. */
const PAUSE = 1_000;

/** Pages of a catalogue at most: more is no catalogue. */
const MAX_PAGES = 1_000;

/** Whom a catalogue works for. */
export interface CatalogueHost {
  /** A series that is new, or that has changed. */
  learned(series: CatalogueSeries): void;
  /** The numbers mean something else from now on: what was known of them means nothing. */
  begunAnew(): void;
  /** It could not be had, and trying again will not help. */
  failed(error: unknown): void;
}

/** What the numbers of a channel's series mean: asked for at first, kept current by what the gateway announces. */
export class CatalogueView {
  readonly series = new Map<number, CatalogueSeries>();
  /** Undefined before the first answer. */
  epoch: number | undefined;
  readonly #session: TelemetrySession;
  readonly #channel: string;
  readonly #announcements: TelemetryChannel;
  readonly #host: CatalogueHost;
  readonly #clock: Clock;
  readonly #off: Undo;
  #loading: Promise<void> | undefined;
  #cancel: Undo | undefined;
  #closed = false;

  constructor(session: TelemetrySession, channel: string, host: CatalogueHost, clock: Clock) {
    this.#session = session;
    this.#channel = channel;
    this.#host = host;
    this.#clock = clock;
    this.#announcements = session.channel(seriesChannel(channel));
    this.#off = this.#announcements.on(SERIES, (payload) => this.#take(payload as Catalogue, false));
  }

  /** Resolves when all is known. Rejects with `RequestError`. */
  async open(): Promise<void> {
    // In this order, so that no series is made in between.
    await this.#announcements.subscribe();
    await this.#load();
  }

  /** Something came that is not known here: asks again, at most once a second. */
  missing(): void {
    if (this.#closed) return;
    this.#cancel ??= this.#clock.after(PAUSE, () => {
      this.#cancel = undefined;
      void this.#load().catch((error: unknown) => {
        if (isPassing(error)) this.missing();
        else this.#host.failed(error);
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#off();
    await this.#announcements.unsubscribe();
  }

  #load(): Promise<void> {
    this.#loading ??= this.#loadPages().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadPages(): Promise<void> {
    let from: number | undefined = 0;
    for (let page = 0; page < MAX_PAGES && from !== undefined; page++) {
      const request: CatalogueRequest = { channel: this.#channel, from };
      const answer = (await this.#session.request(SERIES, request)) as Catalogue;
      this.#take(answer, page === 0);
      from = answer.next;
    }
  }

  /** @param whole it begins with the first series */
  #take({ epoch, series }: Catalogue, whole: boolean): void {
    if (epoch !== this.epoch) {
      const had = this.epoch;
      this.epoch = epoch;
      this.series.clear();
      if (had !== undefined) this.#host.begunAnew();
      // What was announced is not all there is.
      if (!whole) this.missing();
    }
    for (const one of series) {
      this.series.set(one.id, one);
      this.#host.learned(one);
    }
  }
}
