import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { CLOSE } from '@spillway/envelope';
import { afterEach, expect, test } from 'vitest';
import { TestAcceptor, type TestConnection, until } from '../compliance/acceptor.ts';
import { call, type Reply, serveStreams, type TestServer } from '../http/test-clients.ts';
import { joinList } from './packet-list.ts';
import type { StreamOptions } from './stream-options.ts';

const servers: TestServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Bench {
  readonly port: number;
  readonly id: string;
  readonly connection: TestConnection;
  /** POSTs these texts under a number. */
  post(number: number, texts: readonly string[], headers?: Record<string, string>): Promise<Reply>;
  /** Sends the head of a POST and the beginning of its body, and leaves it at that. */
  begin(number: number, length: number): Promise<void>;
}

async function bench(options: StreamOptions = {}): Promise<Bench> {
  const acceptor = new TestAcceptor();
  const server = await serveStreams(acceptor, options);
  servers.push(server);
  const { port } = server;
  const opened = await call(port, {
    method: 'GET',
    path: '/poll',
    headers: { 'spillway-protocol': 'spillway.v1' },
  });
  const id = opened.headers['spillway-connection'] as string;
  return {
    port,
    id,
    connection: acceptor.connections[0]!,
    post: (number, texts, headers) =>
      call(port, {
        method: 'POST',
        path: '/send',
        headers: { 'spillway-connection': id, 'spillway-number': number, ...headers },
        body: list(...texts),
      }),
    async begin(number, length) {
      const socket = connectTcp(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      const head = ['POST /send HTTP/1.1', 'host: x', `spillway-connection: ${id}`];
      head.push(`spillway-number: ${number}`, `content-length: ${length}`, '', '1');
      await new Promise((resolve) => socket.write(head.join('\r\n'), resolve));
    },
  };
}

function list(...texts: string[]): Buffer {
  return joinList(
    texts.map((text) => Buffer.from(text)),
    'binary',
  );
}

test('a POST is taken and answered with nothing; it may hold many packets or none', async () => {
  const { post, connection } = await bench();
  const reply = await post(1, ['a', 'b', 'c']);
  expect([reply.status, reply.body.length]).toEqual([204, 0]);
  expect((await post(2, [])).status).toBe(204);
  expect((await post(3, ['d'])).status).toBe(204);
  expect(connection.texts).toEqual(['a', 'b', 'c', 'd']);
});

test('a POST that comes again is answered the same and taken once', async () => {
  const { post, connection } = await bench();
  for (const number of [1, 1, 2, 1, 2]) {
    expect((await post(number, [`${number}`])).status).toBe(204);
  }
  expect(connection.texts).toEqual(['1', '2']);
});

test('POSTs that overtake each other are taken in the order of their numbers', async () => {
  const { post, connection } = await bench();
  const replies = [4, 2, 3].map((number) => post(number, [`${number}`]));
  await expect(Promise.race([...replies, post(99, [])])).resolves.toMatchObject({ status: 409 });
  expect(connection.texts).toEqual([]);
  expect((await post(1, ['1'])).status).toBe(204);
  for (const reply of await Promise.all(replies)) expect(reply.status).toBe(204);
  expect(connection.texts).toEqual(['1', '2', '3', '4']);
});

test('a POST more than four ahead is refused, and says which one is next', async () => {
  const { post, connection } = await bench();
  await post(1, ['1']);
  const reply = await post(6, ['6']);
  expect(reply.status).toBe(409);
  expect(reply.json).toEqual({ code: 'out-of-order', message: 'POST 2 is the next one' });
  expect(connection.texts).toEqual(['1']);
});

test('a POST does not wait for ever for the one before it, and may come again', async () => {
  const { post, connection } = await bench({ orderTimeout: 30 });
  expect((await post(2, ['2'])).json).toMatchObject({ code: 'out-of-order' });
  expect((await post(1, ['1'])).status).toBe(204);
  expect(connection.texts).toEqual(['1']);
  expect((await post(2, ['2'])).status).toBe(204);
  expect(connection.texts).toEqual(['1', '2']);
});

test('a POST that comes again while it waits takes the place of the first', async () => {
  const { post, connection } = await bench();
  const first = post(2, ['2']);
  const second = Promise.race([first, post(2, ['2'])]);
  expect(await second).toMatchObject({ status: 409 });
  const again = post(2, ['2']);
  await post(1, ['1']);
  expect((await again).status).toBe(204);
  expect(connection.texts).toEqual(['1', '2']);
});

test('a POST whose body stays away is replaced by the one that comes whole', async () => {
  const { post, begin, connection } = await bench();
  await begin(1, 100);
  expect((await post(1, ['1'])).status).toBe(204);
  expect(connection.texts).toEqual(['1']);
});

test('a body that does not come in time is given up, and the connection goes on', async () => {
  const { port, id, post, connection } = await bench({ bodyTimeout: 50 });
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(
    `POST /send HTTP/1.1\r\nhost: x\r\nspillway-connection: ${id}\r\nspillway-number: 1\r\ncontent-length: 9\r\n\r\n1`,
  );
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(/^HTTP\/1.1 408 /);
  expect(text).toContain('{"code":"too-slow"');
  expect((await post(1, ['1'])).status).toBe(204);
  expect(connection.endings).toEqual([]);
});

test.each([
  ['as its length says', (body: Buffer) => ({ body, headers: {} })],
  ['as it turns out', (body: Buffer) => ({ body, headers: { 'transfer-encoding': 'chunked' } })],
])('a body over the limit, %s, ends the connection, and its sender learns the code', async (_, of) => {
  const { port, id, connection } = await bench({ maxBodyBytes: 1 });
  const { maxFrameBytes } = new TestAcceptor();
  const { body, headers } = of(Buffer.alloc(maxFrameBytes + 10));
  const reply = await call(port, {
    method: 'POST',
    path: '/send',
    headers: { 'spillway-connection': id, 'spillway-number': 1, ...headers },
    body,
  });
  expect(reply.status).toBe(410);
  expect(reply.json).toMatchObject({ code: 'message-too-large', close: CLOSE['message-too-large'] });
  expect(connection.violations).toEqual(['too-large']);
  expect(connection.received).toEqual([]);
});

test('a body of frames that are cut breaks the framing; what came before it was taken', async () => {
  const { port, id, connection } = await bench();
  const reply = await call(port, {
    method: 'POST',
    path: '/send',
    headers: { 'spillway-connection': id, 'spillway-number': 1 },
    body: Buffer.concat([list('whole'), Buffer.from([5, 1])]),
  });
  expect(reply.json).toMatchObject({ code: 'protocol-error', close: 4001 });
  expect(connection.texts).toEqual(['whole']);
  expect(connection.violations).toEqual(['bad-frame']);
});

test('the end of a connection is told to POSTs that wait, and to those that come after it', async () => {
  const { post, begin, connection } = await bench({ closeTimeout: 20 });
  const waiting = post(2, ['2']);
  await begin(1, 100);
  await post(99, []);
  connection.transport.close(CLOSE.forbidden, 'go away: größer');
  const told = { code: 'forbidden', message: 'go away: größer', close: CLOSE.forbidden };
  expect((await waiting).json).toEqual(told);
  expect((await post(1, ['1'])).json).toEqual(told);
  await until(() => connection.endings.length > 0, 'closed');
  const late = await post(1, ['1']);
  expect([late.status, late.json]).toEqual([410, told]);
  expect(connection.texts).toEqual([]);
});

test('a farewell comes after the packets of its POST and of those before it', async () => {
  const { post, connection } = await bench();
  const last = post(2, ['last'], { 'spillway-close': '4000 tsch%C3%BCss' });
  await post(99, []);
  expect(connection.endings).toEqual([]);
  await post(1, ['first']);
  expect((await last).status).toBe(204);
  expect(connection.texts).toEqual(['first', 'last']);
  expect(connection.endings).toEqual([{ code: 4000, reason: 'tschüss' }]);
  // The answer may have been lost: what was taken is answered the same, anything else is too late.
  expect((await post(2, ['last'], { 'spillway-close': '4000' })).status).toBe(204);
  expect((await post(3, ['more'])).json).toMatchObject({ code: 'normal', close: 4000 });
  expect(connection.texts).toEqual(['first', 'last']);
  expect(connection.late).toBe(0);
});

test.each(['', 'bye', '1000', '5000', '4000  x', '4000 %E0%A4', '4000 a b', '04000'])(
  'the farewell %j is malformed, and nothing is taken',
  async (farewell) => {
    const { post, connection } = await bench();
    const reply = await post(1, ['1'], { 'spillway-close': farewell });
    expect([reply.status, reply.json.code]).toEqual([400, 'bad-request']);
    expect(connection.received).toEqual([]);
    expect((await post(1, ['1'])).status).toBe(204);
  },
);
