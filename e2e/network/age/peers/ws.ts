import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import type { PeerEnds } from '../peer.ts';

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
    };
  },
  sink: async ({ url }, onState) => {
    const socket = new WebSocket(url);
    socket.on('message', (data: Buffer) => onState(data));
    await once(socket, 'open');
  },
};
