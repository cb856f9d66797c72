import { expect, test } from 'vitest';
import { Heartbeat } from './heartbeat.ts';

const LIMITS = { pingInterval: 10_000, idleTimeout: 30_000 };

test('measures five round trips, one after the other, of which the shortest counts', () => {
  const heartbeat = new Heartbeat(LIMITS, 0);
  const pings: number[] = [];
  const shortest: (number | undefined)[] = [];
  for (let now = 1; now < 3_000; now += 10) {
    if (heartbeat.measure(now)) pings.push(now);
    // The first one waits for a packet that was lost.
    const rtt = pings.length === 1 ? 300 : 50;
    if (now === pings.at(-1)! + rtt) {
      heartbeat.pong(pings.at(-1)!, now);
      shortest.push(heartbeat.minRtt);
    }
  }
  expect(pings).toEqual([1, 311, 411, 511, 611]);
  expect(shortest).toEqual([300, 50, 50, 50, 50]);
});

test('asks again where nobody answers, as seldom as for a sign of life', () => {
  const heartbeat = new Heartbeat(LIMITS, 0);
  expect([heartbeat.measure(1), heartbeat.measure(9_000), heartbeat.measure(10_001)]).toEqual([
    true,
    false,
    true,
  ]);
});
