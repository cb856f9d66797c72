import { expect, test } from 'vitest';
import { Series } from './series.ts';

const READINGS = 1_000_000;
const START = 1_795_000_000_000;

test('a million readings grow the heap by less than a byte each', () => {
  const values = Float64Array.from({ length: 4096 }, (_, index) => 64 + Math.sin(index) / 3);
  const definition = {
    series: 0,
    name: 'a',
    unit: '',
    mode: 'live',
    encoding: 'float64',
    decimals: 0,
    resolution: 'ms',
  } as const;
  const series = new Series(definition, 256, {
    now: () => START,
    began() {},
    full: (full) => full.taken(),
  });
  function record(): void {
    for (let index = 0; index < READINGS; index++)
      series.record(values[index & 4095]!, START + index * 0.005);
  }
  record();
  // The least of some runs: what others do on this heap is in each.
  let grown = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const before = process.memoryUsage().heapUsed;
    record();
    grown = Math.min(grown, Math.abs(process.memoryUsage().heapUsed - before));
  }
  expect(series.stats.recorded).toBe(6 * READINGS);
  expect(grown).toBeLessThan(READINGS);
});
