import type { Clock } from '../delivery/src/simulator/clock.ts';
import type { Random } from '../delivery/src/simulator/random.ts';
import type { Machine } from './machine.ts';

/** How one transport fares. Times in ms, sizes in bytes. */
export interface Weather {
  /** Of a pipe it means nothing. */
  maxDatagramSize: number;
  readonly delay: number;
  /** What datagrams and each stream may take longer, each for itself. */
  readonly jitter: number;
  /** Share of packets lost: datagrams are gone, streams repair it later. */
  readonly loss: number;
  /** Bytes per ms, each way. */
  readonly rate: number;
  /** Message streams that the gateway may have open. */
  readonly streams: number;
}

/** What the kernel or the QUIC stack holds without showing it, bytes. */
const HIDDEN = 20_000;

/** One direction of one transport. */
export class Way {
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: Weather;
  readonly to: Machine;
  /** Until when nothing passes. */
  readonly #deadUntil: () => number;
  /** Nothing passes ever again, and nobody is told. */
  deaf = false;
  /** The transport has ended: what is under way is gone. */
  ended = false;
  #busyUntil = 0;

  constructor(clock: Clock, random: Random, weather: Weather, to: Machine, deadUntil: () => number) {
    this.clock = clock;
    this.random = random;
    this.weather = weather;
    this.to = to;
    this.#deadUntil = deadUntil;
  }

  get deadUntil(): number {
    return this.deaf ? Number.POSITIVE_INFINITY : this.#deadUntil();
  }

  /** Unsent bytes that the sender can see. */
  get backlog(): number {
    return Math.max(0, (this.#busyUntil - this.clock.now) * this.weather.rate - HIDDEN);
  }

  /** Puts bytes on the wire. Returns when they have left. */
  leave(size: number): number {
    this.#busyUntil = Math.max(this.#busyUntil, this.clock.now) + size / this.weather.rate;
    return this.#busyUntil;
  }

  /** Ms between leaving and arriving, this time. */
  flight(): number {
    return this.weather.delay + this.random.next() * this.weather.jitter;
  }

  datagram(size: number, arrive: () => void): void {
    const { clock, random, weather } = this;
    const arrival = this.leave(size + 60) + this.flight();
    if (random.chance(weather.loss) || this.deadUntil > clock.now) return;
    clock.at(arrival, () => {
      if (!this.ended && this.deadUntil <= clock.now) this.to.hear(arrive);
    });
  }
}

/** What arrives in order on one way: a stream, or all of a pipe. */
export class Flow {
  readonly #way: Way;
  readonly #waiting: (() => void)[] = [];
  #arrival = 0;
  #reset = false;

  constructor(way: Way) {
    this.#way = way;
  }

  /** Returns when the bytes have left. `arrive` runs in the process at the far end. */
  send(size: number, arrive: () => void): number {
    const { clock, random, weather } = this.#way;
    const left = this.#way.leave(size);
    let flight = this.#way.flight();
    if (random.chance(weather.loss)) flight += 2 * weather.delay + random.next() * 100;
    this.#arrival = Math.max(this.#arrival, left + flight);
    this.#waiting.push(arrive);
    clock.at(this.#arrival, this.#arrive);
    return left;
  }

  /** What has not arrived never does. */
  reset(): void {
    this.#reset = true;
    this.#waiting.length = 0;
  }

  readonly #arrive = (): void => {
    const way = this.#way;
    if (way.ended || this.#reset) return;
    const { deadUntil } = way;
    if (deadUntil > way.clock.now) {
      // Sent again until it passes.
      if (deadUntil < Number.POSITIVE_INFINITY)
        way.clock.at(deadUntil + way.random.next() * 200, this.#arrive);
      return;
    }
    const arrive = this.#waiting.shift();
    if (arrive) way.to.hear(arrive);
  };
}
