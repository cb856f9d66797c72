import { RollupWriter } from '@spillway/envelope/telemetry';
import type { Series, SeriesInfo } from './series.ts';
import type { Site } from './site.ts';
import type { WindowSummary } from './windows.ts';

/**
 * Series that share messages. Always the same ones do, so a newer message has all that an older one had. With the figures
 * of usual sensors they fill two thirds of one.
 */
const PART = 48;

/** Bytes of a message: fits the smallest datagram that browsers have. What has no room in it has a second one. */
const ROOM = 960;

/** Keys of late news of one part: of windows this far apart the later one may replace the earlier. */
const KEYS = 64;

/** The roll-up of one series. */
export interface SeriesRollup extends WindowSummary {
  readonly channel: string;
  readonly series: SeriesInfo;
  /** Length of the window, ms. */
  readonly window: number;
}

/** One message of roll-ups. */
export interface RollupMessage {
  /** Newer messages of the same key make it worthless. */
  readonly key: string;
  /** It is about a window before the newest. */
  readonly late: boolean;
  readonly bytes: Uint8Array;
}

/** Packs the windows of a site that have something new to say. */
export class Rollups {
  readonly #writer = new RollupWriter(ROOM);
  /** By number of window, the parts with news, and how often each series has been told of. */
  readonly #news = new Map<number, Set<number>>();

  /**
   * The messages about windows of one length up to the number `newest`. `told` hears each roll-up that has changed.
   * @param which of the site's lengths of windows
   */
  *take(
    site: Site,
    which: number,
    newest: number,
    told: (series: Series, number: number, amended: boolean) => void,
  ): Generator<RollupMessage> {
    const news = this.#news;
    news.clear();
    for (const series of site.series.values()) {
      series.windows[which]!.takeNews(newest, (number, amended) => {
        const parts = news.get(number) ?? new Set();
        news.set(number, parts.add(Math.floor(series.info.id / PART)));
        told(series, number, amended);
      });
    }
    const numbers = [...news.keys()].sort((one, other) => one - other);
    for (const number of numbers) {
      for (const part of news.get(number)!) {
        // Late news of a window must not replace the newest one, which may still wait for a slow dashboard.
        const late = number !== newest;
        const key = late ? `${part}.${number % KEYS}` : `${part}`;
        yield* this.#pack(site, which, number, part, key, late);
      }
    }
  }

  /** All that is known of a window for one part: also what was told before, as this takes its place. */
  *#pack(
    site: Site,
    which: number,
    number: number,
    part: number,
    key: string,
    late: boolean,
  ): Generator<RollupMessage> {
    const writer = this.#writer;
    const length = site.windows[which]!;
    let messages = 0;
    const done = () => ({
      key: messages++ === 0 ? key : `${key}+${messages - 1}`,
      late,
      bytes: writer.done(),
    });
    writer.begin(site.epoch, length, number * length);
    for (let id = part * PART; id < (part + 1) * PART; id++) {
      const series = site.series.get(id);
      const summary = series?.windows[which]?.summary(number);
      if (series === undefined || summary === undefined) continue;
      const { encoding, decimals } = series.info;
      const digits = encoding === 'scaled' ? decimals : undefined;
      if (writer.add(id, digits, summary, summary.amended)) continue;
      yield done();
      writer.begin(site.epoch, length, number * length);
      writer.add(id, digits, summary, summary.amended);
    }
    yield done();
  }
}

/** One window of a series; undefined where nothing is known of it. */
export function seriesRollup(
  channel: string,
  { info, windows }: Series,
  which: number,
  number: number,
): SeriesRollup | undefined {
  const { [which]: one } = windows;
  const summary = one?.summary(number);
  if (one === undefined || summary === undefined) return undefined;
  return { channel, series: info, window: one.length, ...summary };
}
