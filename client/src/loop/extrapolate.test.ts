import { expect, test } from 'vitest';
import { extrapolate } from './extrapolate.ts';
import { interpolateFields } from './interpolate.ts';

const between = interpolateFields<{ x: number; score: number }>({ score: 'step' });
const previous = { time: 1000, state: { x: 10, score: 1 } };
const last = { time: 1050, state: { x: 15, score: 2 } };

test('a state goes on the way it went, within the limit, and then holds', () => {
  const at = (time: number) => extrapolate(previous, last, time, 100, between);
  expect(at(1050)).toEqual({ x: 15, score: 2 });
  expect(at(1100)).toEqual({ x: 20, score: 2 });
  expect(at(1150)).toEqual({ x: 25, score: 2 });
  expect(at(60_000)).toEqual({ x: 25, score: 2 });
});

test('a single state stays where it is', () => {
  expect(extrapolate(undefined, last, 1100, 100, between)).toBe(last.state);
});

test("the user's own rule gets the seconds since the last state, within the limit", () => {
  const onward = (state: { x: number; score: number }, seconds: number) => ({
    ...state,
    x: state.x + seconds,
  });
  expect(extrapolate(previous, last, 9000, 200, between, onward).x).toBeCloseTo(15.2);
});

test('a time before the last state is not extrapolated backwards', () => {
  expect(extrapolate(previous, last, 900, 100, between)).toBe(last.state);
});
