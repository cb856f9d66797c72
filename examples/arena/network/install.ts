import { Network } from './conditions.ts';
import { slowWebSocket } from './web-socket.ts';
import { slowWebTransport } from './web-transport.ts';

/**
 * Puts a simulated network between this page and its real transports: from now on WebTransport and WebSocket go through
 * it. As it starts it changes nothing. Before the first connection.
 */
export function installNetwork(): Network {
  const network = new Network(Math.random);
  const after = (run: () => void, ms: number): void => void setTimeout(run, ms);
  const now = (): number => performance.now();
  const page = globalThis as Partial<Pick<typeof globalThis, 'WebSocket' | 'WebTransport'>>;
  if (page.WebSocket) page.WebSocket = slowWebSocket(page.WebSocket, network, after, now);
  if (page.WebTransport) page.WebTransport = slowWebTransport(page.WebTransport, network, after, now);
  return network;
}
