import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import type { PeerEnds } from '../peer.ts';

/** Unsent bytes above which a fast sender waits. */
const ENOUGH = 64 * 1024;

/** Plain `ws`: every state is written at once. */
export const ws: PeerEnds = {
  source: async (host) => {
    const server = new WebSocketServer({ host, port: 8080 });
    await once(server, 'listening');
    return {
      place: { url: `ws://${host}:8080` },
      send: (state) => {
        for (const client of server.clients) client.send(state);
      },
      full: () => [...server.clients].some((client) => client.bufferedAmount > ENOUGH),
    };
  },
  sink: async ({ url }, taker) => {
    const socket = new WebSocket(url);
    socket.on('message', (data: Buffer) => taker.state(data));
    await once(socket, 'open');
  },
};
