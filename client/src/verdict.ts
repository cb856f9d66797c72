import type { Reason } from '@spillway/envelope';
import type { Clock } from './clock.ts';

/** The part of the Web Storage API that remembers verdicts. */
export type VerdictStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** WebTransport did not come about towards one origin, or did not hold. */
interface Verdict {
  /** Ms since the Unix epoch. */
  readonly at: number;
  /** What had been offered: URL and certificates. Another offer is another matter. */
  readonly offer: string;
  readonly reason: Reason;
}

/** Remembers that WebTransport failed towards one origin, so that nobody waits for the same twice. */
export class VerdictBook {
  readonly #storage: VerdictStorage;
  readonly #clock: Clock;
  readonly #key: string;

  constructor(storage: VerdictStorage, clock: Clock, origin: string) {
    this.#storage = storage;
    this.#clock = clock;
    this.#key = `spillway:verdict:${origin}`;
  }

  /** Why it failed with this offer less than `maxAge` ms ago; undefined where it did not. */
  recall(offer: string, maxAge: number): Reason | undefined {
    try {
      // Storage is shared with everything of the page's origin, older versions included.
      const verdict = JSON.parse(this.#storage.getItem(this.#key)!) as Verdict;
      const age = this.#clock.wall() - verdict.at;
      // A negative age is a clock that was set back.
      if (verdict.offer === offer && age >= 0 && age < maxAge) return verdict.reason;
    } catch {
      // Forbidden here, or not ours.
    }
    return undefined;
  }

  /** It failed: it did not come about, or stood still. */
  remember(offer: string, reason: Reason): void {
    try {
      const verdict: Verdict = { at: this.#clock.wall(), offer, reason };
      this.#storage.setItem(this.#key, JSON.stringify(verdict));
    } catch {
      // Full, or forbidden here: then the next session waits again.
    }
  }

  /** It works, or the network is another one, and so another matter. */
  forget(): void {
    try {
      this.#storage.removeItem(this.#key);
    } catch {
      // Forbidden here: then it was never remembered.
    }
  }
}

/** A storage in memory. */
export function memoryStorage(): VerdictStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
