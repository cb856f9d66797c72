import type { Random } from '../../shared/random.ts';

/** What is done to each message, the same in both directions. */
export interface Conditions {
  /** Added to the way, ms. */
  readonly delay: number;
  /** Up to so much more, at random, ms. */
  readonly jitter: number;
  /** Share of the messages that is lost, 0 to 1. */
  readonly loss: number;
}

/** Conditions with a name. */
export const PRESETS: Readonly<Record<string, Conditions>> = {
  'As it is': { delay: 0, jitter: 0, loss: 0 },
  'Wi-Fi': { delay: 8, jitter: 8, loss: 0.005 },
  Mobile: { delay: 40, jitter: 20, loss: 0.02 },
  'Far away': { delay: 90, jitter: 6, loss: 0.005 },
  'On a train': { delay: 70, jitter: 60, loss: 0.08 },
};

/**
 * A sender notices a loss by what comes after it: three more packets that arrive (RFC 5681, 3.2), at 60 a second some
 * 50 ms, and then the lost one takes another round trip.
 */
const NOTICE = 50;

/** What the simulated network does, changeable at any time. */
export class Network {
  #conditions: Conditions = { delay: 0, jitter: 0, loss: 0 };
  readonly #random: Random;
  #lost = 0;
  #resent = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get conditions(): Conditions {
    return this.#conditions;
  }

  set conditions(conditions: Conditions) {
    this.#conditions = conditions;
  }

  /** Datagrams that were lost. */
  get lost(): number {
    return this.#lost;
  }

  /** Parts of streams, and WebSocket messages, that came later because they were lost on the way. */
  get resent(): number {
    return this.#resent;
  }

  /** How long a datagram takes, ms; undefined: it is lost. */
  datagram(): number | undefined {
    if (!this.#isLost()) return this.#transit();
    this.#lost += 1;
    return undefined;
  }

  /** How long a part of something reliable takes, ms: each time that it is lost it is sent again. */
  reliable(): number {
    let transit = this.#transit();
    while (this.#isLost()) {
      this.#resent += 1;
      transit += NOTICE + 2 * this.#transit();
    }
    return transit;
  }

  #transit(): number {
    const { delay, jitter } = this.#conditions;
    return delay + jitter * this.#random();
  }

  #isLost(): boolean {
    return this.#random() < this.#conditions.loss;
  }
}
