import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach } from 'vitest';
import { transportCompliance } from '../compliance/transport.ts';
import { connectSse, serveStreams, type TestServer } from '../http/test-clients.ts';

const servers: TestServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

transportCompliance(
  'sse',
  async (acceptor) => {
    const server = await serveStreams(acceptor, { closeTimeout: 300 });
    const { port } = server;
    return {
      connect: (options) => connectSse(port, options),
      async vanish() {
        const socket = connectTcp(port, '127.0.0.1');
        await once(socket, 'connect');
        socket.write(
          'POST /sse HTTP/1.1\r\nhost: x\r\nspillway-protocol: spillway.v1\r\ncontent-length: 9\r\n\r\n1',
        );
        socket.destroy();
      },
      close: async () => server.close(),
    };
  },
  { lanes: 'one event stream', datagrams: 'TCP' },
);
