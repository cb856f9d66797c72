import { expect, test } from 'vitest';
import { Correction, decayed, placeDistance } from './correct.ts';

interface Craft {
  readonly x: number;
  readonly y: number;
  readonly heading: number;
  readonly score: number;
}

const craft = { x: 0, y: 0, heading: 0, score: 0 };

function newCorrection(snap?: number): Correction<Craft> {
  return new Correction<Craft>({ fields: { heading: 'angle', score: 'step' }, halfLife: 100, snap });
}

test('a correction is not seen at once, and half of it each half-life', () => {
  const correction = newCorrection();
  const right = { ...craft, x: 16 };
  correction.absorb(craft, right, 0);
  expect(correction.apply(right, 0).x).toBe(0);
  expect(correction.apply(right, 100).x).toBeCloseTo(8);
  expect(correction.apply(right, 200).x).toBeCloseTo(12);
  expect(correction.apply(right, 2000).x).toBeCloseTo(16, 3);
});

test('corrections in quick succession add up, and what moves meanwhile moves as it should', () => {
  const correction = newCorrection();
  correction.absorb(craft, { ...craft, x: 10 }, 0);
  correction.absorb({ ...craft, x: 20 }, { ...craft, x: 30 }, 0);
  expect(correction.apply({ ...craft, x: 30 }, 0).x).toBe(10);
  expect(correction.apply({ ...craft, x: 40 }, 0).x).toBe(20);
});

test('an angle is corrected the shorter way round', () => {
  const correction = newCorrection();
  correction.absorb({ ...craft, heading: 3.1 }, { ...craft, heading: -3.1 }, 0);
  const shown = correction.apply({ ...craft, heading: -3.1 }, 100).heading;
  expect(Math.abs(Math.cos(shown) - Math.cos(Math.PI - 0.02))).toBeLessThan(0.001);
});

test('fields that go in steps are right at once', () => {
  const correction = newCorrection();
  correction.absorb(craft, { ...craft, score: 5 }, 0);
  expect(correction.apply({ ...craft, score: 5 }, 0).score).toBe(5);
});

test('an error too large to be hidden is corrected at once, and counted', () => {
  const correction = newCorrection(50);
  correction.absorb(craft, { ...craft, x: 49 }, 0);
  expect(correction.apply({ ...craft, x: 49 }, 0).x).toBe(0);
  correction.absorb({ ...craft, x: 49 }, { ...craft, x: 51 }, 0);
  expect(correction.apply({ ...craft, x: 51 }, 0).x).toBe(51);
  expect(correction.snaps).toBe(1);
});

test('a half-life of zero corrects at once', () => {
  expect(decayed(8, 0, 0)).toBe(0);
  expect(decayed(8, 30, 10)).toBe(1);
});

test('distance goes over the axes that both states have', () => {
  expect(placeDistance({ x: 0, y: 0 }, { x: 3, y: 4 })).toBe(5);
  expect(placeDistance({ x: 0, y: 0, z: 0, hp: 9 }, { x: 2, y: 3, z: 6, hp: 0 })).toBe(7);
  expect(placeDistance({ hp: 9 }, { hp: 0 })).toBe(0);
});
