import { Network } from './conditions.ts';
import { slowFetch } from './fetch.ts';
import type { World } from './line.ts';
import { slowWebSocket } from './web-socket.ts';
import { slowWebTransport } from './web-transport.ts';

/**
 * Puts a simulated network between this page and its real transports: from now on WebTransport, WebSocket and fetch go
 * through it. As it starts it changes nothing. Before the first connection.
 */
export function installNetwork(): Network {
  const network = new Network(Math.random);
  const world: World = {
    network,
    after: (run, ms) => void setTimeout(run, ms),
    now: () => performance.now(),
  };
  const page = globalThis as Partial<Pick<typeof globalThis, 'WebSocket' | 'WebTransport'>>;
  if (page.WebSocket) page.WebSocket = slowWebSocket(page.WebSocket, world);
  if (page.WebTransport) page.WebTransport = slowWebTransport(page.WebTransport, world);
  globalThis.fetch = slowFetch(globalThis.fetch.bind(globalThis), world);
  return network;
}
