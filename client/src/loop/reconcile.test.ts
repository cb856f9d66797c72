import { expect, test } from 'vitest';
import { reconcile, type Step } from './reconcile.ts';

const step: Step<number, number> = (state, input, dt) => state + input * dt;

const inputs = [1, 2, 3, 4].map((sequence) => ({ sequence, input: sequence * 10, state: Number.NaN }));

test('inputs that the server had not seen are replayed over its state, in order', () => {
  expect(reconcile(100, 2, inputs, step, 0.5)).toEqual([
    { sequence: 3, input: 30, state: 115 },
    { sequence: 4, input: 40, state: 135 },
  ]);
});

test('when the server has seen everything nothing is left to replay', () => {
  expect(reconcile(100, 4, inputs, step, 0.5)).toEqual([]);
});

test('replay changes nothing that was given to it', () => {
  const frozen = Object.freeze(inputs.map((input) => Object.freeze(input)));
  expect(reconcile(0, 0, frozen, step, 1).at(-1)?.state).toBe(100);
});
