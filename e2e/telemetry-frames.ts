/**
 * How smoothly the telemetry page runs: time from frame to frame in Chromium over ten seconds, with 500 series at 200 Hz
 * rolled up ten times a second. `npx node e2e/telemetry-frames.ts [--seconds 10]`
 */
import { parseArgs } from 'node:util';
import { CACHE, findBrowsers, thisMachine } from './browsers.ts';
import { launchChromium } from './drivers/chromium.ts';
import { startGateway } from './gateway.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' } } });
const { chromium } = await findBrowsers(thisMachine(CACHE, (line) => console.error(line)));
if (!chromium) throw new Error('Chromium not found');

await using gateway = await startGateway({ examples: true });
const browser = await launchChromium({ path: chromium.path });
try {
  const page = await browser.newPage();
  await page.open(`${gateway.addresses.http}/telemetry/`);
  await page.until(() => document.querySelectorAll('#sensors tbody tr').length === 50, []);
  // The charts are full, and drawn as they are in the long run.
  await page.until(
    () =>
      ((window.spillway.telemetry as { stats(): { rollups: number } | undefined }).stats()?.rollups ?? 0) >
      150_000,
    [],
    60_000,
  );
  const times = await page.evaluate(frameTimes, Number(values.seconds) * 1000);
  const at = (share: number): string =>
    `${times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1)} ms`;
  const total = times.reduce((sum, time) => sum + time, 0);
  console.log(`Chromium ${browser.version}, ${times.length} frames in ${(total / 1000).toFixed(1)} s`);
  console.log(`${((1000 * times.length) / total).toFixed(1)} frames a second; from frame to frame`);
  console.log(`p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, longest ${at(1)}`);
} finally {
  await browser.close();
}

/** Runs in the page: ms between frames, in rising order. */
function frameTimes(duration: number): Promise<number[]> {
  return new Promise((resolve) => {
    const times: number[] = [];
    const end = performance.now() + duration;
    let last = performance.now();
    function frame(): void {
      const now = performance.now();
      times.push(now - last);
      last = now;
      if (now < end) requestAnimationFrame(frame);
      else resolve(times.sort((one, other) => one - other));
    }
    requestAnimationFrame(frame);
  });
}
