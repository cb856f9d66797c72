import { now } from '../network/clock.ts';
import { random } from '../network/random.ts';
import { pack } from './message.ts';

/** Channels of each session and direction, numbered from 0. */
export const CHANNELS = 4;
export const KEYS = ['p1', 'p2', 'p3'] as const;
/** States of each key a second. */
export const HZ = 60;
/** Of these messages one in so many is `unordered`. */
const UNORDERED = 10;
/** And one in so many is as large as this. */
const LARGE = 50;
const LARGE_SIZE = 4000;

export type Type = 'STEP' | 'PART' | 'STATE';

export interface How {
  readonly delivery: 'reliable' | 'unordered' | 'latest';
  readonly key?: string;
}

/** Publishes on a channel. A promise: it is taken, and there is no room for more until that resolves. */
export type Say = (channel: number, type: Type, payload: Uint8Array, how: How) => Promise<void> | undefined;

/** How far the numbers went. */
export interface Sent {
  /** By channel. */
  readonly reliable: readonly number[];
  readonly unordered: number;
  /** By key. */
  readonly latest: Readonly<Record<string, number>>;
}

/**
 * One direction of one session, at its source: numbered messages, `reliable` ones on all channels, a few `unordered`
 * ones, and the states of a few keys.
 */
export class Talker {
  readonly #say: Say;
  /** Numbered messages a second. */
  readonly #rate: number;
  readonly #next: () => number;
  readonly #reliable = new Array<number>(CHANNELS).fill(0);
  readonly #latest: Record<string, number> = Object.fromEntries(KEYS.map((key) => [key, 0]));
  #unordered = 0;
  #began = 0;
  #said = 0;
  #waits = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(say: Say, rate: number, seed: number) {
    this.#say = say;
    this.#rate = rate;
    this.#next = random(seed);
  }

  get sent(): Sent {
    return { reliable: [...this.#reliable], unordered: this.#unordered, latest: { ...this.#latest } };
  }

  start(): void {
    this.#began = now();
    this.#timer = setInterval(() => this.#tick(), 1000 / HZ);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const born = now();
    for (const [index, key] of KEYS.entries()) {
      this.#latest[key]! += 1;
      const state = pack({ number: this.#latest[key]!, born }, 100);
      void this.#say(index, 'STATE', state, { delivery: 'latest', key });
    }
    for (; !this.#waits && this.#said < ((born - this.#began) * this.#rate) / 1000; this.#said++)
      this.#step(born);
  }

  #step(born: number): void {
    const size = this.#next() < 1 / LARGE ? LARGE_SIZE : 20 + this.#next() * 380;
    const channel = Math.floor(this.#next() * CHANNELS);
    const orderly = this.#next() >= 1 / UNORDERED;
    const number = orderly ? ++this.#reliable[channel]! : ++this.#unordered;
    const payload = pack({ number, born }, size);
    const room = orderly
      ? this.#say(channel, 'STEP', payload, { delivery: 'reliable' })
      : this.#say(channel, 'PART', payload, { delivery: 'unordered' });
    if (!room) return;
    this.#waits = true;
    void room.then(() => {
      this.#waits = false;
    });
  }
}
