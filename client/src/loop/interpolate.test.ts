import { expect, test } from 'vitest';
import { interpolateFields, lerpAngle, turnBetween } from './interpolate.ts';

test('numbers go evenly from one state to the next, and on past it', () => {
  const between = interpolateFields<{ x: number; y: number }>();
  expect(between({ x: 0, y: 8 }, { x: 10, y: 0 }, 0.25)).toEqual({ x: 2.5, y: 6 });
  expect(between({ x: 0, y: 8 }, { x: 10, y: 0 }, 1.5)).toEqual({ x: 15, y: -4 });
});

test('an angle goes the shorter way, over the end of the turn as well', () => {
  const degrees = (angle: number): number => (angle * Math.PI) / 180;
  expect(turnBetween(degrees(350), degrees(10))).toBeCloseTo(degrees(20));
  expect(turnBetween(degrees(10), degrees(350))).toBeCloseTo(degrees(-20));
  expect(turnBetween(degrees(-900), degrees(900))).toBeCloseTo(0);
  expect(lerpAngle(degrees(350), degrees(10), 0.5)).toBeCloseTo(degrees(360));
  const between = interpolateFields<{ heading: number }>({ heading: 'angle' });
  expect(between({ heading: degrees(170) }, { heading: degrees(-170) }, 0.5).heading).toBeCloseTo(
    degrees(180),
  );
});

test('what cannot be in between keeps its value until the time of the next has come', () => {
  const between = interpolateFields<{ score: number; name: string; alive: boolean }>({ score: 'step' });
  const before = { score: 3, name: 'a', alive: true };
  const after = { score: 9, name: 'b', alive: false };
  expect(between(before, after, 0)).toEqual(before);
  expect(between(before, after, 0.99)).toEqual(before);
  expect(between(before, after, 1)).toEqual(after);
});

test('interpolation changes neither of the two states', () => {
  const [before, after] = [Object.freeze({ x: 1 }), Object.freeze({ x: 2 })];
  expect(interpolateFields<{ x: number }>()(before, after, 0.5)).toEqual({ x: 1.5 });
});

test('of entities of several kinds each field may have its rule', () => {
  type Entity =
    | { readonly kind: 'craft'; readonly heading: number }
    | { readonly kind: 'score'; readonly points: number };
  const between = interpolateFields<Entity>({ heading: 'angle', points: 'step' });
  expect(between({ kind: 'score', points: 1 }, { kind: 'score', points: 9 }, 0.5)).toEqual({
    kind: 'score',
    points: 1,
  });
});
