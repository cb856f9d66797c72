import type { Event } from '@spillway/envelope';
import type { RawPage } from './history.ts';
import { isDroppable } from './outbox.ts';

/** Live events kept back while older ones are fetched. */
const MAX_HELD = 1024;

/** What a channel needs to be done for its gaps. */
export interface BackfillHost {
  /** What is kept from this position on. Rejects with `RequestError`. */
  older(from: number): Promise<RawPage>;
  accept(event: Event): void;
  /** These are gone for good. */
  lacks(from: number, to: number): void;
}

/**
 * Keeps a channel's live events back while what was missed before them comes: with the subscription, or from history
 * where there is a gap. So everything reaches the application in order.
 */
export class Backfill {
  readonly #host: BackfillHost;
  #held: Event[] | undefined;
  /** Being fetched, one after the other. */
  #gaps: { from: number; readonly to: number }[] = [];

  constructor(host: BackfillHost) {
    this.#host = host;
  }

  /** Keeps back what comes until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  /** True: it is kept back. */
  take(event: Event): boolean {
    if (!this.#held) return false;
    this.#held.push(event);
    if (this.#held.length > MAX_HELD) this.giveUp();
    return true;
  }

  /** Hands out what was kept back, unless a gap is still open. */
  release(): void {
    if (this.#gaps.length > 0) return;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [index, event] of held.entries()) {
      // A listener may have begun another wait.
      if (this.#held) {
        (this.#held as Event[]).push(...held.slice(index));
        return;
      }
      this.#host.accept(event);
    }
  }

  /** Fetches what was missed, both inclusive, and names what of it is kept no more. */
  fill(from: number, to: number): void {
    this.hold();
    this.#gaps.push({ from, to });
    if (this.#gaps.length === 1) void this.#run();
  }

  /** Nothing more is fetched: names what is still missing, and hands out what came after it. */
  giveUp(): void {
    for (const { from, to } of this.#gaps.splice(0)) this.#host.lacks(from, to);
    this.release();
  }

  /** The application does not want any of it. */
  clear(): void {
    this.#gaps = [];
    this.#held = undefined;
  }

  async #run(): Promise<void> {
    const gaps = this.#gaps;
    for (let gap = gaps[0]; gap; gap = gaps[0]) {
      this.#handOut(gap.from);
      try {
        await this.#fetch(gap, gaps);
      } catch {
        // Whatever it is: it cannot be had.
        if (gaps[0] === gap) this.#host.lacks(gap.from, gap.to);
      }
      // Whoever gave up has told, and what begins after that is another's to fetch.
      if (gaps[0] !== gap || gaps !== this.#gaps) return;
      gaps.shift();
    }
    this.release();
  }

  /** What was kept back and comes before this position. */
  #handOut(before: number): void {
    const held = this.#held ?? [];
    while (held[0] && (held[0].seq ?? 0) < before) this.#host.accept(held.shift()!);
  }

  async #fetch(gap: { from: number; readonly to: number }, gaps: readonly unknown[]): Promise<void> {
    while (gap.from <= gap.to) {
      const { events, forgotten, next = gap.to + 1 } = await this.#host.older(gap.from);
      if (gaps[0] !== gap || gaps !== this.#gaps) return;
      if (forgotten >= gap.from) this.#host.lacks(gap.from, Math.min(forgotten, gap.to));
      for (const event of events) {
        // What may be dropped has been, or comes in its newest version.
        if (event.seq! <= gap.to && !isDroppable(event)) this.#host.accept(event);
      }
      gap.from = next;
    }
  }
}
