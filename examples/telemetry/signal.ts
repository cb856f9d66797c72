import { between, type Random } from '../shared/random.ts';
import type { Quantity } from './catalogue.ts';

/** Something that happens to a sensor for a while: `shape` of seconds since it began, in limits (1 is a limit). */
export interface Disturbance {
  readonly seconds: number;
  shape(elapsed: number): number;
}

/** A surge that dies away. */
export function spike(height: number): Disturbance {
  return { seconds: 6, shape: (elapsed) => height * Math.min(1, elapsed / 0.25) * Math.exp(-elapsed / 1.6) };
}

/** A slow way out, a while there, and a slow way back. */
export function excursion(height: number): Disturbance {
  const [out, stay, back] = [4, 4, 3];
  return {
    seconds: out + stay + back,
    shape: (elapsed) =>
      height * Math.max(0, Math.min(1, elapsed / out, (out + stay + back - elapsed) / back)),
  };
}

/** The sensor jumps and stays off until somebody has set it right. */
export function step(height: number): Disturbance {
  return {
    seconds: 5,
    shape: (elapsed) => height * Math.min(1, elapsed / 0.1, Math.max(0, (5 - elapsed) / 0.4)),
  };
}

/** Pull back towards the usual value of the slow drift, per second. */
const DRIFT_PULL = 0.25;

/** One sensor's reading over time: a machine cycle, slow drift and noise, and now and then a disturbance. */
export class Signal {
  readonly #quantity: Quantity;
  readonly #random: Random;
  readonly #cycle: number;
  readonly #phase: number;
  #drift = 0;
  #disturbance: { readonly what: Disturbance; readonly since: number } | undefined;

  constructor(quantity: Quantity, random: Random) {
    this.#quantity = quantity;
    this.#random = random;
    this.#cycle = between(random, 7, 16);
    this.#phase = between(random, 0, 2 * Math.PI);
  }

  get disturbed(): boolean {
    return this.#disturbance !== undefined;
  }

  disturb(what: Disturbance, now: number): void {
    this.#disturbance = { what, since: now };
  }

  /** The reading at `now`, `elapsed` after the one before; both s. */
  read(now: number, elapsed: number): number {
    this.#drift += this.#noise() * 0.16 * Math.sqrt(elapsed) - this.#drift * DRIFT_PULL * elapsed;
    this.#drift = Math.min(0.3, Math.max(-0.3, this.#drift));
    const cycle = 0.22 * Math.sin((2 * Math.PI * now) / this.#cycle + this.#phase);
    const away = cycle + this.#drift + this.#noise() * 0.014 + this.#disturbed(now);
    const { usual, low, high, most = Number.POSITIVE_INFINITY } = this.#quantity;
    const value = usual + away * (away > 0 ? high - usual : usual - low);
    return Math.min(most, Math.max(0, value));
  }

  #disturbed(now: number): number {
    if (!this.#disturbance) return 0;
    const { what, since } = this.#disturbance;
    if (now - since < what.seconds) return what.shape(now - since);
    this.#disturbance = undefined;
    return 0;
  }

  /** About normal, mean 0, deviation 1. */
  #noise(): number {
    return (this.#random() + this.#random() + this.#random() - 1.5) * 2;
  }
}
