/** Packets that the share is of, at most. */
const WINDOW = 256;
/** Packets after a gap that may still come, out of order. */
const SLACK = 8;

/** The share of a client's packets that were lost of late, by their numbers. */
export class PacketLoss {
  readonly #came = new Uint8Array(WINDOW + SLACK);
  #highest = 0;
  #first = 0;

  /** Takes in a number. False: it has come before, or is of long ago. */
  saw(sequence: number): boolean {
    const size = this.#came.length;
    if (this.#highest === 0) this.#first = sequence;
    if (sequence <= this.#highest) {
      if (sequence <= this.#highest - size || this.#came[sequence % size] === 1) return false;
      this.#came[sequence % size] = 1;
      this.#first = Math.min(this.#first, sequence);
      return true;
    }
    for (let gone = Math.max(this.#highest + 1, sequence - size + 1); gone < sequence; gone++)
      this.#came[gone % size] = 0;
    this.#came[sequence % size] = 1;
    this.#highest = sequence;
    return true;
  }

  /** Has the packet of this number come, as far as is remembered? */
  has(sequence: number): boolean {
    const { length } = this.#came;
    return (
      sequence <= this.#highest && sequence > this.#highest - length && this.#came[sequence % length] === 1
    );
  }

  /**
   * 0 to 1, with a margin for how little is known: what 256 packets show may be luck. Packets that may still come do
   * not count.
   */
  get share(): number {
    const last = this.#highest - SLACK;
    const first = Math.max(this.#first, last - WINDOW + 1);
    const count = last - first + 1;
    if (count < SLACK) return 0;
    let lost = 0;
    for (let sequence = first; sequence <= last; sequence++)
      if (this.#came[sequence % this.#came.length] === 0) lost += 1;
    if (lost === 0) return 0;
    const share = lost / count;
    return Math.min(1, share + Math.sqrt((share * (1 - share)) / count));
  }
}
