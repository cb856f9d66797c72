import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { PeerEnds } from '../peer.ts';

/** What the benches compare with is installed beside them, by the bench that needs it. */
const peers = createRequire(new URL('../../../../bench/peers/package.json', import.meta.url));

/** Of socket.io 4 what is used here. */
interface ServerSide {
  readonly volatile: { emit(type: string, payload: Uint8Array): void };
  readonly engine: { on(event: 'connection', listener: (transport: Connection) => void): void };
  attach(server: unknown, options: object): void;
}
interface Connection {
  readonly transport: { readonly writable: boolean };
}
interface ClientSide {
  on(type: string, listener: (payload: Buffer) => void): void;
}

/** Socket.IO over WebSocket alone: `volatile`, so that what finds the transport busy is dropped. */
export const socketIo: PeerEnds = {
  source: async (host) => {
    const { Server } = peers('socket.io') as { Server: new (options: object) => ServerSide };
    const http = createServer();
    const server = new Server({ transports: ['websocket'], perMessageDeflate: false });
    server.attach(http, { transports: ['websocket'], perMessageDeflate: false });
    const connections: Connection[] = [];
    server.engine.on('connection', (connection) => connections.push(connection));
    http.listen(0, host);
    await once(http, 'listening');
    return {
      place: { url: `http://${host}:${(http.address() as AddressInfo).port}` },
      send: (state) => server.volatile.emit('STATE', state),
      full: () => connections.some(({ transport }) => !transport.writable),
    };
  },
  sink: async ({ url }, taker) => {
    const { io } = peers('socket.io-client') as { io(url: string, options: object): ClientSide };
    const socket = io(url, { transports: ['websocket'], reconnection: false });
    socket.on('STATE', (state) => taker.state(state));
    await new Promise<void>((resolve, reject) => {
      socket.on('connect', () => resolve());
      socket.on('connect_error', (error) => reject(error));
    });
  },
};
