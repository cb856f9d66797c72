import { REASONS, type Reason } from '@spillway/envelope';
import type { Clock } from './clock.ts';

/** The part of the Web Storage API that remembers verdicts. */
export type VerdictStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Why WebTransport did not come about towards one origin, and when. */
interface Verdict {
  readonly reason: Reason;
  /** Ms since the Unix epoch. */
  readonly at: number;
  /** What had been offered: URL and certificates. Another offer is another matter. */
  readonly offer: string;
}

/** Remembers how WebTransport failed towards one origin, so that nobody waits for the same twice. */
export class VerdictBook {
  readonly #storage: VerdictStorage;
  readonly #clock: Clock;
  readonly #key: string;

  constructor(storage: VerdictStorage, clock: Clock, origin: string) {
    this.#storage = storage;
    this.#clock = clock;
    this.#key = `spillway:verdict:${origin}`;
  }

  /** The reason of a failure with this offer that is less than `maxAge` ms old. */
  recall(offer: string, maxAge: number): Reason | undefined {
    try {
      // Storage is shared with everything of the page's origin, older versions included.
      const verdict = JSON.parse(this.#storage.getItem(this.#key) ?? 'null') as Verdict | null;
      const age = this.#clock.wall() - verdict!.at;
      // A negative age is a clock that was set back.
      const holds = verdict!.offer === offer && age >= 0 && age < maxAge && REASONS.includes(verdict!.reason);
      return holds ? verdict!.reason : undefined;
    } catch {
      return undefined;
    }
  }

  remember(offer: string, reason: Reason): void {
    const verdict: Verdict = { reason, at: this.#clock.wall(), offer };
    try {
      this.#storage.setItem(this.#key, JSON.stringify(verdict));
    } catch {
      // Full, or forbidden here: then the next session waits again.
    }
  }

  forget(): void {
    try {
      this.#storage.removeItem(this.#key);
    } catch {
      // Forbidden here; then nothing was stored either.
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
