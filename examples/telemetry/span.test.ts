import { expect, test } from 'vitest';
import { Span } from './span.ts';

test('the first range is taken at once, with room above and below', () => {
  const span = new Span();
  span.follow(0, 100, 1 / 60);
  expect([span.low, span.high]).toEqual([-8, 108]);
});

test('a new range is approached over about a second, never jumped to', () => {
  const span = new Span();
  span.follow(0, 100, 1 / 60);
  span.follow(0, 200, 1 / 60);
  expect(span.high).toBeLessThan(120);
  for (let frame = 0; frame < 90; frame += 1) span.follow(0, 200, 1 / 60);
  expect(span.high).toBeGreaterThan(212);
  span.reset();
  span.follow(5, 6, 1 / 60);
  expect(span.high).toBeCloseTo(6.08);
});

test('a flat line still has a range', () => {
  const span = new Span();
  span.follow(3, 3, 1);
  expect(span.high).toBeGreaterThan(span.low);
});
