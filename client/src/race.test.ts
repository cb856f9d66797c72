import { expect, test } from 'vitest';
import { Race } from './race.ts';
import { ManualClock } from './testing/test-clock.ts';

interface Runner {
  readonly name: string;
  readonly delay: number;
}

function race(...delays: number[]) {
  const clock = new ManualClock();
  const started: string[] = [];
  const runners = delays.map((delay, index) => ({ name: 'abc'[index]!, delay }));
  const made = new Race<Runner>(runners, ({ name }) => started.push(name));
  made.begin(clock);
  return { race: made, clock, started };
}

test('each entrant starts after its delay', async () => {
  const { clock, started } = race(0, 500, 3_000);
  expect(started).toEqual(['a']);
  await clock.advance(499);
  expect(started).toEqual(['a']);
  await clock.advance(1);
  expect(started).toEqual(['a', 'b']);
  await clock.advance(2_500);
  expect(started).toEqual(['a', 'b', 'c']);
});

test('an entrant starts at once when all before it have failed', async () => {
  const { race: running, clock, started } = race(0, 500, 3_000);
  expect(running.failed()).toBe(true);
  expect(started).toEqual(['a', 'b']);
  await clock.advance(500);
  expect(started).toEqual(['a', 'b']);
  running.failed();
  expect(started).toEqual(['a', 'b', 'c']);
});

test('an entrant does not start early while another still runs', async () => {
  const { race: running, clock, started } = race(0, 0, 500);
  running.failed();
  expect(started).toEqual(['a', 'b']);
  await clock.advance(500);
  expect(started).toEqual(['a', 'b', 'c']);
});

test('an entrant without end of its delay starts only when all others have failed', async () => {
  const { race: running, clock, started } = race(0, Number.POSITIVE_INFINITY);
  await clock.advance(1e9);
  expect(started).toEqual(['a']);
  expect(running.failed()).toBe(true);
  expect(started).toEqual(['a', 'b']);
});

test('the last failure says that nobody is left', () => {
  const { race: running } = race(0, 500);
  expect(running.failed()).toBe(true);
  expect(running.failed()).toBe(false);
});

test('entrants that fail while they are started hand on to the next', () => {
  const started: string[] = [];
  const left: boolean[] = [];
  const runners = ['a', 'b', 'c'].map((name, index) => ({ name, delay: index * 500 }));
  const running: Race<Runner> = new Race<Runner>(runners, ({ name }) => {
    started.push(name);
    if (name !== 'c') left.push(running.failed());
  });
  const clock = new ManualClock();
  running.begin(clock);
  expect(started).toEqual(['a', 'b', 'c']);
  expect(left).toEqual([true, true]);
});

test('after its end nobody starts and no timer is left', async () => {
  const { race: running, clock, started } = race(0, 500, Number.POSITIVE_INFINITY);
  running.end();
  expect(clock.pending).toBe(0);
  running.failed();
  expect(started).toEqual(['a']);
});
