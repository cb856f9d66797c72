import { connect } from '@spillway/client';
import { telemetry, watchReadings } from '@spillway/client/telemetry';
import { createGateway, type Gateway } from '@spillway/gateway';
import { telemetry as takeReadings } from '@spillway/gateway/telemetry';
import { afterEach, expect, test } from 'vitest';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of undo.splice(0).reverse()) await end();
});

/** Values of the `complete` series that back-ends were given, one gateway after the other. */
const stored: number[] = [];

/** A gateway that takes readings in, on a port that the next one can have. */
async function start(port = 0): Promise<{ gateway: Gateway; port: number }> {
  const gateway = createGateway({ port: 0, http: { port }, engine: 'none', logger: false });
  const readings = takeReadings(gateway, 'plant/:site', { raw: true }).readings({ series: 'complete' });
  void (async () => {
    for await (const { values } of readings) stored.push(...values);
  })();
  await gateway.listen();
  undo.push(() => gateway.close());
  return { gateway, port: Number(new URL(gateway.address().http!).port) };
}

test('what is recorded while the gateway is gone is taken in by the next one, each reading once, none missing', async () => {
  const first = await start();
  const url = `http://127.0.0.1:${first.port}`;
  const reconnect = { minDelay: 50, maxDelay: 200 };
  const [plant, screen] = await Promise.all([connect(url, { reconnect }), connect(url, { reconnect })]);
  undo.push(
    () => plant.close(),
    () => screen.close(),
  );

  const producer = telemetry(plant, { channel: 'plant/7', batchDelay: 20 });
  const complete = producer.series('complete', { mode: 'complete', decimals: 0 });
  const live = producer.series('live', { decimals: 0 });
  undo.push(() => producer.close());
  const seen: number[] = [];
  const watch = await watchReadings(screen, {
    channel: 'plant/7',
    readings({ series, values, from, to }) {
      if (series.info.name === 'live') seen.push(...values.subarray(from, to));
    },
  });

  let next = 0;
  const record = (count: number): void => {
    for (const end = next + count; next < end; next++) {
      complete.record(next);
      live.record(next);
    }
  };
  record(1_000);
  await expect.poll(() => seen.length).toBe(1_000);
  await expect.poll(() => producer.stats().confirmed).toBe(1_000);

  await first.gateway.close();
  await expect.poll(() => plant.state).toBe('reconnecting');
  record(5_000);
  expect(producer.stats().stored.readings).toBe(5_000);
  await start(first.port);
  await expect.poll(() => plant.state).toBe('open');
  await expect.poll(() => screen.state).toBe('open');
  record(1_000);
  await producer.flush();
  await expect.poll(() => stored.length).toBe(7_000);
  expect(stored).toEqual(Array.from({ length: 7_000 }, (_, index) => index));
  expect(producer.stats()).toMatchObject({ confirmed: 7_000, stored: { readings: 0 } });

  // Of the live one the newest still waited for their datagram; how many were dropped is what is missing, or was sent
  // before the screen was back.
  const { offline } = producer.stats().dropped;
  expect(offline).toBeGreaterThan(4_000);
  const { gaps } = [...watch.series()].find(({ info }) => info.name === 'live')!;
  await expect.poll(() => gaps.next).toBe(7_000);
  expect(gaps.missing).toBeGreaterThanOrEqual(offline);
  expect(seen.length).toBe(7_000 - gaps.missing);
  expect(new Set(seen).size).toBe(seen.length);
});
