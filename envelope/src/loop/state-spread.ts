import type { StateSchema } from './schema.ts';
import { ESCAPE } from './state-bits.ts';

/** After so many values the older ones count half. */
const MEMORY = 32;

/**
 * How far each field's changes spread, learnt from those before it in the same part, the same way by both ends: it
 * decides how many low bits of a change are told as they are (an adaptive Golomb-Rice code, as in JPEG-LS, ITU-T T.87).
 */
export class Spread {
  readonly #sums: Float64Array;
  readonly #counts: Int32Array;
  readonly #first: Float64Array;
  readonly #bits: Uint8Array;

  constructor(schema: StateSchema) {
    const bits = schema.kinds.flatMap(({ fields }) => fields.map((field) => field.bits));
    this.#bits = Uint8Array.from(bits);
    // The first change is guessed to be a 128th of the range.
    this.#first = Float64Array.from(bits, (count) => 2 ** Math.max(0, count - 7));
    this.#sums = new Float64Array(bits.length);
    this.#counts = new Int32Array(bits.length);
    this.reset();
  }

  /** Forgets what it learnt: a part is read without those before it. */
  reset(): void {
    this.#sums.set(this.#first);
    this.#counts.fill(1);
  }

  /** Low bits of the next change of this field. */
  bits(code: number): number {
    const sum = this.#sums[code]!;
    const most = this.#bits[code]!;
    let bits = 0;
    for (let reach = this.#counts[code]!; reach < sum && bits < most; reach *= 2) bits++;
    return bits;
  }

  /** Learns that a change was too large for so many low bits; how large, only one of both ends knows. */
  escaped(code: number, low: number): void {
    this.learn(code, ESCAPE * 2 ** low);
  }

  /** Learns a change. */
  learn(code: number, size: number): void {
    this.#sums[code]! += size;
    if (++this.#counts[code]! < MEMORY) return;
    this.#sums[code]! /= 2;
    this.#counts[code]! = MEMORY / 2;
  }
}
