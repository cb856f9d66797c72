import type { Skip } from '@spillway/envelope/telemetry';

/** Readings that will never be sent. */
export interface Loss {
  readonly series: number;
  readonly seq: number;
  readonly count: number;
  readonly why: Skip;
}

/** Separate losses of one series that are kept until they are told. What is more, consumers see as missing without a reason. */
const PER_SERIES = 16;

/** What has been lost and not told, by series; what follows on a loss is one with it. */
export class Losses {
  readonly #bySeries = new Map<number, Loss[]>();

  get empty(): boolean {
    return this.#bySeries.size === 0;
  }

  add(series: number, seq: number, count: number, why: Skip): void {
    const losses = this.#bySeries.get(series) ?? [];
    this.#bySeries.set(series, losses);
    const last = losses.at(-1);
    if (last && last.why === why && last.seq + last.count === seq)
      losses[losses.length - 1] = { ...last, count: last.count + count };
    else losses.push({ series, seq, count, why });
    if (losses.length > PER_SERIES) losses.shift();
  }

  /** All of them, and forgets them. */
  take(): Loss[] {
    const all = [...this.#bySeries.values()].flat();
    this.#bySeries.clear();
    return all;
  }
}
