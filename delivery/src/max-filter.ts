/**
 * The largest of what was seen lately. It keeps two halves of its span instead of every sample, so it forgets after
 * half a span to a whole one, and only when something newer has been seen.
 */
export class MaxFilter {
  /** 0 before the first sample. */
  value = 0;
  #recent = 0;
  #older = 0;
  #turned = 0;

  /** `atLeast`: the sample is a lower bound, so it does not count where more is known. */
  add(sample: number, now: number, span: number, atLeast: boolean): void {
    if (atLeast && sample < this.value) return;
    if (now - this.#turned >= span / 2) {
      this.#older = this.#recent;
      this.#recent = 0;
      this.#turned = now;
    }
    this.#recent = Math.max(this.#recent, sample);
    this.value = Math.max(this.#older, this.#recent);
  }
}
