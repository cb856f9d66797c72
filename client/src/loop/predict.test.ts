import { expect, test } from 'vitest';
import { Prediction } from './predict.ts';
import type { Step } from './reconcile.ts';

interface Craft {
  readonly x: number;
  readonly vx: number;
}

const DT = 0.1;
const step: Step<Craft, number> = ({ x, vx }, push, dt) => {
  const next = vx + push * dt;
  return { x: x + next * dt, vx: next };
};

const origin: Craft = { x: 0, vx: 0 };

function newPrediction(more: { tolerance?: number; snap?: number; capacity?: number } = {}) {
  const prediction = new Prediction<Craft, number>({ step, dt: DT, halfLife: 100, ...more });
  prediction.reconcile(origin, 0, 0);
  return prediction;
}

/** The server's state after these pushes. */
function truth(...pushes: readonly number[]): Craft {
  return pushes.reduce((state, push) => step(state, push, DT), origin);
}

test('an input moves the own entity before the server knows of it', () => {
  const prediction = newPrediction();
  expect(prediction.apply(1, 10)).toEqual(truth(10));
  expect(prediction.apply(2, 10)).toEqual(truth(10, 10));
  expect(prediction.view(1, 0)).toEqual(truth(10, 10));
  expect(prediction.stats().pending).toBe(2);
});

test('a server that agrees changes nothing', () => {
  const prediction = newPrediction();
  for (const sequence of [1, 2, 3, 4]) prediction.apply(sequence, sequence);
  prediction.reconcile(truth(1, 2), 2, 0);
  expect(prediction.state).toEqual(truth(1, 2, 3, 4));
  expect(prediction.stats()).toMatchObject({ error: 0, corrections: 0, pending: 2 });
});

test('a server that disagrees is right, and what it had not seen is replayed', () => {
  const prediction = newPrediction();
  for (const sequence of [1, 2, 3, 4]) prediction.apply(sequence, sequence);
  const pushed = { ...truth(1, 2), x: 50 };
  prediction.reconcile(pushed, 2, 0);
  expect(prediction.state).toEqual(step(step(pushed, 3, DT), 4, DT));
  expect(prediction.stats().corrections).toBe(1);
  expect(prediction.stats().error).toBeCloseTo(50 - truth(1, 2).x);
});

test('an input that never reached the server is taken back', () => {
  const prediction = newPrediction();
  for (const [index, push] of [9, 100, 9, 9].entries()) prediction.apply(index + 1, push);
  prediction.reconcile(truth(9, 9), 3, 0);
  expect(prediction.state).toEqual(truth(9, 9, 9));
});

test('a correction is drawn smoothly while the state is right at once', () => {
  const prediction = newPrediction();
  prediction.apply(1, 0);
  prediction.reconcile({ x: 8, vx: 0 }, 1, 0);
  expect(prediction.state).toEqual({ x: 8, vx: 0 });
  expect(prediction.view(1, 0)?.x).toBe(0);
  expect(prediction.view(1, 100)?.x).toBeCloseTo(4);
  expect(prediction.view(1, 3000)?.x).toBeCloseTo(8, 3);
});

test('a frame between two steps is drawn between them', () => {
  const prediction = newPrediction();
  prediction.apply(1, 10);
  prediction.apply(2, 10);
  const [from, to] = [truth(10), truth(10, 10)];
  expect(prediction.view(0, 0)).toEqual(from);
  expect(prediction.view(0.5, 0)?.x).toBeCloseTo((from.x + to.x) / 2);
});

test('an older state of the server changes nothing', () => {
  const prediction = newPrediction();
  prediction.apply(1, 1);
  prediction.apply(2, 2);
  prediction.reconcile(truth(1, 2), 2, 0);
  prediction.reconcile({ x: 99, vx: 0 }, 1, 0);
  expect(prediction.state).toEqual(truth(1, 2));
});

test('time that passed on the server without an input of ours is followed', () => {
  const prediction = newPrediction();
  prediction.apply(1, 10);
  prediction.reconcile(truth(10), 1, 0);
  prediction.reconcile(truth(10, 0), 1, 0);
  expect(prediction.state).toEqual(truth(10, 0));
});

test('an error within the tolerance is left, and errors do not add up behind it', () => {
  const prediction = newPrediction({ tolerance: 0.5 });
  prediction.apply(1, 1);
  prediction.reconcile({ ...truth(1), x: truth(1).x + 0.4 }, 1, 0);
  expect(prediction.state).toEqual(truth(1));
  prediction.apply(2, 1);
  prediction.reconcile({ ...truth(1, 1), x: truth(1, 1).x + 0.6 }, 2, 0);
  expect(prediction.state?.x).toBeCloseTo(truth(1, 1).x + 0.6);
});

test('an error too large to be hidden is drawn at once', () => {
  const prediction = newPrediction({ snap: 100 });
  prediction.apply(1, 0);
  prediction.reconcile({ x: 500, vx: 0 }, 1, 0);
  expect(prediction.view(1, 0)?.x).toBe(500);
  expect(prediction.stats().snaps).toBe(1);
});

test('inputs beyond the bound are given up without moving the entity back', () => {
  const prediction = newPrediction({ capacity: 3 });
  for (const sequence of [1, 2, 3, 4, 5]) prediction.apply(sequence, 1);
  expect(prediction.state).toEqual(truth(1, 1, 1, 1, 1));
  expect(prediction.stats()).toMatchObject({ pending: 3, abandoned: 2 });
});

test('nothing is predicted before the server has said where the entity is, and after a clear', () => {
  const prediction = new Prediction<Craft, number>({ step, dt: DT });
  expect(prediction.apply(1, 1)).toBeUndefined();
  expect(prediction.view(0, 0)).toBeUndefined();
  prediction.reconcile(origin, 7, 0);
  prediction.clear();
  prediction.reconcile(truth(5), 3, 0);
  expect(prediction.state).toEqual(truth(5));
});
