import { TIME } from '@spillway/envelope/telemetry';
import { expect, test } from 'vitest';
import { RequestError } from '../errors.ts';
import { ManualClock } from '../testing/test-clock.ts';
import { GatewayClock } from './gateway-clock.ts';
import { TestSession } from './test-session.ts';

/** Gateway time is `ahead` of ours; the way there takes 20 ms, and so does the way back. */
function setUp(ahead = 5_000) {
  const session = new TestSession();
  const clock = new ManualClock();
  let asked = 0;
  session.request = async (type) => {
    expect(type).toBe(TIME);
    asked += 1;
    await new Promise<void>((resolve) => clock.after(20, resolve));
    const now = clock.wall() + ahead;
    await new Promise<void>((resolve) => clock.after(20, resolve));
    return { now };
  };
  return { session, clock, time: new GatewayClock(session, clock), asked: () => asked };
}

test('after some round trips it shows the time of the gateway, then asks now and then', async () => {
  const { clock, time, asked } = setUp();
  expect(time.synced).toBe(false);
  expect(Math.abs(time.serverNow() - clock.wall())).toBeLessThan(1);
  time.start();
  await clock.advance(200);
  expect(time.synced).toBe(true);
  expect(Math.abs(time.serverNow() - clock.wall() - 5_000)).toBeLessThan(2);
  expect(asked()).toBe(4);
  await clock.advance(30_000);
  expect(asked()).toBe(5);
  time.stop();
  await clock.advance(100_000);
  expect(asked()).toBe(5);
});

test('a gateway that does not tell its time leaves the machine its own', async () => {
  const { session, clock, time } = setUp();
  session.request = () => Promise.reject(new RequestError('no-handler'));
  time.start();
  await clock.advance(1000);
  expect(time.synced).toBe(false);
  expect(Math.abs(time.serverNow() - clock.wall())).toBeLessThan(1);
  time.stop();
});

test('without a connection it does not ask, and goes on with what it knows', async () => {
  const { session, clock, time, asked } = setUp();
  time.start();
  await clock.advance(200);
  session.state = 'reconnecting';
  await clock.advance(60_000);
  const before = asked();
  await clock.advance(60_000);
  expect(asked()).toBe(before);
  expect(Math.abs(time.serverNow() - clock.wall() - 5_000)).toBeLessThan(2);
});
