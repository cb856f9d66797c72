import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { expectArenaMoves } from '../arena.ts';
import type { PageOptions } from '../drivers/page.ts';
import { eachBrowser } from '../each-browser.ts';
import { type RunningGateway, startGateway } from '../gateway.ts';
import { converse } from '../probe/conversation.ts';
import { expectPromptFallback } from '../prompt.ts';
import { forward } from './forwarder.ts';
import { type Network, openNetwork } from './network.ts';

const missing = inject('networkMissing');
let network: Network | undefined;
let gateway: RunningGateway | undefined;
/** The page's origin, inside the client's namespace. */
let origin = '';

beforeAll(async () => {
  if (missing !== undefined) return;
  network = await openNetwork();
  const { address } = network.gateway;
  // A namespace has all ports for itself.
  gateway = await startGateway({
    namespace: network.gateway,
    examples: true,
    options: {
      host: address,
      port: 4433,
      http: { host: address, port: 8080 },
      origins: ['http://localhost:8080'],
      advertise: { webtransport: `https://${address}:4433/wt` },
    },
  });
  // Browsers give WebTransport only to secure pages, and http://localhost is one: as a developer's page would be.
  await forward(network.client, '8080', `${address}:8080`);
  origin = 'http://localhost:8080';
});
afterAll(async () => {
  await gateway?.close();
  await network?.close();
});

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
