import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { expectArenaMoves } from '../arena.ts';
import type { PageOptions } from '../drivers/page.ts';
import { eachBrowser } from '../each-browser.ts';
import { converse } from '../probe/conversation.ts';
import { expectPromptFallback } from '../prompt.ts';
import type { Network } from './network.ts';
import { openTwoHosts, type TwoHosts } from './two-hosts.ts';

const missing = inject('networkMissing');
let hosts: TwoHosts | undefined;
let network: Network | undefined;
/** The page's origin, inside the client's namespace. */
let origin = '';

beforeAll(async () => {
  if (missing !== undefined) return;
  hosts = await openTwoHosts();
  ({ network, origin } = hosts);
});
afterAll(() => hosts?.[Symbol.asyncDispose]());

eachBrowser(
  ({ open }) => {
    beforeEach((context) => context.skip(missing !== undefined, `no network namespaces (${missing})`));
    afterEach(() => network?.passUdp());
    const visit = { open: (path: string, options?: PageOptions) => open(origin + path, options) };

    test('from another host WebTransport works as long as UDP passes', async () => {
      const page = await open(`${origin}/probe`);
      expect(await page.evaluate(() => probe.connect(location.origin))).toMatchObject({
        rung: 'webtransport',
      });
      expect((await page.evaluate(converse)).reliable).toHaveLength(200);
    });

    test('UDP dropped: WebSocket within 500 ms and three round trips, reason udp-blocked', async () => {
      await network?.dropUdp();
      await expectPromptFallback(() => open(`${origin}/probe`));
      expect(await network?.dropped()).toBeGreaterThan(0);
    });

    test('UDP dropped: the arena moves over WebSocket and says why', async () => {
      await network?.dropUdp();
      await expectArenaMoves(visit, { rung: 'websocket', reason: 'udp-blocked' });
    });

    test('UDP passes again: the next visitor is on WebTransport', async () => {
      await network?.dropUdp();
      const blocked = await open(`${origin}/probe`);
      expect(await blocked.evaluate(() => probe.connect(location.origin))).toMatchObject({
        rung: 'websocket',
      });
      await network?.passUdp();
      const page = await open(`${origin}/probe`);
      expect(await page.evaluate(() => probe.connect(location.origin))).toMatchObject({
        rung: 'webtransport',
      });
    });
  },
  () => network?.client,
);
