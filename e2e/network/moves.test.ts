import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { expectPictureMoves, expectStanding, expectSteering, joinArena } from '../arena.ts';
import type { Page } from '../drivers/page.ts';
import { eachBrowser } from '../each-browser.ts';
import type { Network } from './network.ts';
import { openTwoHosts, type TwoHosts } from './two-hosts.ts';

const missing = inject('networkMissing');
/** Where the pictures of each step go. */
const pictures = fileURLToPath(new URL('../../.cache/e2e/moves/', import.meta.url));
/** The client notices after a second of silence, and gives up three seconds later. */
const NOTICES = 15_000;
let hosts: TwoHosts | undefined;
let network: Network | undefined;
let origin = '';

beforeAll(async () => {
  await mkdir(pictures, { recursive: true });
  if (missing !== undefined) return;
  hosts = await openTwoHosts();
  ({ network, origin } = hosts);
});
afterAll(() => hosts?.[Symbol.asyncDispose]());

const isOn = (rung: string): boolean =>
  document.body.dataset.state === 'open' && document.body.dataset.rung === rung;
const sessionOf = (page: Page): Promise<string> => page.evaluate(() => window.spillway.session!.id);

eachBrowser(
  ({ browser, open }) => {
    beforeEach((context) => context.skip(missing !== undefined, `no network namespaces (${missing})`));
    afterEach(() => network?.passUdp());

    test('UDP dies in the middle of the game and comes back: the same session goes to WebSocket and up again', async () => {
      const visit = { open: (path: string, options?: { init?: string }) => open(origin + path, options) };
      const { page, pilot } = await joinArena(visit, { rung: 'webtransport' });
      const shoot = (step: string) => page.screenshot(`${pictures}${browser}-${step}.png`);
      const session = await sessionOf(page);
      await expectSteering(page, pilot, [page]);
      await shoot('1-webtransport');

      await network?.dropUdp();
      await page.until(isOn, ['websocket'], NOTICES);
      await expectStanding(page, { rung: 'websocket', reason: 'stalled' });
      expect(await sessionOf(page)).toBe(session);
      await expectSteering(page, pilot, [page]);
      await expectPictureMoves(page);
      await shoot('2-udp-dropped');

      await network?.passUdp();
      // As a browser says it when the machine has joined another network.
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await page.until(isOn, ['webtransport'], NOTICES);
      await expectStanding(page, { rung: 'webtransport' });
      expect(await sessionOf(page)).toBe(session);
      await expectSteering(page, pilot, [page]);
      await shoot('3-udp-back');
      expect(page.errors).toEqual([]);
      expect(await page.evaluate(() => window.spillway.session!.stats().resumes)).toBe(2);
    });
  },
  () => network?.client,
);
