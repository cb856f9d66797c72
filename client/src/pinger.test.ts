import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import type { Context } from './context.ts';
import type { Link } from './link.ts';
import { Pinger } from './pinger.ts';
import { Meter } from './stats.ts';
import { ManualClock } from './testing/test-clock.ts';
import { LIMITS } from './testing/test-peer.ts';

function pinger(clock = new ManualClock()) {
  const pings: number[] = [];
  const closes: number[] = [];
  const link = {
    outbox: { control: ({ time }: { time: number }) => pings.push(time) },
    close: (code: number) => closes.push(code),
  } as unknown as Link;
  const meter = new Meter();
  const made = new Pinger({ clock, meter } as unknown as Context, link, LIMITS);
  made.start();
  return { pinger: made, clock, meter, pings, closes };
}

test('pings at once and every pingInterval', async () => {
  const { clock, pings, pinger: made } = pinger();
  for (let count = 0; count < 3; count++) {
    await clock.advance(LIMITS.pingInterval);
    made.heard();
  }
  expect(pings).toHaveLength(4);
});

test('gives up two seconds after everything was silent for idleTimeout', async () => {
  const { clock, closes } = pinger();
  await clock.advance(31_999);
  expect(closes).toEqual([]);
  await clock.advance(1);
  expect(closes).toEqual([CLOSE['idle-timeout']]);
});

test('a sign of life in those two seconds is enough', async () => {
  const { clock, closes, pinger: made } = pinger();
  await clock.advance(31_000);
  made.heard();
  await clock.advance(10_000);
  expect(closes).toEqual([]);
});

test('what comes in pings where the timers of a page in the background are late', () => {
  let now = 0;
  class Asleep extends ManualClock {
    override now(): number {
      return now;
    }
  }
  const { pinger: made, pings } = pinger(new Asleep());
  now = LIMITS.pingInterval;
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
});
