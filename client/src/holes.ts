/** Ranges remembered, and how far back: what is missing for longer was dropped, and newer ones took its place. */
const MAX_RANGES = 32;
const REACH = 256;

/** Which positions of a channel have been skipped, of late: some may still come. */
export class Holes {
  #ranges: { from: number; to: number }[] = [];
  #highest = 0;

  /** What comes begins after this position. */
  begin(seq: number): void {
    this.#ranges = [];
    this.#highest = seq;
  }

  take(seq: number): void {
    if (seq > this.#highest) {
      if (seq > this.#highest + 1) this.#ranges.push({ from: this.#highest + 1, to: seq - 1 });
      this.#highest = seq;
      const [oldest] = this.#ranges;
      if (oldest && (this.#ranges.length > MAX_RANGES || oldest.to < seq - REACH)) this.#ranges.shift();
      return;
    }
    const index = this.#ranges.findIndex(({ from, to }) => from <= seq && seq <= to);
    if (index < 0) return;
    const { from, to } = this.#ranges[index]!;
    const rest = [
      { from, to: seq - 1 },
      { from: seq + 1, to },
    ].filter((range) => range.from <= range.to);
    this.#ranges.splice(index, 1, ...rest);
  }

  /** The lowest of them. */
  get first(): number | undefined {
    const [oldest] = this.#ranges;
    return oldest && Math.max(oldest.from, this.#highest - REACH);
  }
}
