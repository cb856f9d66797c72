import { between, pick, type Random } from '../shared/random.ts';
import { SAMPLE_RATE, SENSORS } from './catalogue.ts';
import { type Disturbance, excursion, Signal, spike, step } from './signal.ts';

/** Quiet between two disturbances, s. With the time they take to pass a limit: an alarm every 10-20 s. */
const QUIET = { least: 11, most: 17 };

/** The first one comes soon, so that somebody who just opened the page sees what an alarm is. */
const FIRST_AFTER = 4;

/** A plant of 500 sensors: no clock, no I/O. Each `sample` is 1 / SAMPLE_RATE later than the one before. */
export class Plant {
  readonly #random: Random;
  readonly #signals: readonly Signal[];
  readonly #values = new Float64Array(SENSORS.length);
  readonly #start: number;
  #taken = 0;
  #nextTrouble = FIRST_AFTER;

  /** `start`: time of the first sample, ms since the Unix epoch. */
  constructor(random: Random, start: number) {
    this.#random = random;
    this.#start = start;
    this.#signals = SENSORS.map(({ quantity }) => new Signal(quantity, random));
  }

  /** When the next sample is to be taken, ms since the Unix epoch. */
  get due(): number {
    return this.#start + (this.#taken * 1000) / SAMPLE_RATE;
  }

  /** Leaves out the samples due before `now`, ms: what a sensor would have said meanwhile is lost. */
  skipTo(now: number): void {
    const missed = Math.floor(((now - this.due) * SAMPLE_RATE) / 1000);
    if (missed <= 0) return;
    this.#taken += missed;
    this.#nextTrouble += missed / SAMPLE_RATE;
  }

  /** Reads every sensor once, in catalogue order. The column is the same one each time. */
  sample(): Float64Array {
    const now = this.#taken / SAMPLE_RATE;
    this.#taken += 1;
    if (now >= this.#nextTrouble) this.#trouble(now);
    const values = this.#values;
    for (const [index, signal] of this.#signals.entries()) values[index] = signal.read(now, 1 / SAMPLE_RATE);
    return values;
  }

  #trouble(now: number): void {
    this.#nextTrouble = now + between(this.#random, QUIET.least, QUIET.most);
    const calm = this.#signals.filter((signal) => !signal.disturbed);
    if (calm.length > 0) pick(this.#random, calm).disturb(this.#disturbance(), now);
  }

  #disturbance(): Disturbance {
    const kind = pick(this.#random, [spike, excursion, step]);
    const height = kind === spike ? between(this.#random, 1.6, 2.2) : between(this.#random, 1.3, 1.7);
    return kind(this.#random() < 0.7 ? height : -height);
  }
}
