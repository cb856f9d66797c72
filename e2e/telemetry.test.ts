import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStanding } from './arena.ts';
import { eachBrowser } from './each-browser.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import { NO_API } from './probe/spy.ts';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway({ examples: true });
});
afterAll(() => gateway?.close());

eachBrowser(({ open }) => {
  test.each([
    { how: 'over WebTransport', standing: { rung: 'webtransport' }, query: '', init: '' },
    {
      how: 'over WebSocket',
      standing: { rung: 'websocket', reason: 'disabled' },
      query: '?transport=websocket',
      init: '',
    },
    {
      how: 'without WebTransport',
      standing: { rung: 'websocket', reason: 'no-api' },
      query: '',
      init: NO_API,
    },
  ] as const)('telemetry is live $how', async ({ standing, query, init }) => {
    const page = await open(`${gateway.addresses.http}/telemetry/${query}`, { init });
    await expectStanding(page, standing);

    const rows = (): string[] =>
      [...document.querySelectorAll<HTMLElement>('#sensors tbody tr')].map((row) => row.innerText);
    const charts = (): string[] =>
      [...document.querySelectorAll<HTMLCanvasElement>('.chart canvas')].map((canvas) => canvas.toDataURL());
    await expect.poll(() => page.evaluate(rows)).toHaveLength(50);
    await expect.poll(async () => (await page.evaluate(rows)).filter((row) => row.includes('–'))).toEqual([]);
    const before = await page.evaluate(rows);
    const changed = async (): Promise<number> =>
      (await page.evaluate(rows)).filter((row, index) => row !== before[index]).length;
    await expect.poll(changed).toBeGreaterThan(40);

    const drawn = await page.evaluate(charts);
    expect(drawn).toHaveLength(2);
    for (const index of [0, 1]) {
      await expect.poll(async () => (await page.evaluate(charts))[index]).not.toBe(drawn[index]);
    }
    // Alarms are reliable events; the plant has one every 10 to 20 seconds.
    await page.until(() => document.querySelectorAll('#alarms li').length > 0, [], 25_000);
    expect(page.errors).toEqual([]);
  });
});
