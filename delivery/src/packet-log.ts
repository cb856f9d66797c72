import type { PacketPosition } from '@spillway/envelope';

/** Packets remembered; the highest of them and one bit for each other in an ACK. */
const SIZE = 256;

/** Which numbered packets have come. */
export class PacketLog {
  #highest = 0;
  /** Packet `n` has come where entry `n % SIZE` is `n`. Only sessions that get packets pay for it. */
  #seen: Float64Array | undefined;

  /** False: this one has come before. One too old to tell is taken as new, since no sender sends a packet twice. */
  add(number: number): boolean {
    this.#seen ??= new Float64Array(SIZE);
    if (number <= this.#highest - SIZE) return true;
    if (this.#seen[number % SIZE] === number) return false;
    this.#seen[number % SIZE] = number;
    this.#highest = Math.max(this.#highest, number);
    return true;
  }

  /** For an ACK. */
  position(): PacketPosition {
    const highest = this.#highest;
    const bits = new Uint8Array(SIZE / 8);
    let size = 0;
    for (let index = 0; index < SIZE - 1 && index < highest - 1; index++) {
      const number = highest - 1 - index;
      if (this.#seen?.[number % SIZE] !== number) continue;
      bits[index >> 3]! |= 1 << (index & 7);
      size = (index >> 3) + 1;
    }
    return { highest, bits: bits.subarray(0, size) };
  }
}
