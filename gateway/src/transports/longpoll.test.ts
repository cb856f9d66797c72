import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { CLOSE } from '@spillway/envelope';
import { afterEach, expect, test } from 'vitest';
import { TestAcceptor, type TestConnection, until } from '../compliance/acceptor.ts';
import { transportCompliance } from '../compliance/transport.ts';
import {
  call,
  connectLongPoll,
  type Exchange,
  type Reply,
  serveStreams,
  type TestServer,
} from '../http/test-clients.ts';
import type { StreamOptions } from './stream-options.ts';

const servers: TestServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

transportCompliance(
  'longpoll',
  async (acceptor) => {
    const server = await serveStreams(acceptor, { closeTimeout: 300, pollGap: 1_000 });
    const { port } = server;
    return {
      connect: (options) => connectLongPoll(port, options),
      async vanish() {
        const socket = connectTcp(port, '127.0.0.1');
        await once(socket, 'connect');
        socket.write(
          'POST /poll HTTP/1.1\r\nhost: x\r\nspillway-protocol: spillway.v1\r\ncontent-length: 9\r\n\r\n1',
        );
        socket.destroy();
      },
      close: async () => server.close(),
    };
  },
  { lanes: 'one answer after the other', datagrams: 'TCP' },
);

interface Bench {
  readonly port: number;
  readonly acceptor: TestAcceptor;
  open(exchange?: Partial<Exchange>): Promise<Reply>;
  poll(ack: number, signal?: AbortSignal): Promise<Reply>;
  /** The only one, once it was accepted. */
  connection(): TestConnection;
}

/** Speaks text. */
async function bench(options: StreamOptions = {}): Promise<Bench> {
  const acceptor = new TestAcceptor();
  const server = await serveStreams(acceptor, options);
  servers.push(server);
  const { port } = server;
  let id = '';
  return {
    port,
    acceptor,
    connection: () => acceptor.connections[0]!,
    async open(exchange = {}) {
      const headers = { 'spillway-protocol': 'spillway.v1.json' };
      const reply = await call(port, { method: 'GET', path: '/poll', headers, ...exchange });
      id = reply.headers['spillway-connection'] as string;
      return reply;
    },
    poll(ack, signal) {
      const headers = { 'spillway-connection': id, 'spillway-ack': ack };
      return call(port, { method: 'GET', path: '/poll', headers, ...(signal && { signal }) });
    },
  };
}

const text = (value: string): Uint8Array => Buffer.from(JSON.stringify(value));

/** What an answer carried, and its number. */
function contents({ status, headers, body }: Reply): [number, number, ...string[]] {
  const lines = body.toString().split('\n').slice(0, -1);
  return [status, Number(headers['spillway-answer']), ...lines.map((line) => JSON.parse(line) as string)];
}

test('a connection opens at once, with an id and nothing else', async () => {
  const { open } = await bench();
  const reply = await open();
  expect([reply.status, reply.body.length]).toEqual([204, 0]);
  expect(reply.headers['spillway-connection']).toMatch(/^[\w-]{32}$/);
  expect(reply.headers).toMatchObject({
    'cache-control': 'no-store, no-transform',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'spillway-connection, spillway-answer, spillway-close, spillway-error',
  });
});

test('HELLO may come with the request that opens: its answer is the first one', async () => {
  const house = await bench();
  const opened = house.open({ method: 'POST', body: Buffer.from('["hello"]') });
  const connection = await until(() => house.acceptor.connections[0], 'accept');
  connection.transport.write(text('welcome'), 0);
  connection.transport.write(text('and more'), 1);
  const reply = await opened;
  expect(contents(reply)).toEqual([200, 1, 'welcome', 'and more']);
  expect(reply.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  expect(reply.headers['spillway-connection']).toMatch(/^[\w-]{32}$/);
  expect(connection.texts).toEqual(['["hello"]']);
});

test('a poll waits for something to answer, and takes all of one turn', async () => {
  const { port, open, poll, connection } = await bench();
  await open();
  const answered = poll(0);
  await call(port, { method: 'GET', path: '/nowhere' });
  for (const word of ['a', 'b', 'c']) connection().transport.write(text(word), 0);
  expect(contents(await answered)).toEqual([200, 1, 'a', 'b', 'c']);
});

test('what comes between polls waits for the next one', async () => {
  const { open, poll, connection } = await bench();
  await open();
  connection().transport.write(text('a'), 0);
  connection().transport.write(text('b'), 3);
  expect(connection().transport.backlog).toBe(6);
  expect(contents(await poll(0))).toEqual([200, 1, 'a', 'b']);
  expect(connection().transport.backlog).toBe(6);
  connection().transport.write(text('c'), 0);
  expect(contents(await poll(1))).toEqual([200, 2, 'c']);
});

test('an answer comes again until a poll says that it arrived', async () => {
  const { open, poll, connection } = await bench();
  await open();
  connection().transport.write(text('a'), 0);
  for (let time = 0; time < 3; time++) {
    expect(contents(await poll(0))).toEqual([200, 1, 'a']);
    connection().transport.write(text(`b${time}`), 0);
  }
  expect(contents(await poll(1))).toEqual([200, 2, 'b0', 'b1', 'b2']);
});

test('a poll that is aborted loses nothing', async () => {
  const { open, poll, connection } = await bench();
  await open();
  for (let time = 0; time < 5; time++) {
    const aborted = new AbortController();
    const answered = poll(0, aborted.signal).catch(() => 'aborted');
    aborted.abort();
    expect(await answered).toBe('aborted');
  }
  connection().transport.write(text('a'), 0);
  expect(contents(await poll(0))).toEqual([200, 1, 'a']);
  expect(connection().endings).toEqual([]);
});

test('a poll with nothing to answer is answered with nothing, in time', async () => {
  const { open, poll } = await bench({ pollTimeout: 20 });
  await open();
  const reply = await poll(0);
  expect([reply.status, reply.body.length, reply.headers['spillway-answer']]).toEqual([204, 0, undefined]);
  expect((await poll(0)).status).toBe(204);
});

test('of two polls the later one is answered, and the other one told so', async () => {
  const { open, poll, connection } = await bench();
  await open();
  const polls = [poll(0), poll(0)];
  const replaced = await Promise.race(polls);
  expect([replaced.status, replaced.json.code]).toEqual([409, 'replaced']);
  connection().transport.write(text('a'), 0);
  const replies = await Promise.all(polls);
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
});

test('a poll that says it has what was never sent, or not what it has said before, is refused', async () => {
  const { open, poll, connection } = await bench();
  await open();
  expect((await poll(1)).json).toEqual({ code: 'bad-ack', message: 'the last answer was 0' });
  connection().transport.write(text('a'), 0);
  await poll(0);
  connection().transport.write(text('b'), 0);
  expect(contents(await poll(1))).toEqual([200, 2, 'b']);
  for (const ack of [0, 3]) expect((await poll(ack)).status).toBe(409);
  expect(contents(await poll(1))).toEqual([200, 2, 'b']);
  expect(connection().endings).toEqual([]);
});

test('a long queue is answered in parts', async () => {
  const { open, poll, connection } = await bench();
  await open();
  const packet = text('x'.repeat(30_000));
  for (let count = 0; count < 5; count++) connection().transport.write(packet, 0);
  connection().transport.write(text('y'.repeat(60_000)), 0);
  const counts: number[] = [];
  for (let ack = 0; ack < 4; ack++) counts.push(contents(await poll(ack)).length - 2);
  expect(counts).toEqual([2, 2, 1, 1]);
});

test('a connection that nobody polls is lost', async () => {
  const { open, acceptor, connection } = await bench({ pollGap: 30 });
  await open();
  await until(() => acceptor.settled, 'closed');
  expect(connection().endings).toEqual([{ code: CLOSE['transport-lost'], reason: '' }]);
});

test('a poll that waits keeps the connection, however long', async () => {
  const { open, poll, connection } = await bench({ pollGap: 30, pollTimeout: 120 });
  await open();
  expect((await poll(0)).status).toBe(204);
  expect(connection().endings).toEqual([]);
});

test('the end comes with the last packets, and is told again to who asks again', async () => {
  const { open, poll, acceptor, connection } = await bench({ closeTimeout: 60_000 });
  await open();
  connection().transport.write(text('last words'), 0);
  connection().transport.close(CLOSE.forbidden, 'geh, größer');
  const reply = await poll(0);
  expect(contents(reply)).toEqual([200, 1, 'last words']);
  expect(reply.headers['spillway-close']).toBe('4004 geh%2C%20gr%C3%B6%C3%9Fer');
  await until(() => acceptor.settled, 'closed');
  expect(connection().endings).toEqual([{ code: CLOSE.forbidden, reason: 'geh, größer' }]);
  for (const ack of [1, 0]) {
    const late = await poll(ack);
    expect([late.status, late.json]).toEqual([
      410,
      { code: 'forbidden', message: 'geh, größer', close: 4004 },
    ]);
  }
});

test('the end waits for all that was written, and an answer that was lost on the way to it comes again', async () => {
  const { open, poll, connection } = await bench();
  await open();
  connection().transport.write(text('lost'), 0);
  await poll(0);
  for (let count = 0; count < 3; count++) connection().transport.write(text('x'.repeat(40_000)), 0);
  connection().transport.close(CLOSE.forbidden, 'go');
  expect(contents(await poll(0))).toEqual([200, 1, 'lost']);
  for (let ack = 1; ack < 4; ack++) {
    const { status, headers } = await poll(ack);
    expect([status, headers['spillway-close']]).toEqual([200, ack === 3 ? '4004 go' : undefined]);
    if (ack < 3) expect(connection().endings).toEqual([]);
  }
});

test('with nothing left to carry, the end is the answer', async () => {
  const { open, poll, acceptor, connection } = await bench();
  await open();
  connection().transport.close(CLOSE.forbidden, 'go');
  expect((await poll(0)).json).toEqual({ code: 'forbidden', message: 'go', close: 4004 });
  expect(acceptor.settled).toBe(true);
});

test('a farewell ends the poll that waits', async () => {
  const { port, open, poll, connection } = await bench();
  const reply = await open();
  const answered = poll(0);
  const headers = {
    'spillway-connection': reply.headers['spillway-connection'] as string,
    'spillway-number': 1,
    'spillway-close': '4000 bye',
  };
  expect((await call(port, { method: 'POST', path: '/send', headers })).status).toBe(204);
  expect((await answered).json).toEqual({ code: 'normal', message: 'bye', close: 4000 });
  expect(connection().endings).toEqual([{ code: 4000, reason: 'bye' }]);
});

test('a client that sends HELLO and is gone before the answer leaves a connection that is lost', async () => {
  const { open, acceptor, connection } = await bench({ pollGap: 30 });
  const aborted = new AbortController();
  const answered = open({ method: 'POST', body: Buffer.from('["hello"]'), signal: aborted.signal });
  answered.catch(() => {});
  await until(() => acceptor.connections[0], 'accept');
  aborted.abort();
  await expect(answered).rejects.toThrow();
  await until(() => acceptor.settled, 'closed');
  expect(connection().endings).toEqual([{ code: CLOSE['transport-lost'], reason: '' }]);
});
