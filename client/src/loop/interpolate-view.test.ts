import { expect, test } from 'vitest';
import { type EntitySnapshot, InterpolatedView } from './interpolate-view.ts';

interface Craft {
  readonly x: number;
  readonly name: string;
}

const INTERVAL = 50;

/** Craft 1 flies right at 200 units/s. */
function snapshot(tick: number, ...more: readonly [number, Craft][]): EntitySnapshot<Craft> {
  return { tick, time: tick * INTERVAL, entities: new Map([[1, { x: tick * 10, name: 'a' }], ...more]) };
}

/** Draws exactly 100 ms behind the clock. */
function newView(): InterpolatedView<Craft> {
  return new InterpolatedView<Craft>({ delay: { min: 100, max: 100 } });
}

function xAt(view: InterpolatedView<Craft>, time: number): number | undefined {
  return view.view(time + 100).get(1)?.x;
}

test('an entity moves evenly between snapshots at any frame rate', () => {
  const view = newView();
  for (let tick = 0; tick < 20; tick += 1) view.add(snapshot(tick), tick * INTERVAL + 30);
  for (let time = 100; time < 900; time += 7) expect(xAt(view, time)).toBeCloseTo(time / 5);
});

test('a lost snapshot leaves no jerk', () => {
  const view = newView();
  for (const tick of [0, 1, 2, 4, 5]) view.add(snapshot(tick), tick * INTERVAL + 30);
  for (let time = 60; time < 240; time += 10) expect(xAt(view, time)).toBeCloseTo(time / 5);
});

test('when snapshots stay out, entities go on for a moment and then hold', () => {
  const view = newView();
  for (const tick of [0, 1, 2]) view.add(snapshot(tick), tick * INTERVAL + 30);
  expect(xAt(view, 150)).toBeCloseTo(30);
  expect(xAt(view, 250)).toBeCloseTo(50);
  expect(xAt(view, 5000)).toBeCloseTo(50);
  expect(view.stats()).toMatchObject({ extrapolated: 3, held: 1, starved: 1 });
});

test('an entity appears and goes at its time', () => {
  const view = newView();
  const bert: [number, Craft] = [2, { x: 7, name: 'b' }];
  view.add(snapshot(0), 30);
  view.add(snapshot(1, bert), 80);
  view.add(snapshot(2, bert), 130);
  view.add(snapshot(3), 180);
  const isThere = [40, 60, 110, 140, 151].map((time) => view.view(time + 100).has(2));
  expect(isThere).toEqual([false, true, true, true, false]);
});

test('before the first snapshot has its time there is nothing to draw', () => {
  const view = newView();
  view.add(snapshot(4), 230);
  expect(view.view(290).size).toBe(0);
  expect(view.view(301).size).toBe(1);
});

test("the user's own rules are used in the place of the fields'", () => {
  const view = new InterpolatedView<Craft>({
    delay: { min: 100, max: 100 },
    interpolate: (_before, after) => ({ ...after, name: 'own' }),
    extrapolate: (state, seconds) => ({ ...state, name: `${seconds * 1000} ms on` }),
    extrapolationLimit: 40,
  });
  view.add(snapshot(0), 30);
  view.add(snapshot(1), 80);
  expect(view.view(125).get(1)).toEqual({ x: 10, name: 'own' });
  expect(view.view(400).get(1)).toEqual({ x: 10, name: '40 ms on' });
});

test('an entity that a snapshot is not sure of is drawn from those around it', () => {
  const view = newView();
  for (const tick of [0, 1, 2, 3, 4, 5]) {
    const told = snapshot(tick);
    // What was told of it last, as if it stood still.
    const unsure = { ...told, entities: new Map([[1, { x: 0, name: 'a' }]]), stale: new Set([1]) };
    view.add(tick === 2 || tick === 3 || tick === 5 ? unsure : told, tick * INTERVAL + 30);
  }
  for (let time = 60; time < 240; time += 10) expect(xAt(view, time)).toBeCloseTo(time / 5);
  expect(xAt(view, 260)).toBeCloseTo(52);
});
