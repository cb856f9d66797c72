import {
  type Catalogue,
  type CatalogueSeries,
  PacketWriter,
  READINGS,
  ROLLUP,
  type Rollup,
  RollupWriter,
  SERIES,
} from '@spillway/envelope/telemetry';
import { expect, test } from 'vitest';
import { RequestError } from '../errors.ts';
import { ManualClock, rest } from '../testing/test-clock.ts';
import { ReadingWatch, watchReadings } from './reading-watch.ts';
import { RollupWatch, watchRollups } from './rollup-watch.ts';
import { TestSession } from './test-session.ts';

const START = 1_795_000_000_000;

function entry(id: number, name = `s${id}`): CatalogueSeries {
  return { id, name, unit: 'bar', mode: 'live', encoding: 'scaled', decimals: 1, producer: 7, series: id };
}

/** A gateway with these series, in pages of two. */
function serve(session: TestSession, series: CatalogueSeries[], epoch = 5): void {
  session.answer = (type, payload): Catalogue => {
    if (type !== SERIES) throw new RequestError('no-handler');
    const { from = 0 } = payload as { from?: number };
    const page = series.slice(from, from + 2);
    return { epoch, windows: [100], series: page, ...(from + 2 < series.length && { next: from + 2 }) };
  };
}

const QUIET: Rollup = { count: 20, missing: 0, min: 1, max: 3, mean: 2, last: 2.5 };

function rollups(
  start: number,
  all: readonly (readonly [series: number, rollup: Partial<Rollup>, amended?: boolean])[],
  epoch = 5,
): Uint8Array {
  const writer = new RollupWriter(1000);
  writer.begin(epoch, 100, start);
  for (const [series, rollup, amended] of all) writer.add(series, 1, { ...QUIET, ...rollup }, amended);
  return writer.done();
}

async function watchSome(series = [entry(0), entry(1), entry(2)]) {
  const session = new TestSession();
  const clock = new ManualClock();
  serve(session, series);
  const seen: { name: string; start: number; count: number; last: number; amended: boolean }[] = [];
  const told: string[] = [];
  const watch = new RollupWatch(
    session,
    {
      channel: 'plant/7',
      window: 100,
      rollup: ({ info }, { start, count, last, amended }) =>
        seen.push({ name: info.name, start, count, last, amended }),
      series: ({ info }) => told.push(info.name),
      begunAnew: () => told.push('anew'),
    },
    clock,
  );
  await watch.open();
  const deliver = (bytes: Uint8Array): void => session.deliver('plant/7/100', ROLLUP, bytes);
  return { session, clock, watch, seen, told, deliver };
}

test('all series are asked for, page by page, and their roll-ups come under their names', async () => {
  const { session, watch, seen, told, deliver } = await watchSome();
  expect(told).toEqual(['s0', 's1', 's2']);
  expect([...session.subscribed].toSorted()).toEqual(['plant/7/100', 'plant/7/series']);
  deliver(
    rollups(START, [
      [0, {}],
      [2, { last: 1.5 }],
    ]),
  );
  expect(seen).toEqual([
    { name: 's0', start: START, count: 20, last: 2.5, amended: false },
    { name: 's2', start: START, count: 20, last: 1.5, amended: false },
  ]);
  expect(watch.stats()).toEqual({ packets: 1, rollups: 2, amended: 0, unknown: 0, malformed: 0 });
});

test('what is missing is counted once, and less where late readings fill a window', async () => {
  const { watch, deliver } = await watchSome();
  const of = (id: number) => watch.series.get(id)!;
  deliver(rollups(START, [[0, { count: 15, missing: 5 }]]));
  deliver(rollups(START + 100, [[0, { last: 1.5 }]]));
  expect(of(0)).toMatchObject({ received: 35, missing: 5, skipped: 0, last: 1.5 });
  deliver(rollups(START, [[0, { count: 19, missing: 1 }, true]]));
  expect(of(0)).toMatchObject({ received: 39, missing: 1, last: 1.5, newest: START + 100 });
  expect(watch.stats().amended).toBe(1);
});

test('windows that never come are counted, and those that come late are not', async () => {
  const { watch, deliver } = await watchSome();
  for (const window of [0, 1, 5, 3]) deliver(rollups(START + window * 100, [[0, {}]]));
  expect(watch.series.get(0)).toMatchObject({ skipped: 2, received: 80 });
  deliver(rollups(START + 500 + 256 * 100, [[0, {}]]));
  const { received } = watch.series.get(0)!;
  deliver(rollups(START + 500, [[0, { missing: 3 }]]));
  expect(watch.series.get(0)).toMatchObject({ received, missing: 0 });
});

test('a series without readings in its window keeps its last value', async () => {
  const { watch, deliver } = await watchSome();
  deliver(rollups(START, [[0, {}]]));
  deliver(
    rollups(START + 100, [
      [0, { count: 0, missing: 20, last: Number.NaN, min: Number.NaN, max: Number.NaN }],
    ]),
  );
  expect(watch.series.get(0)).toMatchObject({ last: 2.5, missing: 20, newest: START + 100 });
});

test('a series that is announced later is known from then on; what it was before counts as unknown', async () => {
  const { session, watch, seen, told, deliver } = await watchSome();
  deliver(rollups(START, [[9, {}]]));
  expect(watch.stats().unknown).toBe(1);
  session.deliver('plant/7/series', SERIES, { epoch: 5, windows: [100], series: [entry(9, 'late')] });
  deliver(rollups(START + 100, [[9, {}]]));
  expect(seen.map(({ name }) => name)).toEqual(['late']);
  expect(told.at(-1)).toBe('late');
});

test('an unknown number is asked about, at most once a second', async () => {
  const { session, clock, watch, seen, deliver } = await watchSome();
  serve(session, [entry(0), entry(1), entry(2), entry(3, 'new')]);
  const asked = session.requests.length;
  for (let count = 0; count < 50; count++) deliver(rollups(START, [[3, {}]]));
  await clock.advance(1000);
  expect(session.requests.length).toBe(asked + 2);
  deliver(rollups(START + 100, [[3, {}]]));
  expect(seen.map(({ name }) => name)).toEqual(['new']);
  expect(watch.stats().unknown).toBe(50);
});

test('roll-ups of another epoch are not shown under old names, and its series replace them', async () => {
  const { session, clock, watch, seen, told, deliver } = await watchSome();
  serve(session, [entry(0, 'other')], 6);
  deliver(rollups(START, [[0, {}]], 6));
  expect(seen).toEqual([]);
  await clock.advance(1000);
  deliver(rollups(START + 100, [[0, {}]], 6));
  expect(seen.map(({ name }) => name)).toEqual(['other']);
  expect(told.slice(3)).toEqual(['anew', 'other']);
  expect(watch.series.size).toBe(1);
});

test('what is no packet is counted, and nothing is thrown', async () => {
  const { watch, deliver } = await watchSome();
  deliver(Uint8Array.of(0x12, 1));
  deliver('text' as unknown as Uint8Array);
  expect(watch.stats()).toMatchObject({ malformed: 2, packets: 2 });
});

test('close lets go of everything; opening that is refused does, too', async () => {
  const { session, clock, watch, deliver, seen } = await watchSome();
  deliver(rollups(START, [[9, {}]]));
  await watch.close();
  deliver(rollups(START, [[0, {}]]));
  expect([session.subscribed.size, clock.pending, seen.length]).toEqual([0, 0, 0]);
  session.answer = () => {
    throw new RequestError('forbidden');
  };
  await expect(watchRollups(session, { channel: 'plant/7', window: 100 })).rejects.toThrow('forbidden');
  await expect(watchReadings(session, { channel: 'plant/7', readings: () => {} })).rejects.toThrow(
    'forbidden',
  );
  await rest();
  expect(session.subscribed.size).toBe(0);
});

test('raw readings come once each, whatever is lost, late or sent twice, and what is missing is exact', async () => {
  const session = new TestSession();
  serve(session, [entry(0), entry(1)]);
  const seqs: number[] = [];
  const values: number[] = [];
  const watch = new ReadingWatch(
    session,
    {
      channel: 'plant/7',
      readings: (block) => {
        expect(block.series.info.name).toBe('s1');
        for (let index = block.from; index < block.to; index++) {
          seqs.push(block.seq + index - block.from);
          values.push(block.values[index]!);
        }
      },
    },
    new ManualClock(),
  );
  await watch.open();
  const deliver = (from: number, to: number): void => {
    const writer = new PacketWriter(1000);
    writer.begin(7, START);
    const all = Array.from({ length: to - from }, (_, index) => from + index);
    const times = Float64Array.from(all, (index) => START + index);
    const definition = { ...entry(1), resolution: 'ms' } as const;
    writer.add(definition, from, times, Float64Array.from(all), 0, all.length);
    session.deliver('plant/7/raw', READINGS, writer.done());
  };
  for (const [from, to] of [
    [0, 10],
    [30, 40],
    [20, 25],
    [0, 10],
    [5, 22],
    [38, 45],
  ] as const)
    deliver(from, to);
  expect(seqs.toSorted((one, other) => one - other)).toEqual([
    ...Array.from({ length: 25 }, (_, index) => index),
    ...Array.from({ length: 15 }, (_, index) => 30 + index),
  ]);
  expect(values).toEqual(seqs);
  const [, series] = [...watch.series()];
  expect(series!.gaps).toMatchObject({ received: 40, missing: 5, holes: [{ from: 25, to: 30 }] });
  expect(series!.gaps.duplicates).toBe(19);
  expect(watch.stats()).toMatchObject({ packets: 6, readings: 40, unknown: 0, malformed: 0 });
});

test('of raw readings the producer says which never come; a definition in a packet is as good as the catalogue', async () => {
  const session = new TestSession();
  serve(session, []);
  let readings = 0;
  const watch = new ReadingWatch(
    session,
    { channel: 'p', readings: ({ from, to }) => (readings += to - from) },
    new ManualClock(),
  );
  await watch.open();
  const writer = new PacketWriter(1000);
  writer.begin(8, START);
  writer.define({
    series: 3,
    name: 'x',
    unit: '',
    mode: 'complete',
    encoding: 'float32',
    decimals: 0,
    resolution: 'ms',
  });
  writer.skip(3, 10, 5, 'overflow');
  writer.skip(3, 20, 0, 'none');
  session.deliver('p/raw', READINGS, writer.done());
  const [series] = [...watch.series()];
  expect(series).toMatchObject({ info: { name: 'x', producer: 8 }, skipped: { overflow: 5, invalid: 0 } });
  expect(series!.gaps).toMatchObject({ next: 20, missing: 5 });
  expect(readings).toBe(0);
});
