import { expect, test } from 'vitest';
import { InterpolationDelay } from './snapshot-buffer-delay.ts';

function seen(delay: InterpolationDelay, needs: readonly number[]): InterpolationDelay {
  for (const need of needs) delay.see(need);
  return delay;
}

test('the delay covers all but the rarest arrivals', () => {
  const usual = Array.from({ length: 197 }, () => 80);
  expect(seen(new InterpolationDelay({ margin: 0 }), [...usual, 120, 120, 400]).target).toBe(120);
  expect(seen(new InterpolationDelay({ margin: 0, cover: 0.95 }), [...usual, 120, 120, 400]).target).toBe(80);
});

test('the delay stays within its bounds whatever the network does', () => {
  const delay = new InterpolationDelay({ min: 40, max: 200 });
  expect(seen(delay, [1, 2]).target).toBe(40);
  expect(seen(delay, [9000]).target).toBe(200);
  expect(delay.advance(0)).toBe(200);
});

test('the delay grows and shrinks slowly, so that the drawn time neither stops nor races', () => {
  const delay = seen(new InterpolationDelay({ margin: 0, window: 1 }), [100]);
  expect(delay.advance(0)).toBe(100);
  delay.see(150);
  expect(delay.advance(100)).toBe(125);
  expect(delay.advance(1000)).toBe(150);
  delay.see(100);
  expect(delay.advance(1100)).toBe(145);
  expect(delay.advance(9000)).toBe(100);
});

test('a delay that is wrong by a lot is set right at once', () => {
  const delay = seen(new InterpolationDelay({ margin: 0, window: 1 }), [100]);
  delay.advance(0);
  delay.see(400);
  expect(delay.advance(1)).toBe(400);
});

test('an old peak is forgotten', () => {
  const delay = seen(new InterpolationDelay({ margin: 0, window: 10 }), [300]);
  expect(delay.target).toBe(300);
  expect(
    seen(
      delay,
      Array.from({ length: 10 }, () => 70),
    ).target,
  ).toBe(70);
});

test('bounds that contradict each other are refused', () => {
  expect(() => new InterpolationDelay({ min: 100, max: 50 })).toThrow(RangeError);
  expect(() => new InterpolationDelay({ cover: 2 })).toThrow(RangeError);
  expect(() => new InterpolationDelay({ window: 0 })).toThrow(RangeError);
});
