import { describe, expect, test } from 'vitest';
import { StallDetector } from './stall.ts';
import { ManualClock } from './testing/test-clock.ts';

/** A detector with a patience of 3 s, and when it asked and gave up. */
function detector(clock = new ManualClock()) {
  const start = clock.now();
  const pings: number[] = [];
  const stalls: number[] = [];
  const made: StallDetector = new StallDetector(clock, 3_000, {
    ping: () => {
      pings.push(clock.now() - start);
      made.asked();
    },
    stalled: () => stalls.push(clock.now() - start),
  });
  return { clock, detector: made, pings, stalls };
}

describe('a link that is silent', () => {
  test('is given up after the patience while something is owed', async () => {
    const { clock, detector: made, stalls } = detector();
    made.owes(true);
    await clock.advance(2_999);
    expect(stalls).toEqual([]);
    await clock.advance(10_000);
    expect(stalls).toEqual([3_100]);
    expect(clock.pending).toBe(0);
  });

  test('is left alone while nothing is', async () => {
    const { clock, detector: made, stalls, pings } = detector();
    await clock.advance(60_000);
    made.owes(true);
    made.owes(false);
    await clock.advance(60_000);
    expect([stalls, pings]).toEqual([[], []]);
  });

  test('is given up where a ping is not answered', async () => {
    const { clock, detector: made, stalls } = detector();
    made.asked();
    await clock.advance(10_000);
    expect(stalls).toEqual([3_100]);
  });

  test('is kept where it is', async () => {
    const { clock, detector: made, stalls } = detector();
    for (let count = 0; count < 5; count++) {
      made.asked();
      await clock.advance(2_000);
      made.heard(true);
      made.chatted();
      made.answered();
      await clock.advance(5_000);
    }
    expect(stalls).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('is asked once where it was busy, so that who only listens notices as well', async () => {
    const { clock, detector: made, pings, stalls } = detector();
    made.heard(true);
    await clock.advance(500);
    made.heard(true);
    await clock.advance(10_000);
    expect(pings).toEqual([1_500]);
    expect(stalls).toEqual([4_600]);
  });

  test('is asked no more after the answer, for that is only chatter', async () => {
    const { clock, detector: made, pings } = detector();
    made.heard(true);
    await clock.advance(1_000);
    made.heard(true);
    made.chatted();
    made.answered();
    await clock.advance(60_000);
    expect(pings).toEqual([1_000]);
  });
});

describe('a link that is not silent', () => {
  test('is kept as long as what is owed goes on coming', async () => {
    const { clock, detector: made, stalls } = detector();
    made.owes(true);
    for (let count = 0; count < 20; count++) {
      await clock.advance(2_500);
      made.heard(true);
    }
    expect(stalls).toEqual([]);
    await clock.advance(4_000);
    expect(stalls).toHaveLength(1);
  });

  test('is given up where its streams stand still beside datagrams that come', async () => {
    const { clock, detector: made, stalls } = detector();
    made.owes(true);
    for (let count = 0; count < 40; count++) {
      await clock.advance(100);
      made.heard(false);
    }
    expect(stalls).toEqual([3_100]);
  });

  test('is kept where only datagrams come and nothing is owed', async () => {
    const { clock, detector: made, stalls } = detector();
    for (let count = 0; count < 100; count++) {
      await clock.advance(100);
      made.heard(false);
    }
    expect(stalls).toEqual([]);
  });
});

describe('after sleep', () => {
  /** A clock whose timers are as late as a test says. */
  class Sleepy extends ManualClock {
    late = 0;
    override now(): number {
      return super.now() + this.late;
    }
  }

  test('a timer that is late asks again, and gives up without an answer in two seconds', async () => {
    const clock = new Sleepy();
    const { detector: made, pings, stalls } = detector(clock);
    made.owes(true);
    clock.late = 60_000;
    await clock.advance(3_000);
    expect(pings).toEqual([63_000]);
    await clock.advance(2_099);
    expect(stalls).toEqual([]);
    await clock.advance(1);
    expect(stalls).toEqual([65_100]);
  });

  test('a check gives the same two seconds', async () => {
    const { clock, detector: made, pings, stalls } = detector();
    await clock.advance(100_000);
    made.check();
    expect(pings).toEqual([100_000]);
    await clock.advance(10_000);
    expect(stalls).toEqual([102_100]);
  });

  test('and an answer in them is enough', async () => {
    const { clock, detector: made, stalls } = detector();
    made.check();
    await clock.advance(2_050);
    made.heard(true);
    made.chatted();
    made.answered();
    await clock.advance(60_000);
    expect(stalls).toEqual([]);
  });
});

test('a stopped detector has no timer and sets none', async () => {
  const { clock, detector: made } = detector();
  made.owes(true);
  made.stop();
  made.heard(true);
  made.asked();
  expect(clock.pending).toBe(0);
});
