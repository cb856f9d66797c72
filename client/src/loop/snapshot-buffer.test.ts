import { expect, test } from 'vitest';
import { SnapshotBuffer, type Timed } from './snapshot-buffer.ts';

const INTERVAL = 50;

function snapshot(tick: number): Timed {
  return { tick, time: tick * INTERVAL };
}

/** Takes in `ticks`, each so many ms after it was sent, and advances at every arrival. */
function filled(ticks: readonly number[], transit: (tick: number) => number): SnapshotBuffer<Timed> {
  const buffer = new SnapshotBuffer({ interval: INTERVAL });
  for (const tick of ticks) {
    const now = tick * INTERVAL + transit(tick);
    buffer.add(snapshot(tick), now);
    buffer.advance(now);
  }
  return buffer;
}

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);

test('the time to draw lies between two snapshots that are known', () => {
  const buffer = new SnapshotBuffer({ interval: INTERVAL });
  for (const tick of [0, 1, 2, 3]) buffer.add(snapshot(tick), tick * INTERVAL + 30);
  expect(buffer.around(75)).toEqual({ before: snapshot(1), after: snapshot(2), share: 0.5 });
  expect(buffer.around(100)).toEqual({ before: snapshot(2), after: snapshot(3), share: 0 });
});

test('before the first and past the last snapshot there is one on one side only', () => {
  const buffer = new SnapshotBuffer();
  expect(buffer.around(0)).toEqual({ before: undefined, after: undefined, share: 0 });
  buffer.add(snapshot(2), 130);
  expect(buffer.around(99)).toEqual({ before: undefined, after: snapshot(2), share: 0 });
  expect(buffer.around(100)).toEqual({ before: snapshot(2), after: undefined, share: 0 });
});

test('snapshots that come out of order are put where they belong', () => {
  const buffer = new SnapshotBuffer();
  for (const tick of [1, 3, 2, 5, 4]) buffer.add(snapshot(tick), 300);
  for (const tick of [1, 2, 3, 4]) {
    expect(buffer.around(tick * INTERVAL + 10)).toMatchObject({
      before: { tick },
      after: { tick: tick + 1 },
    });
  }
});

test('a snapshot of which more has come replaces the one of the same tick', () => {
  const buffer = new SnapshotBuffer<Timed & { readonly parts: number }>();
  buffer.add({ ...snapshot(1), parts: 1 }, 60);
  buffer.add({ ...snapshot(1), parts: 2 }, 61);
  expect(buffer.newest?.parts).toBe(2);
  expect(buffer.stats()).toMatchObject({ received: 1, duplicate: 0 });
});

test('a steady network needs its latency and one interval, no more', () => {
  const buffer = filled(range(300), () => 40);
  expect(buffer.stats().delay).toBeCloseTo(40 + INTERVAL + 2, 0);
  expect(buffer.stats().starved).toBe(0);
});

test('jitter makes the delay longer', () => {
  const buffer = filled(range(300), (tick) => (tick % 3 === 0 ? 80 : 40));
  expect(buffer.stats().delay).toBeGreaterThan(40 + 40 + INTERVAL);
  expect(buffer.stats().jitter).toBeGreaterThan(20);
});

test('loss makes the delay longer, and is told', () => {
  const buffer = filled(
    range(300).filter((tick) => tick % 20 !== 7),
    () => 40,
  );
  expect(buffer.stats().delay).toBeCloseTo(40 + 2 * INTERVAL + 2, 0);
  expect(buffer.stats().loss).toBeCloseTo(0.05, 2);
});

test('snapshots on every third tick are not mistaken for loss', () => {
  const buffer = filled(
    range(300).filter((tick) => tick % 3 === 0),
    () => 40,
  );
  expect(buffer.stats().loss).toBe(0);
});

test('an error of the clock cancels out', () => {
  const drawn = [0, -500, 700].map((error) => {
    const buffer = new SnapshotBuffer({ interval: INTERVAL, delay: { max: 2000, min: 0 } });
    for (const tick of range(300)) buffer.add(snapshot(tick), tick * INTERVAL + 40 + error);
    return buffer.advance(300 * INTERVAL + error);
  });
  // A clock that runs ahead makes states seem older; one behind by more than the latency has nothing to add.
  expect(drawn[2]).toBeCloseTo(drawn[0]!, 5);
});

test('the drawn time never goes back, also when the delay grows in one leap', () => {
  const buffer = new SnapshotBuffer({ interval: INTERVAL });
  let drawn = Number.NEGATIVE_INFINITY;
  for (const tick of range(400)) {
    const now = tick * INTERVAL + 40;
    if (tick < 100 || tick % 8 === 0) buffer.add(snapshot(tick), now + (tick > 100 ? 150 : 0));
    const next = buffer.advance(now);
    expect(next).toBeGreaterThanOrEqual(drawn);
    drawn = next;
  }
});

test('a snapshot whose time has been drawn is counted late', () => {
  const buffer = filled(
    range(300).filter((tick) => tick !== 290),
    () => 40,
  );
  expect(buffer.add(snapshot(290), 300 * INTERVAL)).toBe(false);
  expect(buffer.stats().late).toBe(1);
});

test('the same snapshot twice is counted once', () => {
  const buffer = new SnapshotBuffer();
  const one = snapshot(1);
  buffer.add(one, 60);
  expect(buffer.add(one, 61)).toBe(false);
  expect(buffer.stats()).toMatchObject({ received: 1, duplicate: 1 });
});

test('depth tells how many snapshots wait, and a standstill is counted', () => {
  const buffer = filled(range(300), () => 40);
  expect(buffer.stats().depth).toBe(2);
  buffer.advance(400 * INTERVAL);
  buffer.advance(401 * INTERVAL);
  expect(buffer.stats()).toMatchObject({ depth: 0, starved: 1 });
});

test('a buffer nobody draws from keeps to its bound', () => {
  const buffer = new SnapshotBuffer({ capacity: 8 });
  for (const tick of range(1000)) buffer.add(snapshot(tick), tick * INTERVAL);
  expect(buffer.stats().depth).toBe(8);
  expect(buffer.newest?.tick).toBe(999);
});

test('after a clear the ticks of another server count', () => {
  const buffer = filled(range(300), () => 40);
  buffer.clear();
  expect(buffer.newest).toBeUndefined();
  expect(buffer.add(snapshot(3), 190)).toBe(true);
  expect(buffer.advance(190)).toBeLessThan(190);
});
