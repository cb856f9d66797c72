import { now } from '../network/clock.ts';
import { type Balance, Ledger } from './ledger.ts';
import { unpack } from './message.ts';
import { CHANNELS, type Sent, type Type } from './talker.ts';

/** What became of all that was sent in one direction of one session. */
export interface Heard {
  /** By channel. */
  readonly reliable: readonly Balance[];
  readonly unordered: Balance;
  /** Newest number of each key. */
  readonly latest: Readonly<Record<string, number>>;
  /** States that came after a newer one of their key. */
  readonly stale: number;
  /** By the number of a mark: ms from it to the first reliable message that was made later. */
  readonly resumed: Readonly<Record<number, number>>;
}

/** One direction of one session, at its far end. */
export class Hearer {
  readonly #reliable = Array.from({ length: CHANNELS }, () => new Ledger());
  readonly #unordered = new Ledger();
  readonly #latest: Record<string, number> = {};
  readonly #resumed: Record<number, number> = {};
  #stale = 0;
  #marks: { readonly mark: number; readonly at: number }[] = [];

  take(channel: number, sort: Type, payload: Uint8Array, key: string | undefined): void {
    const { number, born } = unpack(payload);
    switch (sort) {
      case 'STEP':
        this.#reliable[channel]!.take(number);
        this.#resume(born);
        break;
      case 'PART':
        this.#unordered.take(number);
        break;
      case 'STATE':
        // The same once more is allowed: on the way up only a packet's number tells it, and it was sent in two.
        if (number < (this.#latest[key!] ?? 0)) this.#stale += 1;
        this.#latest[key!] = number;
        break;
      default:
        sort satisfies never;
    }
  }

  /** The network was struck. */
  mark(mark: number, at: number): void {
    this.#marks.push({ mark, at });
  }

  heard(sent: Sent): Heard {
    return {
      reliable: this.#reliable.map((ledger, channel) => ledger.balance(sent.reliable[channel]!)),
      unordered: this.#unordered.balance(sent.unordered),
      latest: { ...this.#latest },
      stale: this.#stale,
      resumed: { ...this.#resumed },
    };
  }

  #resume(born: number): void {
    if (this.#marks.length === 0) return;
    const at = now();
    for (const mark of this.#marks) if (mark.at <= born) this.#resumed[mark.mark] = at - mark.at;
    this.#marks = this.#marks.filter((mark) => mark.at > born);
  }
}
