/** Readings of one series in one window. The figures mean nothing where `count` is 0. */
export interface Rollup {
  readonly count: number;
  /** Readings that the sequence says there are and that have not come, as far as known. */
  readonly missing: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** The value with the latest time. */
  readonly last: number;
}
