import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { CLOSE, type CloseName, SUBPROTOCOLS } from '@spillway/envelope';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Ending, TestAcceptor, type TestConnection, until } from '../compliance/acceptor.ts';
import { transportCompliance } from '../compliance/transport.ts';
import {
  type Arrival,
  RefusedError,
  type TransportClient,
  type TransportClientOptions,
} from '../compliance/transport-bench.ts';
import type { Acceptor } from '../core/contracts/transport.ts';
import { websocketTransports } from './websocket.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Serves `/ws` the way the gateway's HTTP server does; resolves with the port. */
async function serve(acceptor: Acceptor, closeTimeout?: number): Promise<{ server: Server; port: number }> {
  const transports = websocketTransports(acceptor, closeTimeout === undefined ? {} : { closeTimeout });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    transports.handleUpgrade(request, socket, head, request.socket.remoteAddress ?? '');
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function connect(port: number, options: TransportClientOptions = {}): Promise<TransportClient> {
  const { encoding = 'binary', origin, headers, query = '' } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws${query}`, SUBPROTOCOLS[encoding], {
    headers: { ...headers },
    ...(origin === undefined ? {} : { origin }),
    perMessageDeflate: false,
  });
  const arrivals: Arrival[] = [];
  let ending: Ending | undefined;
  socket.on('message', (data: Buffer, isBinary) => {
    expect(isBinary).toBe(encoding === 'binary');
    arrivals.push({ bytes: data, reliable: true, stream: 0 });
  });
  socket.on('close', (code, reason) => {
    ending = { code, reason: reason.toString() };
  });
  socket.on('error', () => {}); // 'close' follows
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_, response) => {
      void body(response).then((text) => {
        reject(new RefusedError(CLOSE[(JSON.parse(text) as { code: CloseName }).code]));
        socket.terminate();
      });
    });
  });
  return {
    arrivals,
    get ending() {
      return ending;
    },
    send(bytes) {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes, { binary: encoding === 'binary' });
    },
    sendDatagram() {},
    hold: () => socket.pause(),
    release: () => socket.resume(),
    close: (code, reason) => socket.close(code, reason),
    cut: () => socket.terminate(),
  };
}

async function body(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

const HANDSHAKE = [
  'GET /ws HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];

/** Sends raw handshake lines. */
async function handshake(port: number, protocols: string | undefined, lines = HANDSHAKE): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  const offer = protocols === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocols}`];
  socket.write(`${[...lines, ...offer].join('\r\n')}\r\n\r\n`);
  return socket;
}

/** The whole answer to a handshake that is refused. */
async function refusalOf(socket: Socket): Promise<{ status: number; type: string; body: string }> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  const [head = '', content = ''] = text.split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    type: /content-type: (.*)/i.exec(head)?.[1] ?? '',
    body: content,
  };
}

transportCompliance(
  'websocket',
  async (acceptor) => {
    const { server, port } = await serve(acceptor);
    return {
      connect: (options) => connect(port, options),
      async vanish() {
        const socket = await handshake(port, SUBPROTOCOLS.binary);
        socket.destroy();
      },
      async close() {
        server.close();
      },
    };
  },
  { lanes: 'one TCP connection', datagrams: 'TCP' },
);

test('answers a refusal with its HTTP status, code and reason', async () => {
  const acceptor = new TestAcceptor();
  acceptor.refusal = { code: CLOSE['server-full'], status: 503, reason: 'füll' };
  const { port } = await serve(acceptor);
  const answer = await refusalOf(await handshake(port, SUBPROTOCOLS.binary));
  expect(answer).toEqual({
    status: 503,
    type: 'application/json',
    body: '{"code":"server-full","message":"füll"}',
  });
});

test.each([
  ['offers none', undefined],
  ['offers others', 'graphql-ws, spillway.v2'],
])('a client that %s of the two subprotocols is told both and gives its place back', async (_, protocols) => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const { status, body } = await refusalOf(await handshake(port, protocols));
  expect(status).toBe(400);
  expect(JSON.parse(body)).toEqual({
    code: 'unsupported-version',
    message: 'Offer the WebSocket subprotocol spillway.v1 or spillway.v1.json',
  });
  expect(acceptor.connections).toEqual([]);
  expect(acceptor.settled).toBe(true);
  expect(acceptor.admitted.length).toBe(1);
});

test.each([
  ['spillway.v1.json, spillway.v1', SUBPROTOCOLS.json],
  ['other, spillway.v1, spillway.v1.json', SUBPROTOCOLS.binary],
])('of %s the client gets %s', async (offer, chosen) => {
  const { port } = await serve(new TestAcceptor());
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, offer.split(', '));
  await once(socket, 'open');
  expect(socket.protocol).toBe(chosen);
  expect(socket.extensions).toBe('');
  socket.terminate();
});

test('a handshake that is not WebSocket gives its place back', async () => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const lines = HANDSHAKE.filter((line) => !line.startsWith('Sec-WebSocket-Key'));
  const { status } = await refusalOf(await handshake(port, SUBPROTOCOLS.binary, lines));
  expect(status).toBe(400);
  expect(acceptor.admitted.length).toBe(1);
  expect(acceptor.abandoned).toEqual(acceptor.admitted);
});

test('a client that is gone when it is admitted gives its place back', () => {
  const acceptor = new TestAcceptor();
  const transports = websocketTransports(acceptor);
  const socket = new PassThrough();
  socket.destroy();
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': SUBPROTOCOLS.binary,
  };
  const request = { method: 'GET', url: '/ws', headers } as unknown as IncomingMessage;
  transports.handleUpgrade(request, socket, Buffer.alloc(0), '192.0.2.1');
  expect(acceptor.connections).toEqual([]);
  expect(acceptor.abandoned).toEqual([expect.objectContaining({ remoteAddress: '192.0.2.1', path: '/ws' })]);
});

test.each([
  ['a text frame on a binary session', SUBPROTOCOLS.binary, false],
  ['a binary frame on a text session', SUBPROTOCOLS.json, true],
])('%s breaks the framing', async (_, subprotocol, binary) => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, subprotocol);
  await once(socket, 'open');
  socket.send('{}', { binary });
  socket.send('{}', { binary: !binary });
  const [code] = await once(socket, 'close');
  expect(code).toBe(CLOSE['protocol-error']);
  await until(() => acceptor.settled, 'closed');
  expect(acceptor.connections[0]!.violations).toEqual(['bad-frame']);
  expect(acceptor.connections[0]!.received).toEqual([]);
});

test.each([
  ['an unmasked frame', [0x82, 0x01, 0x00]],
  ['a reserved bit', [0xc2, 0x81, 0, 0, 0, 0, 0x00]],
  ['text that is not UTF-8', [0x81, 0x81, 0, 0, 0, 0, 0xff]],
  ['a ping of more than 125 bytes', [0x89, 0xfe, 0, 126, 0, 0, 0, 0]],
])('%s breaks the framing, and the peer sees the code of our table', async (_, bytes) => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const socket = await handshake(port, SUBPROTOCOLS.json);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await until(() => acceptor.connections[0], 'accept');
  socket.write(Buffer.from(bytes));
  await until(() => acceptor.settled, 'closed');
  expect(acceptor.connections[0]!.violations).toEqual(['bad-frame']);
  const all = Buffer.concat(chunks);
  const close = all.subarray(all.indexOf('\r\n\r\n') + 4);
  expect([close[0], close.readUInt16BE(2)]).toEqual([0x88, CLOSE['protocol-error']]);
});

test.each([
  [1000, CLOSE.normal],
  [1001, CLOSE['going-away']],
  [1002, CLOSE['protocol-error']],
  [1003, CLOSE['protocol-error']],
  [1007, CLOSE['protocol-error']],
  [1009, CLOSE['message-too-large']],
  [1011, CLOSE.internal],
  [1012, CLOSE['transport-lost']],
  [undefined, CLOSE['transport-lost']],
  [3333, 3333],
  [CLOSE.forbidden, CLOSE.forbidden],
])('the peer closing with %s is %s, and its handshake is answered', async (given, expected) => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, SUBPROTOCOLS.binary);
  await once(socket, 'open');
  socket.close(given);
  const [code] = await once(socket, 'close');
  expect(code).toBe(given ?? 1005);
  await until(() => acceptor.settled, 'closed');
  expect(acceptor.connections[0]!.endings).toEqual([{ code: expected, reason: '' }]);
});

test('a peer that does not answer the closing handshake is cut off in time', async () => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor, 50);
  const socket = await handshake(port, SUBPROTOCOLS.binary);
  socket.resume();
  const connection = await until(() => acceptor.connections[0], 'accept');
  const begun = performance.now();
  connection.transport.close(CLOSE['idle-timeout'], 'silence');
  await until(() => acceptor.settled, 'closed');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(45);
  expect(connection.endings).toEqual([{ code: CLOSE['idle-timeout'], reason: 'silence' }]);
});

test('a peer that half-closes and reads nothing is cut off by close', async () => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const socket = await handshake(port, SUBPROTOCOLS.binary);
  const connection = await until(() => acceptor.connections[0], 'accept');
  await until(() => {
    connection.transport.write(new Uint8Array(256 * 1024), 0);
    return connection.transport.backlog > 1024 * 1024;
  }, 'a full socket');
  socket.end();
  await until(() => {
    const before = connection.transport.backlog;
    connection.transport.write(new Uint8Array(1), 0);
    return connection.transport.backlog === before; // nothing is written to a peer that is leaving
  }, 'the half-close');
  connection.transport.close(CLOSE['idle-timeout'], '');
  await until(() => acceptor.settled, 'closed');
  expect(connection.endings.map(({ code }) => code)).toEqual([CLOSE['idle-timeout']]);
  socket.destroy();
});

/** A session whose socket tells how often it was written to since the handshake. */
async function counted(): Promise<{
  connection: TestConnection;
  client: TransportClient;
  writes: () => number;
}> {
  const acceptor = new TestAcceptor();
  const { server, port } = await serve(acceptor);
  let spies: { mock: { calls: unknown[] } }[] = [];
  server.prependListener('upgrade', (_, stream) => {
    const socket = stream as unknown as Socket & Required<Pick<Socket, '_writev'>>;
    spies = [vi.spyOn(socket, '_write'), vi.spyOn(socket, '_writev')];
  });
  const client = await connect(port);
  const connection = await until(() => acceptor.connections[0], 'accept');
  const count = () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  const before = count();
  return { connection, client, writes: () => count() - before };
}

test('all that is written in one turn of the event loop leaves in one write, the next turn in another', async () => {
  const { connection, client, writes } = await counted();
  for (let turn = 1; turn <= 3; turn++) {
    for (let index = 0; index < 20; index++) connection.transport.write(new Uint8Array(100), index % 3);
    // What follows from a promise is still the same turn.
    await Promise.resolve();
    connection.transport.write(new Uint8Array(100), 0);
    expect(connection.transport.backlog).toBe(21 * 102);
    expect(writes()).toBe(turn - 1);
    await until(() => client.arrivals.length === turn * 21, 'the messages of a turn');
    expect(writes()).toBe(turn);
    expect(connection.transport.backlog).toBe(0);
  }
});

test('a turn that writes much does not hold it back', async () => {
  const { connection, client, writes } = await counted();
  for (let index = 1; index <= 10; index++) {
    connection.transport.write(new Uint8Array(16 * 1024), 0);
    expect([writes(), connection.transport.backlog]).toEqual([index, 0]);
  }
  for (let index = 0; index < 20; index++) connection.transport.write(new Uint8Array(500), 0);
  await until(() => client.arrivals.length === 30, 'all messages');
  expect(writes()).toBe(10 + 2);
});

test('close lets out what was written in its turn, together with the farewell', async () => {
  const { connection, client, writes } = await counted();
  for (let index = 0; index < 20; index++) connection.transport.write(new Uint8Array(100), 0);
  connection.transport.close(CLOSE.normal, 'bye');
  expect(writes()).toBe(1);
  await until(() => client.ending, 'the close');
  expect(client.arrivals.length).toBe(20);
  expect(client.ending).toEqual({ code: CLOSE.normal, reason: 'bye' });
});

test('messages that arrive in one segment with the handshake are not lost', async () => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  const lines = [...HANDSHAKE, `Sec-WebSocket-Protocol: ${SUBPROTOCOLS.binary}`, '', ''].join('\r\n');
  socket.write(Buffer.concat([Buffer.from(lines), Buffer.from([0x82, 0x82, 0, 0, 0, 0, 0x68, 0x69])]));
  await until(() => acceptor.connections[0]?.texts[0] === 'hi', 'the message');
  socket.destroy();
});
