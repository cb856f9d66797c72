import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';

test('the ceiling doubles up to the limit', () => {
  const backoff = new Backoff(250, 15_000, () => 1);
  const delays = Array.from({ length: 9 }, () => backoff.next());
  expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  expect(backoff.attempts).toBe(9);
});

test('the delay is any up to the ceiling', () => {
  expect(new Backoff(250, 15_000, () => 0).next()).toBe(0);
  expect(new Backoff(250, 15_000, () => 0.5).next()).toBe(125);
});

test('a reset begins anew', () => {
  const backoff = new Backoff(100, 1_000, () => 1);
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.attempts).toBe(0);
  expect(backoff.next()).toBe(100);
});

test('after very many attempts it is still the limit', () => {
  const backoff = new Backoff(250, 15_000, () => 1);
  for (let count = 0; count < 5_000; count++) backoff.next();
  expect(backoff.next()).toBe(15_000);
});
