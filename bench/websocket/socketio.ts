// Socket.IO: WebSocket only, no compression. Text, which is its cheapest form: binary takes two frames.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from '../harness/bursts.ts';
import { requirePeer } from '../harness/peers.ts';
import { stampedText } from '../harness/stamp.ts';
import { GREETING, mode } from './mode.ts';

/** The part of Socket.IO that is used here. */
interface SocketIoSocket {
  emit(type: string, text: string): void;
  on(type: string, listener: (text: string) => void): void;
}
interface SocketIo {
  readonly Server: new (
    server: object,
    options: object,
  ) => {
    emit(type: string, text: string): void;
    on(type: 'connection', listener: (socket: SocketIoSocket) => void): void;
  };
}

const { Server } = requirePeer<SocketIo>('socket.io');
const server = createServer();
const io = new Server(server, {
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
if (mode === 'echo') {
  io.on('connection', (socket) => socket.on('STATE', (text) => socket.emit('STATE', text)));
}
if (mode === 'greet') io.on('connection', (socket) => socket.emit('STATE', GREETING));
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
  start: bursts.start,
  stop: bursts.stop,
});
