import { expect, test } from 'vitest';
import { Line } from './line.ts';
import { TestTime } from './test-time.ts';

function newLine(): { line: Line; time: TestTime; came: string[]; push: (ms: number, name: string) => void } {
  const time = new TestTime();
  const line = new Line(time);
  const came: string[] = [];
  return { line, time, came, push: (ms, name) => line.push(ms, () => came.push(`${name} ${time.now()}`)) };
}

test('what has nothing to wait for goes through at once', () => {
  const { push, came } = newLine();
  push(0, 'a');
  expect(came).toEqual(['a 0']);
});

test('what is slow holds up what is behind it, and nothing overtakes', () => {
  const { push, came, time } = newLine();
  push(50, 'a');
  push(200, 'b');
  push(0, 'c');
  time.pass(60);
  push(10, 'd');
  time.pass(1000);
  push(10, 'e');
  time.pass(1000);
  expect(came).toEqual(['a 50', 'b 200', 'c 200', 'd 200', 'e 1070']);
});

test('timers that change places change the order of nothing', () => {
  const timers: (() => void)[] = [];
  const line = new Line({ after: (run) => void timers.push(run), now: () => 0 });
  const came: string[] = [];
  for (const name of ['a', 'b', 'c']) line.push(10, () => came.push(name));
  for (const run of timers.reverse()) run();
  expect(came).toEqual(['a', 'b', 'c']);
});
