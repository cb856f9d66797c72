import { connect, type Session } from '@spillway/client';
import { telemetry as produce, watchReadings, watchRollups } from '@spillway/client/telemetry';
import {
  type Catalogue,
  completeChannel,
  READINGS,
  ROLLUP,
  RollupReader,
  rollupChannel,
  SERIES,
  seriesChannel,
} from '@spillway/envelope/telemetry';
import { afterEach, expect, test, vi } from 'vitest';
import { createGateway } from '../gateway.ts';
import type { TelemetryOptions } from './options.ts';
import { telemetry } from './telemetry.ts';
import { definition, packet } from './test-plant.ts';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function setup(options: TelemetryOptions = {}) {
  const gateway = createGateway({ http: { port: 0 }, engine: 'none', port: 0, logger: false });
  open.push(gateway);
  const kit = telemetry(gateway, 'plant/:site', { windows: [50], settle: 0, lateness: 60_000, ...options });
  open.push(kit);
  const { http } = await gateway.listen();
  const client = async (): Promise<Session> => {
    const session = await connect(http!, { transports: ['websocket'] });
    open.push(session);
    return session;
  };
  return { kit, client };
}

const pressure = definition(0, 'pressure');
const batch = definition(1, 'batch', { mode: 'complete' });

test('readings of a client become roll-ups at another', async () => {
  const { client } = await setup();
  const [producer, dashboard] = [await client(), await client()];
  const heard = new Map<number, number>();
  const reader = new RollupReader();
  const rollups = dashboard.channel<{ ROLLUP: Uint8Array }>(rollupChannel('plant/7', 50));
  rollups.on(ROLLUP, (bytes) => {
    reader.open(bytes);
    while (reader.next()) heard.set(reader.start, reader.count);
  });
  await rollups.subscribe();
  await dashboard.channel(seriesChannel('plant/7')).subscribe();
  const now = Date.now();
  const readings = Array.from({ length: 40 }, (_, index) => [now - index * 10, index] as const);
  producer
    .channel('plant/7')
    .publish(READINGS, packet([pressure], [{ of: pressure, seq: 0, readings }]), { delivery: 'unreliable' });
  await vi.waitFor(() => expect([...heard.values()].reduce((sum, count) => sum + count, 0)).toBe(40));
  const catalogue = await dashboard.request<unknown, Catalogue>(SERIES, { channel: 'plant/7' });
  expect(catalogue.series).toMatchObject([{ id: 0, name: 'pressure', unit: 'bar', producer: 1, series: 0 }]);
});

test('what the client kit records comes to its watches, of roll-ups and of raw readings', async () => {
  const { kit, client } = await setup({ raw: true });
  const producer = produce(await client(), { channel: 'plant/7', liveDelay: 10, batchDelay: 10 });
  const dashboard = await client();
  const watch = await watchRollups(dashboard, { channel: 'plant/7', window: 50 });
  open.push(watch);
  const values: number[] = [];
  const raw = await watchReadings(dashboard, {
    channel: 'plant/7',
    readings: (block) => values.push(...block.values.subarray(block.from, block.to)),
  });
  open.push(raw);
  const live = producer.series('live', { unit: 'bar', decimals: 1 });
  const complete = producer.series('complete', { mode: 'complete' });
  const now = Date.now();
  for (let index = 0; index < 500; index++) {
    live.record(index / 10, now - 1_000 + index);
    complete.record(Math.sqrt(index), now - 1_000 + index);
  }
  await producer.flush();
  await vi.waitFor(() => {
    const received = [...watch.series.values()].map(({ info, received }) => [info.name, received]).sort();
    expect(received).toEqual([
      ['complete', 500],
      ['live', 500],
    ]);
    expect(values).toHaveLength(1_000);
  });
  expect(values.filter((value) => value === 12.3)).toHaveLength(1);
  expect(kit.stats()).toMatchObject({ readings: 1_000, missing: 0, malformed: 0, late: 0, ahead: 0 });
  await producer.close();
});

test('a slow loop holds back the receipts of complete batches, and nothing live', async () => {
  const { kit, client } = await setup();
  const producer = await client();
  const loop = kit.readings({ maxWaiting: 100 });
  const now = Date.now();
  const readings = Array.from({ length: 60 }, (_, index) => [now + index, index] as const);
  let receipts = 0;
  for (let seq = 0; seq < 300; seq += 60) {
    void producer
      .channel(completeChannel('plant/7'))
      .publish(READINGS, packet([batch], [{ of: batch, seq, readings }]), { receipt: 'processed' })
      .then((outcome) => {
        expect(outcome).toBe('processed');
        receipts++;
      });
  }
  const live = producer.channel('plant/7');
  live.publish(READINGS, packet([pressure], [{ of: pressure, seq: 0, readings }]), {
    delivery: 'unreliable',
  });
  // The second batch is the one too many: it is in, and its receipt and all behind it wait.
  await vi.waitFor(() => expect(kit.stats()).toMatchObject({ readings: 180, waiting: 120, dropped: 60 }));
  expect(receipts).toBe(1);
  const seen: number[] = [];
  while (seen.length < 5) seen.push((await loop.next()).value!.seq);
  expect(seen).toEqual([0, 60, 120, 180, 240]);
  await vi.waitFor(() => expect(receipts).toBe(5));
});

test('what is no packet is an error of the client, and its session goes on', async () => {
  const { kit, client } = await setup();
  const producer = await client();
  const published = producer.channel('plant/7').publish(READINGS, Uint8Array.of(0x11, 1), { receipt: true });
  await expect(published).rejects.toMatchObject({ code: 'bad-packet' });
  await expect(producer.channel('plant/7/50').publish(ROLLUP, {}, { receipt: true })).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(producer.request(SERIES, { channel: 'plant/7' })).rejects.toMatchObject({ code: 'forbidden' });
  expect(kit.stats().malformed).toBe(1);
  expect(producer.state).toBe('open');
});
