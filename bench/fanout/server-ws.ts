// `ws`: a loop over the clients, as its documentation has it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from './bursts.ts';
import { stamped } from './stamp.ts';

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
const bursts = new Bursts((size) => {
  const message = stamped(size);
  for (const client of sockets.clients) if (client.readyState === WebSocket.OPEN) client.send(message);
});

answerAsks({
  listen: () =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () =>
        resolve(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`),
      );
    }),
  start: (load: Parameters<Bursts['start']>[0]) => bursts.start(load),
  stop: () => bursts.stop(),
});
