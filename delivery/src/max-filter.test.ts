import { expect, test } from 'vitest';
import { MaxFilter } from './max-filter.ts';

test('the largest sample counts for half its span at least and for the whole at most', () => {
  const filter = new MaxFilter();
  filter.add(9, 0, 100, false);
  filter.add(5, 40, 100, false);
  expect(filter.value).toBe(9);
  filter.add(4, 60, 100, false);
  expect(filter.value).toBe(9);
  filter.add(3, 110, 100, false);
  expect(filter.value).toBe(4);
});

test('nothing is forgotten while nothing is seen, and a lower bound lowers nothing', () => {
  const filter = new MaxFilter();
  filter.add(9, 0, 100, false);
  for (let now = 1000; now < 2000; now += 100) filter.add(5, now, 100, true);
  expect(filter.value).toBe(9);
  filter.add(10, 2000, 100, true);
  expect(filter.value).toBe(10);
});
