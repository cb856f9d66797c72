import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { settled } from '../compliance/fixture.ts';
import type { Readings, ReadingsOptions } from './readings.ts';
import { definition, packet, TestPlant, TestSession } from './test-plant.ts';

const live = definition(0, 'live');
const complete = definition(1, 'complete', { mode: 'complete' });

function setup(options: ReadingsOptions = {}) {
  const plant = new TestPlant();
  const session = new TestSession();
  const start = plant.clock.now();
  const loop = plant.kit.readings(options);
  /** So many readings of a series, from this number on. */
  const send = (of: typeof live, seq: number, count: number) => {
    const readings = Array.from({ length: count }, (_, index) => [start, seq + index] as const);
    const behind = of.mode === 'complete' ? '/complete' : '';
    const bytes = packet([of], [{ of, seq, readings }]);
    return plant.publish(session, bytes, `plant/7${behind}`, `plant/:site${behind}`);
  };
  return { plant, loop, send };
}

async function next(loop: AsyncIterator<Readings, undefined>): Promise<Readings> {
  const { value } = await loop.next();
  if (value === undefined) throw new Error('the loop is over');
  return value;
}

test('a loop has each reading once, in columns, and is told of gaps', async () => {
  const { loop, send } = setup();
  send(live, 0, 3);
  send(live, 5, 2);
  send(live, 2, 2);
  const first = await next(loop);
  expect(first).toMatchObject({
    channel: 'plant/7',
    producer: 1,
    seq: 0,
    gap: 0,
    series: { name: 'live', unit: 'bar' },
  });
  expect([...first.values]).toEqual([0, 1, 2]);
  expect(first.times).toHaveLength(3);
  expect(await next(loop)).toMatchObject({ seq: 5, gap: 2 });
  const late = await next(loop);
  expect(late).toMatchObject({ seq: 3, gap: 0 });
  expect([...late.values]).toEqual([3]);
});

test('what a loop has stays as it was when more comes', async () => {
  const { loop, send } = setup();
  send(live, 0, 2);
  const first = await next(loop);
  send(live, 2, 2);
  expect([...first.values]).toEqual([0, 1]);
});

test('a loop that is too slow for live series loses the oldest of them, counted', async () => {
  const { plant, loop, send } = setup({ maxWaiting: 10 });
  for (let seq = 0; seq < 20; seq += 4) expect(send(live, seq, 4)).toBe(false);
  expect(plant.kit.stats()).toMatchObject({ dropped: 12, waiting: 8, readings: 20 });
  expect(await next(loop)).toMatchObject({ seq: 12 });
  expect(await next(loop)).toMatchObject({ seq: 16 });
});

test('nothing of a complete series is lost: its producer waits for the loop', async () => {
  const { loop, send } = setup({ maxWaiting: 10 });
  expect(send(complete, 0, 6)).toBe(false);
  let taken = 0;
  const wait = Promise.resolve(send(complete, 6, 6)).then(() => taken++);
  await settled();
  expect(taken).toBe(0);
  expect(loop.dropped).toBe(0);
  expect(await next(loop)).toMatchObject({ seq: 0 });
  await wait;
  expect(taken).toBe(1);
  expect(await next(loop)).toMatchObject({ seq: 6 });
});

test('while complete readings fill a loop live ones are dropped, and make nobody wait', async () => {
  const { loop, send } = setup({ maxWaiting: 10 });
  void send(complete, 0, 12);
  expect(send(live, 0, 4)).toBe(false);
  expect(loop).toMatchObject({ dropped: 4, waiting: 12 });
  expect(await next(loop)).toMatchObject({ seq: 0, series: { mode: 'complete' } });
});

test('a loop that is slow for live readings makes no producer of complete ones wait', async () => {
  const { plant, loop, send } = setup({ maxWaiting: 10 });
  const onlyLive = plant.kit.readings({ series: 'live', maxWaiting: 10 });
  send(live, 0, 10);
  expect(send(complete, 0, 6)).toBe(false);
  expect([loop.waiting, loop.dropped]).toEqual([6, 10]);
  expect([onlyLive.waiting, onlyLive.dropped]).toEqual([10, 0]);
});

test('a loop that ends lets the producers go on', async () => {
  const { loop, send } = setup({ maxWaiting: 1 });
  const wait = send(complete, 0, 6);
  expect(wait).toBeInstanceOf(Promise);
  await loop.return();
  expect(await wait).toBe(false);
  expect(send(complete, 6, 6)).toBe(false);
});

test('a signal ends a loop, after what waits', async () => {
  const abort = new AbortController();
  const { loop, send } = setup({ signal: abort.signal });
  send(live, 0, 2);
  const seen: number[] = [];
  const over = (async () => {
    for await (const { seq } of loop) seen.push(seq);
  })();
  await settled();
  abort.abort();
  await over;
  expect(seen).toEqual([0]);
});

test('a loop that is over leaves nothing at its signal', async () => {
  const { signal } = new AbortController();
  const { loop } = setup({ signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await loop.return();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a loop has the channels and series that it asks for', async () => {
  const { plant, send } = setup();
  const byName = plant.kit.readings({ series: 'live', channel: 'plant/7' });
  const byFunction = plant.kit.readings({ series: ({ mode }) => mode === 'complete' });
  const elsewhere = plant.kit.readings({ channel: (channel) => channel === 'plant/8' });
  send(live, 0, 1);
  send(complete, 0, 1);
  expect((await next(byName)).series.name).toBe('live');
  expect((await next(byFunction)).series.name).toBe('complete');
  expect([byName.waiting, byFunction.waiting, elsewhere.waiting]).toEqual([0, 0, 0]);
});

test('the bound of a loop is a whole number', () => {
  expect(() => setup({ maxWaiting: 0 })).toThrow(RangeError);
});
