import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { CLOSE } from '@spillway/envelope';
import { afterEach, expect, test } from 'vitest';
import { TestAcceptor, until } from '../compliance/acceptor.ts';
import { transportCompliance } from '../compliance/transport.ts';
import {
  begin,
  call,
  connectSse,
  type Exchange,
  serveStreams,
  type TestServer,
} from '../http/test-clients.ts';
import type { StreamOptions } from './stream-options.ts';

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

interface Bench {
  readonly port: number;
  readonly acceptor: TestAcceptor;
  open(exchange?: Partial<Exchange>): Promise<{ response: IncomingMessage; text(): string; id: string }>;
}

async function bench(options: StreamOptions = {}): Promise<Bench> {
  const acceptor = new TestAcceptor();
  const server = await serveStreams(acceptor, options);
  servers.push(server);
  const { port } = server;
  return {
    port,
    acceptor,
    async open(exchange = {}) {
      const headers = { 'spillway-protocol': 'spillway.v1.json' };
      const response = await begin(port, { method: 'GET', path: '/sse', headers, ...exchange });
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', () => {});
      return { response, text: () => text, id: response.headers['spillway-connection'] as string };
    },
  };
}

test('an answer says that nobody may hold it back, and begins with padding', async () => {
  const { open } = await bench();
  const { response, text } = await open();
  expect(response.statusCode).toBe(200);
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'access-control-allow-origin': '*',
  });
  await until(() => text().length > 2_000, 'the padding');
  expect(text()).toMatch(/^: {2048}\n\n$/);
});

test('HELLO may come with the request that opens: one round trip to WELCOME', async () => {
  const { acceptor, open } = await bench();
  const accept = acceptor.accept.bind(acceptor);
  acceptor.accept = (admission, transport) => {
    const receiver = accept(admission, transport);
    const { receive } = receiver;
    receiver.receive = (bytes, reliable) => {
      receive.call(receiver, bytes, reliable);
      transport.write(Buffer.from('{"kind":"welcome"}'), 0);
    };
    return receiver;
  };
  const { text, id } = await open({ method: 'POST', body: Buffer.from('{"kind":"hello"}\n') });
  await until(() => text().endsWith('data: {"kind":"welcome"}\n\n'), 'WELCOME');
  expect(acceptor.connections[0]!.texts).toEqual(['{"kind":"hello"}']);
  expect(id).toMatch(/^[\w-]{32}$/);
});

test('what is written in one turn leaves in one write', async () => {
  const { acceptor, open } = await bench();
  const { response, text } = await open();
  await until(() => text().length > 2_000, 'the padding');
  let chunks = 0;
  response.on('data', () => chunks++);
  const { transport } = acceptor.connections[0]!;
  for (let index = 0; index < 20; index++) transport.write(Buffer.from(`[${index}]`), index);
  expect(transport.backlog).toBeGreaterThan(20 * 11);
  await until(() => text().endsWith('data: [19]\n\n'), 'all');
  expect(chunks).toBe(1);
  expect(text()).toContain('data: [0]\n\ndata: [1]\n\n');
});

test('text with line ends inside stays one event of one line', async () => {
  const { acceptor, open } = await bench();
  const { text } = await open();
  acceptor.connections[0]!.transport.write(Buffer.from('{\r\n"a":\n1}'), 0);
  await until(() => text().endsWith('data: {  "a": 1}\n\n'), 'the event');
});

test('a stream with nothing to say sends comments, so that no proxy takes it for dead', async () => {
  const { open } = await bench({ heartbeat: 20 });
  const { text } = await open();
  await until(() => text().endsWith('\n\n:\n\n:\n\n:\n\n'), 'three comments');
});

test('the end is an event with code and reason, then the stream ends', async () => {
  const { acceptor, open } = await bench();
  const { response, text } = await open();
  const ended = once(response, 'end');
  acceptor.connections[0]!.transport.close(CLOSE.forbidden, 'nicht für dich\n'.repeat(30));
  await ended;
  const close = JSON.parse(/event: close\ndata: (.*)\n\n$/.exec(text())![1]!);
  expect(close).toMatchObject({ code: 'forbidden', close: 4004 });
  expect(Buffer.byteLength(close.message)).toBeLessThanOrEqual(123);
});

test('a stream that breaks is lost, and its POSTs hear that', async () => {
  const { port, acceptor, open } = await bench();
  const { response, id } = await open();
  response.destroy();
  await until(() => acceptor.settled, 'closed');
  expect(acceptor.connections[0]!.endings).toEqual([{ code: CLOSE['transport-lost'], reason: '' }]);
  const headers = { 'spillway-connection': id, 'spillway-number': 1 };
  const reply = await call(port, { method: 'POST', path: '/send', headers, body: Buffer.from('{}') });
  expect([reply.status, reply.json.code]).toEqual([410, 'transport-lost']);
  expect(acceptor.connections[0]!.received).toEqual([]);
});

test('a farewell ends the stream', async () => {
  const { port, acceptor, open } = await bench();
  const { response, id } = await open();
  const ended = once(response, 'end');
  const headers = { 'spillway-connection': id, 'spillway-number': 1, 'spillway-close': '4000' };
  await call(port, { method: 'POST', path: '/send', headers });
  await ended;
  expect(acceptor.connections[0]!.endings).toEqual([{ code: 4000, reason: '' }]);
});

test('a page that goes has its stream cut first, and its farewell counts all the same', async () => {
  const { port, acceptor, open } = await bench();
  const { response, id } = await open();
  response.destroy();
  await new Promise((resolve) => response.socket.once('close', resolve));
  const headers = { 'spillway-connection': id, 'spillway-number': 1, 'spillway-close': '4000' };
  expect((await call(port, { method: 'POST', path: '/send', headers })).status).toBe(204);
  await until(() => acceptor.settled, 'the end');
  expect(acceptor.connections[0]!.endings).toEqual([{ code: 4000, reason: '' }]);
});

test.each([
  ['is gone before', async (socket: Socket) => void socket.destroy(), {}],
  ['does not send it', async (socket: Socket) => void (await once(socket, 'close')), { bodyTimeout: 20 }],
])('a client that announces HELLO and %s gives its place back', async (_, leave, options) => {
  const { port, acceptor } = await bench(options);
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.write(
    'POST /sse HTTP/1.1\r\nhost: x\r\nspillway-protocol: spillway.v1\r\ncontent-length: 9\r\n\r\n1',
  );
  await until(() => acceptor.admitted.length === 1, 'admission');
  await leave(socket);
  await until(() => acceptor.settled, 'the place');
  expect(acceptor.abandoned).toEqual(acceptor.admitted);
});

test('streams asked for behind one another on one socket begin when they can, and none is forgotten', async () => {
  const { port, acceptor } = await bench();
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.write('GET /sse HTTP/1.1\r\nhost: x\r\nspillway-protocol: spillway.v1\r\n\r\n'.repeat(3));
  await until(() => acceptor.connections[0], 'the first');
  acceptor.connections[0]!.transport.close(CLOSE.normal, '');
  await until(() => acceptor.connections[1], 'the second');
  expect(acceptor.admitted.length).toBe(2);
  socket.destroy();
  await until(() => acceptor.settled, 'the end of all');
  expect(acceptor.admitted.length).toBe(2);
});
