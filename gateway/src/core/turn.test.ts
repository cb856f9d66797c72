import { expect, test } from 'vitest';
import { ManualClock, settled } from '../compliance/fixture.ts';
import { Turn } from './turn.ts';

/** A turn whose deadlines are `next`, and when it ran, in ms from the start. */
function watched(maxDelay = 0) {
  const clock = new ManualClock();
  const start = clock.exact();
  const runs: number[] = [];
  const next: (number | undefined)[] = [];
  const turn = new Turn(clock, maxDelay, () => {
    runs.push(clock.exact() - start);
    const at = next.shift();
    return at === undefined ? undefined : start + at;
  });
  return { clock, turn, runs, next };
}

test('runs once at the end of a turn in which things happened', async () => {
  const { turn, runs, clock } = watched();
  for (let times = 0; times < 5; times++) turn.soon();
  expect(runs).toEqual([]);
  await settled();
  expect([runs, clock.timers]).toEqual([[0], 0]);
});

test('runs again at the deadline, and when nothing is due no more', async () => {
  const { turn, runs, next, clock } = watched();
  next.push(100, 250);
  turn.soon();
  await settled();
  clock.advance(1_000);
  expect([runs, clock.timers]).toEqual([[0, 100, 250], 0]);
});

test('a deadline that comes sooner is kept; one that moves on is not set anew until the timer went off', async () => {
  const { turn, runs, next, clock } = watched();
  for (const at of [100, 50, 90, 120]) next.push(at);
  for (let times = 0; times < 3; times++) {
    turn.soon();
    await settled();
    expect(clock.timers).toBe(1);
  }
  clock.advance(1_000);
  expect(runs).toEqual([0, 0, 0, 50, 120]);
});

test('by a time it runs then, or with what is due before', async () => {
  const { turn, runs, clock } = watched();
  const start = clock.exact();
  turn.by(start + 100);
  turn.by(start + 50);
  turn.by(start + 80);
  expect(clock.timers).toBe(1);
  clock.advance(1_000);
  expect([runs, clock.timers]).toEqual([[50], 0]);
  turn.soon();
  turn.by(start + 2_000);
  expect(clock.timers).toBe(0);
  await settled();
  turn.close();
  turn.by(start + 3_000);
  expect([runs.length, clock.timers]).toEqual([2, 0]);
});

test('with a delay it runs that long after the first thing that happened', async () => {
  const { turn, runs, clock } = watched(20);
  turn.soon();
  clock.advance(15);
  turn.soon();
  await settled();
  expect(runs).toEqual([]);
  clock.advance(100);
  expect(runs).toEqual([20]);
});

test.each([0, 20])('nothing runs once it is closed, and no timer is left (delay %i)', async (maxDelay) => {
  const { turn, runs, next, clock } = watched(maxDelay);
  next.push(100);
  turn.soon();
  await settled();
  clock.advance(20);
  turn.soon();
  turn.close();
  turn.soon();
  await settled();
  clock.advance(1_000);
  expect([runs.length, clock.timers]).toEqual([1, 0]);
});
