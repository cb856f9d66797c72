import { expect, test } from 'vitest';
import { WINDOW } from './catalogue.ts';
import { History, type Window } from './history.ts';

/** A window by its number. */
function window(number: number, min: number, max = min, change: Partial<Window> = {}): Window {
  return { start: number * WINDOW, count: 20, missing: 0, min, max, last: max, ...change };
}

const NOW = 17_950_000_000;

test('windows come back where they were, with least and most', () => {
  const history = new History();
  history.add(0, window(NOW, 1, 2));
  history.add(0, window(NOW + 1, 1.5, 3));
  const [x, values] = history.columns([0], (NOW + 2) * WINDOW, 0.2, 100);
  expect(x.map((at) => at.toFixed(2))).toEqual(['-0.20', '-0.15', '-0.10', '-0.05']);
  expect(values).toEqual([1, 2, 1.5, 3]);
  expect(history.latest(0)).toBe(3);
  expect(history.latest(1)).toBeUndefined();
});

test('a window without readings is a gap, also where the ring held older ones', () => {
  const history = new History();
  for (let number = NOW - 1000; number < NOW; number += 1) history.add(3, window(number, 7));
  history.add(3, window(NOW, Number.NaN, Number.NaN, { count: 0, missing: 20 }));
  history.add(3, window(NOW + 1, 8));
  const [, values] = history.columns([3], (NOW + 2) * WINDOW, 0.3, 100);
  expect(values).toEqual([7, 7, null, null, 8, 8]);
  expect(history.missing(3, (NOW + 2) * WINDOW, 1)).toBe(20);
  expect(history.missing(3, (NOW + 30) * WINDOW, 1)).toBe(0);
});

test('a few windows that did not reach the page are bridged, a long time without any is a gap', () => {
  const history = new History();
  for (const number of [NOW, NOW + 3, NOW + 20]) history.add(0, window(number, 7));
  const [, values] = history.columns([0], (NOW + 21) * WINDOW, 2.1, 100);
  expect(values!.slice(0, 8)).toEqual([7, 7, undefined, undefined, undefined, undefined, 7, 7]);
  expect(new Set(values!.slice(8, -2))).toEqual(new Set([null]));
});

test('late readings change their window and not the newest value; what is from long ago changes nothing', () => {
  const history = new History();
  history.add(0, window(NOW, 1, 1, { missing: 5 }));
  history.add(0, window(NOW + 1, 2));
  history.add(0, window(NOW, 1, 4));
  expect(history.latest(0)).toBe(2);
  expect(history.missing(0, (NOW + 1) * WINDOW, 1)).toBe(0);
  expect(history.extremes(0, 1)).toEqual({ least: 1, most: 4 });
  history.add(0, window(NOW - 512, 99));
  expect(history.extremes(0, 50)).toEqual({ least: 1, most: 4 });
});

test('decimation keeps a spike of a single window', () => {
  const history = new History();
  for (let number = 0; number < 300; number += 1)
    history.add(0, window(NOW + number, 5, number === 151 ? 42 : 6));
  const [x, series] = history.columns([0], (NOW + 300) * WINDOW, 30, 100);
  expect(x.length).toBeLessThanOrEqual(104);
  expect(series).toHaveLength(x.length);
  expect(series).toContain(42);
});

test('buckets keep their place in time while the window moves', () => {
  const history = new History();
  for (let number = 0; number < 400; number += 1) history.add(0, window(NOW + number, Math.sin(number), 2));
  const [, first] = history.columns([0], (NOW + 380) * WINDOW, 30, 100);
  const [, later] = history.columns([0], (NOW + 381) * WINDOW + 30, 30, 100);
  expect(later!.slice(2, 80)).toEqual(first!.slice(2, 80));
});

test('extremes look back as far as they are asked to, and nothing is left after clear', () => {
  const history = new History();
  for (let number = 0; number < 100; number += 1)
    history.add(0, window(NOW + number, number === 0 ? 100 : 1));
  history.add(0, window(NOW + 100, -2));
  expect(history.extremes(0, 1)).toEqual({ least: -2, most: 1 });
  expect(history.extremes(0, 60)).toEqual({ least: -2, most: 100 });
  expect(history.extremes(1, 60)).toBeUndefined();
  expect(history.empty).toBe(false);
  history.clear();
  expect(history.empty).toBe(true);
  expect(history.extremes(0, 60)).toBeUndefined();
});
