import { expect, test } from 'vitest';
import { Pinger } from './pinger.ts';
import { Meter } from './stats.ts';
import { ManualClock } from './testing/test-clock.ts';

const INTERVAL = 10_000;

function pinger(clock = new ManualClock()) {
  const pings: number[] = [];
  const meter = new Meter();
  const made = new Pinger(clock, meter, INTERVAL, (time) => pings.push(time));
  made.ping();
  return { pinger: made, clock, meter, pings };
}

test('pings at once and every pingInterval', async () => {
  const { clock, pings } = pinger();
  await clock.advance(3 * INTERVAL);
  expect(pings).toHaveLength(4);
});

test('what comes in pings where the timers of a page in the background are late', () => {
  let now = 0;
  class Asleep extends ManualClock {
    override now(): number {
      return now;
    }
  }
  const { pinger: made, pings } = pinger(new Asleep());
  now = INTERVAL;
  made.heard();
  expect(pings).toHaveLength(1);
  now += 1;
  made.heard();
  made.heard();
  expect(pings).toHaveLength(2);
});

test('the round trip has fractions of a millisecond, though the wire has not', async () => {
  const { pinger: made, clock, meter, pings } = pinger();
  await clock.advance(12.25);
  made.pong({ kind: 'pong', time: pings[0]!, now: clock.wall() });
  expect(meter.rtt).toBe(12.25);
  await clock.advance(7.75);
  made.pong({ kind: 'pong', time: pings[0]!, now: clock.wall() });
  expect(meter.rtt).toBe(20);
  expect(made.shortest).toBe(12.25);
});

test('pings four more times, one after the other, where somebody goes by the round trip', async () => {
  const { pinger: made, clock, pings } = pinger();
  const answer = () => made.pong({ kind: 'pong', time: pings.at(-1)!, now: clock.wall() });
  made.measure();
  await clock.advance(300);
  made.measure();
  expect(pings).toHaveLength(1);
  answer();
  made.measure();
  expect(pings).toHaveLength(2);
  await clock.advance(50);
  answer();
  made.measure();
  expect([pings.length, made.shortest]).toEqual([2, 50]);
  for (let count = 0; count < 10; count++) {
    await clock.advance(100);
    made.measure();
    answer();
  }
  expect(pings).toHaveLength(5);
});

test('is silent once it is stopped', async () => {
  const { pinger: made, clock, pings } = pinger();
  made.stop();
  await clock.advance(60_000);
  expect(pings).toHaveLength(1);
  expect(clock.pending).toBe(0);
});
