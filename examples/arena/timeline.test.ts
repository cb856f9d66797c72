import { expect, test } from 'vitest';
import { Timeline } from './timeline.ts';
import type { ArenaState } from './wire.ts';

const TICK = 1000 / 30;
/** The gateway's clock is far ahead of the page's in all of these. */
const SERVER = 5_000_000;

/** One craft that flies right at 300 units/s. */
function stateAt(tick: number): ArenaState {
  return { left: 0, crafts: [{ id: 1, x: tick * 10, y: 50, vx: 300, vy: 0, score: 0 }] };
}

function xAt(timeline: Timeline, now: number): number | undefined {
  return timeline.sample(now)[0]?.x;
}

test('a craft moves evenly between 30 Hz states at any frame rate', () => {
  const timeline = new Timeline(2 * TICK);
  let drawn: number | undefined;
  for (let frame = 0; frame < 240; frame += 1) {
    const now = (frame * 1000) / 120;
    if (frame % 4 === 0) timeline.add(stateAt(frame / 4), SERVER + now, now);
    const x = xAt(timeline, now);
    if (drawn !== undefined && x !== undefined && frame > 20) expect(x - drawn).toBeCloseTo(2.5, 5);
    drawn = x;
  }
});

test('a lost state leaves no jerk', () => {
  const timeline = new Timeline(2 * TICK);
  for (const tick of [0, 1, 2, 4]) timeline.add(stateAt(tick), SERVER + tick * TICK, tick * TICK);
  expect(xAt(timeline, 5 * TICK)).toBeCloseTo(30, 5);
});

test('states that come late, twice or out of order are put where they belong', () => {
  const timeline = new Timeline(2 * TICK);
  timeline.add(stateAt(0), SERVER, 0);
  timeline.add(stateAt(2), SERVER + 2 * TICK, 2 * TICK);
  timeline.add(stateAt(1), SERVER + TICK, 2.4 * TICK);
  timeline.add(stateAt(2), SERVER + 2 * TICK, 2.5 * TICK);
  expect(xAt(timeline, 3 * TICK)).toBeCloseTo(10, 1);
});

test('when states stop coming a craft flies on for a moment and then waits', () => {
  const timeline = new Timeline(0);
  timeline.add(stateAt(0), SERVER, 0);
  expect(xAt(timeline, 100)).toBeCloseTo(30, 5);
  expect(xAt(timeline, 10_000)).toBeCloseTo(36, 5);
});

test('one late state does not shift the clock', () => {
  const timeline = new Timeline(TICK);
  timeline.add(stateAt(0), SERVER, 0);
  timeline.add(stateAt(1), SERVER + TICK, 500);
  timeline.add(stateAt(15), SERVER + 500, 500);
  expect(xAt(timeline, 500)).toBeGreaterThan(135);
});

test('a craft that just joined is drawn where it first appeared, one that left is gone', () => {
  const timeline = new Timeline(0);
  timeline.add(stateAt(0), SERVER, 0);
  const craft = { id: 2, x: 700, y: 0, vx: 0, vy: 0, score: 0 };
  timeline.add({ left: 0, crafts: [craft] }, SERVER + TICK, TICK);
  expect(timeline.sample(TICK / 2)).toEqual([craft]);
});
