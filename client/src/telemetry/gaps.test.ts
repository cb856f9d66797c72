import { expect, test } from 'vitest';
import { Gaps } from './gaps.ts';

test('what lies between two blocks is missing until it comes, once', () => {
  const gaps = new Gaps();
  expect(gaps.take(10, 5)).toBeUndefined();
  expect(gaps.take(20, 5)).toBeUndefined();
  expect([gaps.received, gaps.missing, gaps.holes]).toEqual([10, 5, [{ from: 15, to: 20 }]]);
  expect(gaps.take(16, 2)).toEqual([{ from: 16, to: 18 }]);
  expect(gaps.take(16, 2)).toEqual([]);
  expect([gaps.received, gaps.missing, gaps.duplicates]).toEqual([12, 3, 2]);
});

test('what is older than the first block that came is new, and what lies between is missing', () => {
  const gaps = new Gaps();
  gaps.take(100, 10);
  expect(gaps.take(60, 20)).toEqual([{ from: 60, to: 80 }]);
  expect([gaps.received, gaps.missing, gaps.duplicates]).toEqual([30, 20, 0]);
  expect(gaps.take(80, 20)).toEqual([{ from: 80, to: 100 }]);
  expect([gaps.received, gaps.missing, gaps.holes, gaps.next]).toEqual([50, 0, [], 110]);
  expect(gaps.take(60, 50)).toEqual([]);
  expect(gaps.duplicates).toBe(50);
});

test('a block over the oldest place that is known is new as far as it lies before it', () => {
  const gaps = new Gaps();
  gaps.take(10, 5);
  expect(gaps.take(5, 7)).toEqual([{ from: 5, to: 10 }]);
  expect([gaps.received, gaps.duplicates, gaps.missing]).toEqual([10, 2, 0]);
});

test('newest first, all of them count', () => {
  const gaps = new Gaps();
  for (let seq = 90; seq >= 0; seq -= 10) gaps.take(seq, 10);
  expect([gaps.received, gaps.missing, gaps.duplicates]).toEqual([100, 0, 0]);
});
