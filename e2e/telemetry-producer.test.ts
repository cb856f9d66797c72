import { fileURLToPath } from 'node:url';
import { createGateway, type FileAnswer, type Gateway } from '@spillway/gateway';
import { type Telemetry, telemetry } from '@spillway/gateway/telemetry';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachBrowser } from './each-browser.ts';
import type {} from './telemetry-producer-page.ts';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>producer</title>
<link rel="icon" href="data:,">
<script type="module" src="/producer.js"></script>
</html>
`;

let gateway: Gateway;
let plant: Telemetry;
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('telemetry-producer-page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const files: ReadonlyMap<string, FileAnswer> = new Map([
    ['/producer', { body: PAGE, type: 'text/html; charset=utf-8' }],
    ['/producer.js', { body: outputFiles[0]!.contents, type: 'text/javascript; charset=utf-8' }],
  ]);
  gateway = createGateway({ port: 0, http: { port: 0 }, logger: false, files: (path) => files.get(path) });
  plant = telemetry(gateway, 'plant/:site');
  await gateway.listen();
});
afterAll(() => gateway?.close());

eachBrowser(({ open }) => {
  test.each(['webtransport', 'websocket'] as const)('a page is a producer over %s', async (transport) => {
    const stop = new AbortController();
    /** By series, the values that came. */
    const came = new Map<string, number[]>();
    const ages: number[] = [];
    const reading = (async () => {
      for await (const { series, times, values } of plant.readings({ signal: stop.signal })) {
        came.set(series.name, [...(came.get(series.name) ?? []), ...values]);
        ages.push(Date.now() - times.at(-1)!);
      }
    })();
    const before = plant.stats();
    const page = await open(`${gateway.address().http}/producer`);
    await page.until(() => 'recordReadings' in globalThis, []);
    const recorded = await page.evaluate((rung) => recordReadings(rung, 2_000), transport);

    expect(recorded.transport).toBe(transport);
    const { stats } = recorded;
    expect(stats.dropped).toEqual({ invalid: 0, offline: 0, overflow: 0, refused: 0 });
    expect(stats.confirmed).toBe(stats.recorded / 51);
    await expect.poll(() => came.get('complete')?.length).toBe(stats.confirmed);
    expect(came.get('complete')).toEqual(Array.from({ length: stats.confirmed }, (_, index) => index));
    // What the network lost is known to the last reading.
    const counted = (): number => {
      const { readings, missing } = plant.stats();
      return readings - before.readings + missing - before.missing;
    };
    await expect.poll(counted).toBe(stats.recorded);
    expect(plant.stats().missing - before.missing).toBeLessThan(stats.recorded / 10);
    // Both clocks are this machine's: the times are those of the gateway, and nothing comes before it was recorded.
    expect(Math.abs(recorded.ahead)).toBeLessThan(100);
    expect(Math.min(...ages)).toBeGreaterThan(-100);
    expect(page.errors).toEqual([]);
    stop.abort();
    await reading;
  });
});
