import { expect, test } from 'vitest';
import { RequestError } from '../errors.ts';
import { ManualClock, rest } from '../testing/test-clock.ts';
import type { TelemetryOptions } from './options.ts';
import { Producer } from './producer.ts';
import { see, TestSession } from './test-session.ts';

const START = 1_795_000_000_000;

function setUp(options: Partial<TelemetryOptions> = {}) {
  const session = new TestSession();
  const clock = new ManualClock();
  const time = { serverNow: () => START + clock.now() };
  const producer = new Producer(session, { channel: 'p', clock: time, batchBytes: 256, ...options }, clock);
  const series = producer.series('a', { mode: 'complete', decimals: 0 });
  let next = 0;
  /** Records so many readings, a second apart; noise, which takes room. */
  const record = (count: number): void => {
    for (let index = 0; index < count; index++, next++)
      series.record(Math.imul(next, 2654435761) >>> 16, START + next * 1000);
  };
  const batches = () => session.published.filter(({ bytes }) => see([{ bytes }]).readings.size > 0);
  const seqs = (): number[] =>
    see(batches())
      .readings.get(0)
      ?.map(({ seq }) => seq) ?? [];
  return { session, clock, producer, record, batches, seqs };
}

function upTo(end: number, from = 0): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}

test('what is recorded without a connection comes when it is back, all of it, in order', async () => {
  const { session, clock, producer, record, batches, seqs } = setUp();
  record(10);
  await clock.advance(1000);
  session.go('reconnecting');
  record(1000);
  await clock.advance(60_000);
  expect(seqs()).toEqual(upTo(10));
  expect(producer.stats().stored.readings).toBeGreaterThan(700);
  session.go('open');
  await clock.advance(1000);
  expect(seqs()).toEqual(upTo(1010));
  expect(batches().every(({ delivery }) => delivery === 'reliable')).toBe(true);
  expect(producer.stats()).toMatchObject({ confirmed: 1010, stored: { bytes: 0, readings: 0, batches: 0 } });
});

test('without a connection batches are as large as they can be, however slowly readings come', async () => {
  const { session, clock, producer, record, seqs } = setUp();
  await clock.advance(1000);
  session.go('reconnecting');
  for (let minute = 0; minute < 60; minute++) {
    record(1);
    await clock.advance(60_000);
  }
  expect(producer.stats().stored).toMatchObject({ readings: 60, batches: 0 });
  session.go('open');
  await clock.advance(1000);
  expect(seqs()).toEqual(upTo(60));
  expect(producer.stats().packets).toBeLessThan(5);
});

test('what was kept goes out no faster than a gateway takes it, and all of it', async () => {
  const { session, clock, producer, record, seqs } = setUp({ batchBytesPerSecond: 2048 });
  await clock.advance(1000);
  session.go('reconnecting');
  record(10_000);
  const { bytes } = producer.stats();
  session.go('open');
  for (let second = 1; producer.stats().stored.readings > 0; second++) {
    expect(producer.stats().bytes - bytes).toBeLessThan(2048 * second + 512);
    await clock.advance(1000);
    expect(second).toBeLessThan(30);
  }
  expect(seqs()).toEqual(upTo(10_000));
  expect(producer.stats().bytes - bytes).toBeGreaterThan(10_000);
});

test('the newest first, where that is asked for', async () => {
  const { session, clock, record, seqs } = setUp({ order: 'newest', maxUnconfirmed: 1 });
  await clock.advance(1000);
  session.go('reconnecting');
  record(1000);
  session.go('open');
  await clock.advance(1000);
  const came = seqs();
  expect(came[0]).toBeGreaterThan(700);
  expect(came.at(-1)!).toBeLessThan(500);
  expect(came.toSorted((a, b) => a - b)).toEqual(upTo(1000));
});

test('past its bound the oldest are dropped, counted, and consumers are told which', async () => {
  const { session, clock, producer, record, seqs } = setUp({ maxStoredBytes: 2000 });
  await clock.advance(1000);
  session.go('reconnecting');
  record(5000);
  const { stored, dropped } = producer.stats();
  expect(stored.bytes).toBeLessThanOrEqual(2000);
  expect(dropped.overflow).toBeGreaterThan(3000);
  session.go('open');
  await clock.advance(3000);
  const { skips } = see(session.published);
  const lost = skips.flatMap(({ seq, count }) => upTo(seq + count, seq));
  expect(skips.every(({ why }) => why === 'overflow')).toBe(true);
  expect(lost).toHaveLength(producer.stats().dropped.overflow);
  expect(Math.min(...seqs())).toBeGreaterThan(3000);
  expect([...lost, ...seqs()].toSorted((one, other) => one - other)).toEqual(upTo(5000));
});

test('no more batches are on their way than may be, and the next goes when one is confirmed', async () => {
  const { session, clock, record, batches } = setUp({ maxUnconfirmed: 2 });
  await clock.advance(1000);
  session.confirming = false;
  record(1000);
  await clock.advance(1000);
  expect(batches()).toHaveLength(2);
  batches()[0]!.settle('processed');
  await rest();
  expect(batches()).toHaveLength(3);
});

test('a batch that was lost with its connection is sent again; by its sequence a consumer knows it', async () => {
  const { session, clock, producer, record, batches, seqs } = setUp();
  await clock.advance(1000);
  session.confirming = false;
  record(20);
  await clock.advance(1000);
  session.go('reconnecting');
  batches()[0]!.settle('gap');
  await rest();
  session.confirming = true;
  session.go('open', 's2');
  await clock.advance(1000);
  expect(seqs()).toEqual([...upTo(20), ...upTo(20)]);
  expect(producer.stats().confirmed).toBe(20);
});

test('a gateway that cannot just now is asked again, less and less often', async () => {
  const { session, clock, record, batches } = setUp();
  await clock.advance(1000);
  session.confirming = false;
  record(5);
  await clock.advance(1000);
  for (const wait of [250, 500, 1000]) {
    const sent = batches().length;
    batches().at(-1)!.settle(new RequestError('rate-limited'));
    await clock.advance(wait - 1);
    expect(batches()).toHaveLength(sent);
    await clock.advance(1);
    expect(batches()).toHaveLength(sent + 1);
  }
});

test('what the gateway refuses for good is given up, counted and told, and the next goes on', async () => {
  const failures: unknown[] = [];
  const { session, clock, producer, record, batches } = setUp({
    failed: (error) => failures.push(error),
    maxUnconfirmed: 1,
  });
  await clock.advance(1000);
  session.confirming = false;
  record(5);
  await clock.advance(1000);
  session.confirming = true;
  batches()[0]!.settle(new RequestError('bad-packet'));
  record(5);
  await clock.advance(2000);
  expect(producer.stats()).toMatchObject({ confirmed: 5, dropped: { refused: 5 } });
  expect(see(session.published).skips).toEqual([{ series: 0, seq: 0, count: 5, why: 'given-up' }]);
  expect(failures).toHaveLength(1);
});

test('flush resolves when the gateway has it all', async () => {
  const { session, clock, producer, record, batches } = setUp();
  await clock.advance(1000);
  session.confirming = false;
  record(5);
  let flushed = false;
  const waiting = producer.flush().then(() => {
    flushed = true;
  });
  await rest();
  expect(flushed).toBe(false);
  batches()[0]!.settle('processed');
  await waiting;
});
