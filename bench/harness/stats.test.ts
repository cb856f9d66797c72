import { expect, test } from 'vitest';
import { median, quantile, spread } from './stats.ts';

test('the median is the middle one, or lies between the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test('a quantile lies between its neighbours in proportion', () => {
  const values = Array.from({ length: 101 }, (_, i) => 100 - i);
  expect(quantile(values, 0.99)).toBe(99);
  expect(quantile([0, 10], 0.25)).toBe(2.5);
});

test('a spread has the middle and both ends', () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
});
