import type { Gap } from '@spillway/envelope';
import { nothing, owned } from './nothing.ts';

/**
 * What could not be kept for a far end that is away, per channel, to name it when it comes back. From the first refusal
 * on nothing more of the channel is kept, so that the range holds nothing that arrives after all.
 */
export class Refusals {
  #ranges = nothing<string, { readonly from: number; to: number }>();

  /** Refuses a message; one without a position in a channel cannot be named, and its publisher hears of it at once. */
  refuse(channel: string, seq: number | undefined): void {
    if (seq === undefined) return;
    const range = this.#ranges.get(channel);
    if (range) {
      range.to = seq;
      return;
    }
    this.#ranges = owned(this.#ranges);
    this.#ranges.set(channel, { from: seq, to: seq });
  }

  has(channel: string): boolean {
    return this.#ranges.has(channel);
  }

  /** The gaps to tell of, once. */
  take(): Gap[] {
    const gaps = Array.from(this.#ranges, ([channel, range]): Gap => ({ kind: 'gap', channel, ...range }));
    this.#ranges.clear();
    return gaps;
  }
}
