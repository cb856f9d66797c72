import { expect, test } from 'vitest';
import type { Batch } from './batch.ts';
import { QUANTITIES } from './catalogue.ts';
import { History } from './history.ts';

const SENSORS = QUANTITIES.length;

/** A batch whose first sensor reads `values` from `start`, ms. */
function batch(start: number, values: readonly number[]): Batch {
  const all = new Float32Array(SENSORS * values.length);
  all.set(values);
  return { start, period: 10, samples: values.length, values: all };
}

test('readings come back where they were taken, at full resolution', () => {
  const history = new History();
  history.add(0, batch(1000, [1, 2, 3, 4]));
  const [x, values] = history.columns([0], 1040, 0.04, 100);
  expect(x).toEqual([-0.04, -0.03, -0.02, -0.01]);
  expect(values).toEqual([1, 2, 3, 4]);
  expect(history.latest(0)).toBe(4);
});

test('a lost batch leaves a gap, also where the ring held older readings', () => {
  const history = new History();
  for (let start = 0; start < 50_000; start += 40) history.add(0, batch(start, [7, 7, 7, 7]));
  history.add(0, batch(50_040, [8, 8, 8, 8]));
  const [, values] = history.columns([0], 50_080, 0.12, 100);
  expect(values).toEqual([7, 7, 7, 7, null, null, null, null, 8, 8, 8, 8]);
});

test('a batch that was overtaken fills its gap, one from long ago is ignored', () => {
  const history = new History();
  history.add(0, batch(60_040, [3, 4]));
  history.add(0, batch(60_000, [1, 2]));
  history.add(0, batch(100, [9, 9]));
  const [, values] = history.columns([0], 60_060, 0.06, 100);
  expect(values).toEqual([1, 2, null, null, 3, 4]);
});

test('decimation keeps a spike of a single sample, and the order of the extremes', () => {
  const history = new History();
  const values = Array.from({ length: 1000 }, () => 5);
  values[503] = 42;
  values[506] = -3;
  history.add(0, batch(0, values));
  const [x, series] = history.columns([0], 10_000, 10, 200);
  expect(x.length).toBeLessThanOrEqual(202);
  expect(series).toHaveLength(x.length);
  const top = series!.indexOf(42);
  expect(series?.[top + 1]).toBe(-3);
});

test('buckets keep their place in time while the window moves', () => {
  const history = new History();
  history.add(
    0,
    batch(
      0,
      Array.from({ length: 2000 }, (_, index) => Math.sin(index)),
    ),
  );
  const [, first] = history.columns([0], 15_000, 10, 100);
  const [, later] = history.columns([0], 15_050, 10, 100);
  expect(later!.slice(2, 80)).toEqual(first!.slice(2, 80));
});

test('extremes look back as far as they are asked to', () => {
  const history = new History();
  history.add(0, batch(0, [100, ...Array.from({ length: 500 }, () => 1), -2]));
  expect(history.extremes(0, 1)).toEqual({ least: -2, most: 1 });
  expect(history.extremes(0, 60)).toEqual({ least: -2, most: 100 });
  expect(history.extremes(SENSORS, 60)).toBeUndefined();
});
