// `ws`: a loop over the clients, as its documentation has it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from '../harness/bursts.ts';
import { stamped } from '../harness/stamp.ts';
import { GREETING, mode } from './mode.ts';

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
if (mode === 'echo') {
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
}
if (mode === 'greet') sockets.on('connection', (socket) => socket.send(GREETING));

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
  start: bursts.start,
  stop: bursts.stop,
});
