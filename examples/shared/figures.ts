/** Milliseconds for reading: one decimal below ten. A dash while unknown. */
export function formatMs(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '–';
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Bytes a second in B, kB or MB. */
export function formatBytesPerSecond(bytes: number): string {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB/s`;
  if (bytes >= 1e3) return `${(bytes / 1e3).toFixed(1)} kB/s`;
  return `${Math.round(bytes)} B/s`;
}

/** A whole number with thin groups: 12 345. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** Counters of a session that only grow. */
export interface Counters {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** How far back rates look, ms: long enough to be steady, short enough to follow. */
const SPAN = 3000;

/** Turns growing counters into rates a second over the last few seconds. */
export class Rates {
  #samples: { readonly at: number; readonly counters: Counters }[] = [];

  /** Takes the counters at `now`, ms, and gives the rates. Counters that fell belong to a new session. */
  take(counters: Counters, now: number): Counters {
    const newest = this.#samples.at(-1)?.counters;
    if (newest && (counters.messagesIn < newest.messagesIn || counters.messagesOut < newest.messagesOut)) {
      this.#samples = [];
    }
    this.#samples.push({ at: now, counters });
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > SPAN) this.#samples.shift();
    const { at, counters: first } = this.#samples[0]!;
    const rate = (name: keyof Counters): number =>
      now > at ? ((counters[name] - first[name]) * 1000) / (now - at) : 0;
    return {
      messagesIn: rate('messagesIn'),
      messagesOut: rate('messagesOut'),
      bytesIn: rate('bytesIn'),
      bytesOut: rate('bytesOut'),
    };
  }
}
