import { expect, test } from 'vitest';
import { Throttle } from './throttle.ts';

function after(failures: number): Throttle {
  const throttle = new Throttle();
  for (let count = 0; count < failures; count++) throttle.failed(1_000);
  return throttle;
}

test.each([
  [0, 0],
  [1, 15],
  [2, 30],
  [10, 7_680],
  [20, 90_000],
  [63, 90_000],
  [64, Number.POSITIVE_INFINITY],
  [200, Number.POSITIVE_INFINITY],
])('%i pending handshakes hold the next one back for %i ms', (failures, delay) => {
  expect(after(failures).delay(1_000)).toBe(delay);
});

test('a failure is pending for five minutes', () => {
  const throttle = after(10);
  expect(throttle.delay(300_999)).toBe(7_680);
  expect(throttle.delay(301_000)).toBe(0);
});
