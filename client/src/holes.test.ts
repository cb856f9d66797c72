import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Holes } from './holes.ts';

function holesAfter(...seqs: number[]): Holes {
  const holes = new Holes();
  holes.begin(0);
  for (const seq of seqs) holes.take(seq);
  return holes;
}

test('what is skipped is a hole until it comes', () => {
  expect(holesAfter(1, 2, 3).first).toBeUndefined();
  expect(holesAfter(1, 4).first).toBe(2);
  expect(holesAfter(1, 4, 2).first).toBe(3);
  expect(holesAfter(1, 5, 3).first).toBe(2);
  expect(holesAfter(1, 5, 3, 2, 4).first).toBeUndefined();
  expect(holesAfter(3, 3, 1).first).toBe(2);
});

test('what came before the beginning is none', () => {
  const holes = holesAfter(1, 9);
  holes.begin(20);
  holes.take(19);
  holes.take(21);
  expect(holes.first).toBeUndefined();
});

test('only what was skipped of late counts, and of that so many ranges', () => {
  expect(holesAfter(2, 257).first).toBe(1);
  expect(holesAfter(2, 300).first).toBe(44);
  expect(holesAfter(2, ...Array.from({ length: 400 }, (_, n) => n + 3)).first).toBeUndefined();
  const odd = Array.from({ length: 60 }, (_, n) => 2 * n + 1);
  expect(holesAfter(...odd).first).toBe(2 * 60 - 2 * 32);
});

test('in whatever order they come, the first hole is the lowest that has not', () => {
  const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 60 });
  fc.assert(
    fc.property(seqs, (order) => {
      const highest = Math.max(0, ...order);
      const missing = Array.from({ length: highest }, (_, n) => n + 1).find((seq) => !order.includes(seq));
      expect(holesAfter(...order).first).toBe(missing);
    }),
  );
});
