// Socket.IO: WebSocket only, no compression, no buffering for clients that are away. Text, its cheapest form.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerAsks } from '../harness/answers.ts';
import { requirePeer } from '../harness/peers.ts';
import { Bursts } from './bursts.ts';
import { stampedText } from './stamp.ts';

/** The part of Socket.IO that is used here. */
interface SocketIo {
  readonly Server: new (server: object, options: object) => { emit(type: string, text: string): void };
}

const { Server } = requirePeer<SocketIo>('socket.io');
const server = createServer();
const io = new Server(server, {
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
const bursts = new Bursts((size) => io.emit('STATE', stampedText(size)));

answerAsks({
  listen: () =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () =>
        resolve(
          `ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket.io/?EIO=4&transport=websocket`,
        ),
      );
    }),
  start: (load: Parameters<Bursts['start']>[0]) => bursts.start(load),
  stop: () => bursts.stop(),
});
