import { now } from './clock.ts';
import { quantile } from './stats.ts';

/** Percentiles, ms. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/** How long messages took. */
export class Latencies {
  #all: number[] = [];

  /** `time` of `now()`. */
  since(time: number): void {
    this.#all.push(now() - time);
  }

  /** Of what came since this was last asked. Without anything they are 0. */
  take(): Percentiles {
    const all = this.#all;
    this.#all = [];
    if (all.length === 0) return { p50: 0, p99: 0, count: 0 };
    return { p50: quantile(all, 0.5), p99: quantile(all, 0.99), count: all.length };
  }
}
