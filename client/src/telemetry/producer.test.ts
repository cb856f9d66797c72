import { encodeWanted, WANTED } from '@spillway/envelope/telemetry';
import { expect, test } from 'vitest';
import type { Session } from '../api.ts';
import { RequestError } from '../errors.ts';
import { ManualClock, rest } from '../testing/test-clock.ts';
import type { TelemetrySession } from './link.ts';
import type { TelemetryOptions } from './options.ts';
import { Producer } from './producer.ts';
import { see, TestSession } from './test-session.ts';

const START = 1_795_000_000_000;

// What `connect` gives is what the kit takes.
const _session: TelemetrySession = undefined as unknown as Session;

function setUp(options: Partial<TelemetryOptions> = {}, state: TelemetrySession['state'] = 'open') {
  const session = new TestSession();
  session.state = state;
  const clock = new ManualClock();
  const time = { serverNow: () => START + clock.now() };
  const producer = new Producer(session, { channel: 'plant/7', clock: time, ...options }, clock);
  const live = () => session.published.filter(({ channel }) => channel === 'plant/7');
  const complete = () => session.published.filter(({ channel }) => channel === 'plant/7/complete');
  return { session, clock, producer, live, complete };
}

test('readings of many series share datagrams, and come as they were recorded', async () => {
  const { clock, producer, live } = setUp();
  const all = Array.from({ length: 20 }, (_, index) => producer.series(`s${index}`, { decimals: 1 }));
  for (let round = 0; round < 20; round++)
    for (const [index, series] of all.entries()) series.record(index + round / 10, START + round * 5);
  await clock.advance(100);
  expect(live().length).toBeLessThan(6);
  expect(live().every(({ bytes, delivery }) => bytes.length <= 960 && delivery === 'unreliable')).toBe(true);
  const { readings } = see(live());
  for (const index of all.keys()) {
    const expected = Array.from({ length: 20 }, (_, round) => ({
      seq: round,
      time: START + round * 5,
      value: Number((index + round / 10).toFixed(1)),
    }));
    expect(readings.get(index)).toEqual(expected);
  }
});

test('a reading leaves after the delay of its mode, or when as many wait as the series takes', async () => {
  const { clock, producer, live, complete } = setUp({ liveDelay: 50, batchDelay: 400 });
  const slow = producer.series('slow', { mode: 'complete' });
  const fast = producer.series('fast', { maxReadings: 10 });
  await clock.advance(1);
  const defined = complete().length;
  slow.record(1);
  fast.record(1);
  await clock.advance(49);
  expect(live()).toHaveLength(0);
  await clock.advance(1);
  expect(see(live()).readings.get(1)).toHaveLength(1);
  for (let count = 0; count < 10; count++) fast.record(count);
  producer.series('fast').record(11);
  await clock.advance(0);
  await producer.flush();
  expect(see(live()).readings.get(1)).toHaveLength(12);
  expect(complete().length).toBe(defined + 1);
  slow.record(2);
  await clock.advance(399);
  expect(complete().length).toBe(defined + 1);
  await clock.advance(1);
  expect(see(complete()).readings.get(0)).toHaveLength(2);
});

test('every packet carries the definitions it needs until the gateway has confirmed them, and none after', async () => {
  const { session, clock, producer, live, complete } = setUp();
  session.confirming = false;
  const series = producer.series('line-2/temp', { unit: '°C', decimals: 1 });
  for (let packet = 0; packet < 3; packet++) {
    series.record(packet);
    await clock.advance(100);
  }
  expect(live().map((packet) => see([packet]).definitions.length)).toEqual([1, 1, 1]);
  expect(see(complete()).definitions).toEqual([series.definition]);
  expect(producer.stats().unknown).toBe(1);
  complete()[0]!.settle('processed');
  await rest();
  series.record(4);
  await clock.advance(100);
  expect(see(live().slice(3)).definitions).toEqual([]);
  expect(producer.stats().unknown).toBe(0);
});

test('definitions that are not taken are sent again; where they are refused for good somebody hears of it', async () => {
  const failures: unknown[] = [];
  const { session, clock, producer, complete } = setUp({ failed: (error) => failures.push(error) });
  session.confirming = false;
  producer.series('a');
  await clock.advance(0);
  complete()[0]!.settle(new RequestError('connection-lost'));
  await clock.advance(1000);
  expect(complete()).toHaveLength(2);
  complete()[1]!.settle(new RequestError('forbidden'));
  await clock.advance(10_000);
  expect(complete()).toHaveLength(2);
  expect(failures).toEqual([expect.objectContaining({ code: 'forbidden' })]);
});

test('a new session of the gateway, or a gateway that asks, gets the definitions again', async () => {
  const { session, clock, producer, complete } = setUp();
  producer.series('a');
  producer.series('b');
  await clock.advance(0);
  session.go('reconnecting');
  session.go('open');
  await clock.advance(0);
  expect(complete()).toHaveLength(1);
  session.go('reconnecting');
  session.go('open', 's2');
  await clock.advance(0);
  expect(see(complete().slice(1)).definitions.map(({ name }) => name)).toEqual(['a', 'b']);
  session.emit('message', WANTED, encodeWanted({ producer: producer.id, series: [1] }));
  session.emit('message', WANTED, encodeWanted({ producer: producer.id + 1, series: [0] }));
  await clock.advance(0);
  expect(see(complete().slice(2)).definitions.map(({ name }) => name)).toEqual(['b']);
  session.emit('message', WANTED, encodeWanted({ producer: producer.id, series: [] }));
  await clock.advance(0);
  expect(see(complete().slice(3)).definitions.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('what is no number or no time is counted, and its place in the sequence is said to stay empty', async () => {
  const { clock, producer, live } = setUp();
  const series = producer.series('a', { decimals: 0 });
  expect(series.record(1, START)).toBe(true);
  for (const [value, time] of [
    [Number.NaN, START],
    [Number.POSITIVE_INFINITY, START],
    [2, Number.NaN],
    [2, -1],
    [2, 2 ** 42],
  ] as const)
    expect(series.record(value, time)).toBe(false);
  expect(series.record(3, START + 5)).toBe(true);
  await clock.advance(100);
  const seen = see(live());
  expect(seen.readings.get(0)!.map(({ seq, value }) => [seq, value])).toEqual([
    [0, 1],
    [6, 3],
  ]);
  expect(seen.skips).toEqual([{ series: 0, seq: 1, count: 5, why: 'invalid' }]);
  expect(producer.stats().dropped.invalid).toBe(5);
});

test('a time that runs backwards is kept as given, and without one none runs backwards', async () => {
  const clock = { now: START + 10, serverNow: () => clock.now };
  const { clock: timers, producer, live } = setUp({ clock });
  const series = producer.series('a', { decimals: 0 });
  series.record(1);
  clock.now = START + 4;
  series.record(2);
  series.record(3, START + 2);
  series.record(4);
  await timers.advance(100);
  expect(
    see(live())
      .readings.get(0)!
      .map(({ time }) => time - START),
  ).toEqual([10, 10, 2, 4]);
  expect(producer.stats().backwards).toBe(1);
});

test('live readings are dropped and counted while there is no connection, and the sequence tells', async () => {
  const { session, clock, producer, live } = setUp();
  const series = producer.series('a', { decimals: 0, maxReadings: 16 });
  series.record(1);
  await clock.advance(100);
  session.go('reconnecting');
  for (let count = 0; count < 50; count++) series.record(count);
  await clock.advance(100);
  expect(live()).toHaveLength(1);
  expect(producer.stats().dropped.offline).toBe(50);
  session.go('open');
  series.record(2);
  await clock.advance(100);
  expect(
    see(live())
      .readings.get(0)!
      .map(({ seq }) => seq),
  ).toEqual([0, 51]);
});

test('a live series that goes quiet says reliably how far it was, once', async () => {
  const { clock, producer, complete } = setUp();
  const series = producer.series('a', { decimals: 0 });
  for (let count = 0; count < 7; count++) series.record(count);
  await clock.advance(10_000);
  expect(see(complete()).skips).toEqual([{ series: 0, seq: 7, count: 0, why: 'none' }]);
  series.record(8);
  await clock.advance(10_000);
  expect(see(complete()).skips.map(({ seq }) => seq)).toEqual([7, 8]);
  expect(clock.pending).toBe(0);
});

test('a hundred thousand readings a second fill columns, not timers', async () => {
  const { clock, producer, live } = setUp();
  const series = producer.series('fast', { decimals: 2, resolution: 'us' });
  for (let index = 0; index < 100_000; index++)
    series.record(Math.round(100 * Math.sin(index / 50)) / 100, START + index / 100);
  expect(clock.pending).toBeLessThan(5);
  await clock.advance(100);
  const readings = see(live()).readings.get(0)!;
  expect(readings).toHaveLength(100_000);
  expect(readings.every(({ seq }, index) => seq === index)).toBe(true);
  expect(producer.stats()).toMatchObject({ recorded: 100_000, sent: 100_000 });
});

test('a series is one object by its name, and is refused with other options or past the bound', () => {
  const { producer } = setUp({ maxSeries: 2 });
  const series = producer.series('a', { unit: 'bar' });
  expect(producer.series('a', { unit: 'bar' })).toBe(series);
  expect(() => producer.series('a', { unit: 'Pa' })).toThrow(RangeError);
  producer.series('b');
  expect(() => producer.series('c')).toThrow(RangeError);
  expect(() => producer.series('x'.repeat(129))).toThrow(RangeError);
  expect(() => producer.series('d', { decimals: 10 })).toThrow(RangeError);
  expect(() => producer.series('d', { maxReadings: 0 })).toThrow(RangeError);
  expect(() => setUp({ datagramBytes: 100 })).toThrow(RangeError);
});

test('close sends what waits, says how far each series is, and lets go of everything', async () => {
  const { session, clock, producer, live, complete } = setUp();
  producer.series('a', { decimals: 0 }).record(1);
  producer.series('b', { decimals: 0, mode: 'complete' }).record(2);
  await producer.close();
  expect(see(live()).readings.get(0)).toHaveLength(1);
  expect(see(complete()).readings.get(1)).toHaveLength(1);
  expect(see(complete()).skips).toEqual([{ series: 0, seq: 1, count: 0, why: 'none' }]);
  expect(session.listeners).toBe(0);
  expect(clock.pending).toBe(0);
  const sent = session.published.length;
  for (let count = 0; count < 1000; count++) producer.series('a', { decimals: 0 }).record(count);
  await clock.advance(10_000);
  expect(session.published).toHaveLength(sent);
});

test('close does not wait for ever for a gateway that does not answer', async () => {
  const { session, clock, producer } = setUp();
  session.confirming = false;
  producer.series('b', { mode: 'complete' }).record(2);
  const closed = producer.close();
  await clock.advance(5_000);
  await closed;
});
