import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Windows } from './windows.ts';

function news(windows: Windows, upTo: number): [number: number, amended: boolean][] {
  const told: [number, boolean][] = [];
  windows.takeNews(upTo, (number, amended) => told.push([number, amended]));
  return told;
}

test('a window has the figures of all that came in it', () => {
  const windows = new Windows(100, 1_000);
  windows.add(1_250, 2, 6, 2, 4, 4);
  windows.add(1_220, 1, 9, 9, 9, 9);
  expect(windows.summary(12)).toEqual({
    start: 1_200,
    count: 3,
    min: 2,
    max: 9,
    mean: 5,
    last: 4,
    missing: 0,
    amended: false,
  });
});

test('a window that changes is told again, as amended', () => {
  const windows = new Windows(100, 1_000);
  windows.add(1_250, 1, 1, 1, 1, 1);
  windows.add(1_350, 1, 1, 1, 1, 1);
  expect(news(windows, 12)).toEqual([[12, false]]);
  expect(news(windows, 13)).toEqual([[13, false]]);
  expect(news(windows, 13)).toEqual([]);
  windows.add(1_251, 1, 1, 1, 1, 1);
  expect(news(windows, 13)).toEqual([[12, true]]);
  expect(windows.summary(12)?.amended).toBe(true);
  expect(windows.summary(13)?.amended).toBe(false);
});

test('an older window never takes the place of a newer one', () => {
  const windows = new Windows(100, 200);
  windows.add(5_000, 1, 1, 1, 1, 1);
  windows.add(4_600, 1, 2, 2, 2, 2);
  expect(windows.summary(46)).toBeUndefined();
  expect(windows.summary(50)).toMatchObject({ count: 1, last: 1 });
});

test('missing readings are spread over the windows between their neighbours', () => {
  const windows = new Windows(100, 2_000);
  const hole = { from: 0, to: 9, after: 1_000, before: 1_250 };
  windows.miss(hole, 1, 0);
  expect([10, 11, 12].map((number) => windows.summary(number)?.missing)).toEqual([3, 4, 2]);
  windows.miss(hole, -1, 0);
  expect([10, 11, 12].map((number) => windows.summary(number)?.missing)).toEqual([0, 0, 0]);
});

test('of a hole that began long ago only what is in the latest windows counts there', () => {
  const windows = new Windows(100, 500);
  windows.miss({ from: 0, to: 1_000_000, after: 0, before: 100_000 }, 1, 99_800);
  expect(windows.summary(998)?.missing).toBe(1_000);
  expect(windows.summary(997)).toBeUndefined();
});

test('every missing reading is in one window, and gone when it is found', () => {
  const holes = fc.record({
    count: fc.integer({ min: 1, max: 500 }),
    after: fc.integer({ min: 0, max: 3_000 }),
    long: fc.double({ min: 0, max: 2_000, noNaN: true }),
  });
  fc.assert(
    fc.property(holes, ({ count, after, long }) => {
      const windows = new Windows(100, 6_000);
      const hole = { from: 7, to: 7 + count, after, before: after + long };
      const sum = () => {
        let all = 0;
        for (let number = 0; number < 60; number++) all += windows.summary(number)?.missing ?? 0;
        return all;
      };
      windows.miss(hole, 1, 0);
      expect(sum()).toBe(count);
      windows.miss(hole, -1, 0);
      expect(sum()).toBe(0);
    }),
  );
});

test('values whose sum is no number have a mean all the same', () => {
  const windows = new Windows(100, 1_000);
  windows.add(0, 2, Number.POSITIVE_INFINITY, 1e308, 1.5e308, 1e308);
  expect(windows.summary(0)?.mean).toBe(1.25e308);
});
