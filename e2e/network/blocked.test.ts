import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
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
  },
  () => network?.client,
);
