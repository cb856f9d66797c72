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
    // All 500 sensors are rolled up ten times a second, and the page keeps up: what it shows is of the last second.
    const first = await page.evaluate(rollups);
    const frames = await page.evaluate(framesIn, 2_000);
    expect((await page.evaluate(rollups)) - first).toBeGreaterThan(2_000);
    expect(frames).toBeGreaterThan(20);

    // Alarms are reliable events; the plant has one every 10 to 20 seconds.
    await page.until(() => document.querySelectorAll('#alarms li').length > 0, [], 25_000);
    expect(page.errors).toEqual([]);
  });

  test('readings that are lost on the way are shown as missing, where and how many', async () => {
    const page = await open(`${gateway.addresses.http}/telemetry/`);
    await expect.poll(() => page.evaluate(rollups)).toBeGreaterThan(5_000);
    await page.evaluate(() => document.querySelector<HTMLElement>('#lose')!.click());
    const missing = (): number => Number(document.querySelector<HTMLElement>('#missing')!.dataset.missing);
    await expect.poll(() => page.evaluate(missing)).toBeGreaterThan(1_000);
    const marked = (): number =>
      [...document.querySelectorAll<HTMLElement>('#sensors .gone')].filter(({ hidden }) => !hidden).length;
    await expect.poll(() => page.evaluate(marked)).toBeGreaterThanOrEqual(40);
    expect(page.errors).toEqual([]);
  });
});

/** Runs in the page: roll-ups that came so far. */
function rollups(): number {
  const { telemetry } = window.spillway;
  return (telemetry as { stats(): { rollups: number } | undefined }).stats()?.rollups ?? 0;
}

/** Runs in the page: frames drawn in so many ms. */
function framesIn(duration: number): Promise<number> {
  return new Promise((resolve) => {
    const end = performance.now() + duration;
    let frames = 0;
    function frame(): void {
      frames += 1;
      if (performance.now() < end) requestAnimationFrame(frame);
      else resolve(frames);
    }
    requestAnimationFrame(frame);
  });
}
