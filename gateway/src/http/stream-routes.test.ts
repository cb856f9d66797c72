import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { CLOSE } from '@spillway/envelope';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestAcceptor } from '../compliance/acceptor.ts';
import { begin, call, type Exchange, type Reply, serveStreams, type TestServer } from './test-clients.ts';

const OPEN = { 'spillway-protocol': 'spillway.v1' };
const SITE = { origin: 'https://game.example' };

let acceptor: TestAcceptor;
let server: TestServer;

beforeEach(async () => {
  acceptor = new TestAcceptor();
  server = await serveStreams(acceptor, { bodyTimeout: 200 });
});

afterEach(() => server.close());

const ask = (exchange: Exchange): Promise<Reply> => call(server.port, exchange);

/** An open connection of either sort. */
async function open(path: '/sse' | '/poll'): Promise<string> {
  const response = await begin(server.port, { method: 'GET', path, headers: OPEN });
  response.on('error', () => {}).resume();
  return response.headers['spillway-connection'] as string;
}

test('other paths are left to others', async () => {
  for (const path of ['/', '/sse/', '/SSE', '/send/x', '/polls', '/%73se', '/constructor']) {
    expect((await ask({ method: 'GET', path, headers: OPEN })).status).toBe(404);
  }
  expect(acceptor.admitted).toEqual([]);
});

test.each([
  ['PUT', '/sse', 'GET, POST, OPTIONS'],
  ['PUT', '/poll', 'GET, POST, OPTIONS'],
  ['GET', '/send', 'POST, OPTIONS'],
] as const)('%s %s is told what to use', async (method, path, allow) => {
  const reply = await ask({ method, path, headers: OPEN });
  expect([reply.status, reply.headers.allow, reply.json.code]).toEqual([405, allow, 'method-not-allowed']);
  expect(acceptor.admitted).toEqual([]);
});

test.each(['/sse', '/poll', '/send'])(
  'a page of another site may ask first what it may send to %s',
  async (path) => {
    const headers = { ...SITE, 'access-control-request-method': 'POST' };
    const reply = await ask({ method: 'OPTIONS', path, headers });
    expect(reply.status).toBe(204);
    expect(reply.headers['access-control-allow-origin']).toBe('*');
    expect(reply.headers['access-control-allow-methods']).toContain('POST');
    for (const name of ['protocol', 'connection', 'number', 'ack', 'close'])
      expect(reply.headers['access-control-allow-headers']).toContain(`spillway-${name}`);
    expect(reply.headers['access-control-max-age']).toBe('7200');
    expect(acceptor.admitted).toEqual([]);
  },
);

test('cookies of other sites’ pages are never asked for', async () => {
  for (const method of ['OPTIONS', 'GET'] as const) {
    const { headers } = await ask({ method, path: '/poll', headers: { ...OPEN, ...SITE } });
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  }
});

test.each(['/sse', '/poll'])(
  'a refusal of %s has its status, code and reason, and a page can read it',
  async (path) => {
    acceptor.refusal = { code: CLOSE['server-full'], status: 503, reason: 'füll' };
    const reply = await ask({ method: 'POST', path, headers: { ...OPEN, ...SITE }, body: Buffer.alloc(9) });
    expect([reply.status, reply.json]).toEqual([503, { code: 'server-full', message: 'füll' }]);
    expect(reply.headers['access-control-allow-origin']).toBe('*');
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(acceptor.connections).toEqual([]);
  },
);

test.each([
  ['/sse', undefined],
  ['/poll', undefined],
  ['/sse', 'spillway.v2'],
  ['/poll', 'spillway.v1, spillway.v1.json'],
])(
  '%s with the protocol %s is refused, so that no page can open it unasked, and gives its place back',
  async (path, protocol) => {
    const headers = protocol === undefined ? {} : { 'spillway-protocol': protocol };
    const reply = await ask({ method: 'GET', path, headers });
    expect([reply.status, reply.json]).toEqual([
      400,
      {
        code: 'unsupported-version',
        message: 'Set the header spillway-protocol to spillway.v1 or spillway.v1.json',
      },
    ]);
    expect(acceptor.admitted.length).toBe(1);
    expect(acceptor.abandoned).toEqual(acceptor.admitted);
  },
);

test('an opening POST of more than one packet of the largest size is refused and gives its place back', async () => {
  const body = Buffer.alloc(acceptor.maxFrameBytes + 10);
  const reply = await ask({ method: 'POST', path: '/sse', headers: OPEN, body });
  expect([reply.status, reply.json.code]).toEqual([413, 'message-too-large']);
  expect(acceptor.abandoned).toEqual(acceptor.admitted);
});

test.each([
  ['GET', '/poll', {}, 404, 'unknown-connection'],
  ['POST', '/send', { 'spillway-number': 1 }, 404, 'unknown-connection'],
  ['GET', '/sse', {}, 400, 'bad-request'],
  ['POST', '/poll', { 'spillway-ack': 0 }, 400, 'bad-request'],
] as const)('%s %s with an id that is nobody’s is refused', async (method, path, headers, status, code) => {
  for (const id of ['', 'x', '__proto__', 'A'.repeat(32), 'A'.repeat(4_000)]) {
    const reply = await ask({ method, path, headers: { ...headers, 'spillway-connection': id } });
    expect([reply.status, reply.json.code]).toEqual([status, code]);
    expect(reply.body.toString()).not.toContain('AAAA');
  }
  expect(acceptor.admitted).toEqual([]);
});

test.each([undefined, '', '0', '01', '-1', '1.5', '1e3', '9'.repeat(16), '1, 1', 'one'])(
  'a POST with the number %j is refused, and the connection goes on',
  async (number) => {
    const headers = { 'spillway-connection': await open('/poll') };
    const post = (given: string | undefined) => ({
      method: 'POST' as const,
      path: '/send',
      headers: { ...headers, ...(given !== undefined && { 'spillway-number': given }) },
      body: Buffer.from([1, 65]),
    });
    const reply = await ask(post(number));
    expect([reply.status, reply.json.code]).toEqual([400, 'bad-request']);
    expect((await ask(post('1'))).status).toBe(204);
    expect(acceptor.connections[0]!.texts).toEqual(['A']);
  },
);

test('requests that belong together only in part are refused, and the connection goes on', async () => {
  const [stream, polled] = [await open('/sse'), await open('/poll')];
  const bad: [Exchange['method'], string, Record<string, string>, number][] = [
    ['POST', '/send', { 'spillway-number': '1' }, 400],
    ['GET', '/poll', { 'spillway-connection': stream, 'spillway-ack': '0' }, 400],
    ['GET', '/poll', { 'spillway-connection': polled }, 400],
    ['GET', '/poll', { 'spillway-connection': polled, 'spillway-ack': 'x' }, 400],
    ['POST', '/poll', { 'spillway-connection': polled, 'spillway-ack': '0' }, 400],
    ['GET', '/sse', { 'spillway-connection': stream }, 400],
    [
      'POST',
      '/send',
      { 'spillway-connection': polled, 'spillway-number': '1', 'content-encoding': 'gzip' },
      415,
    ],
  ];
  for (const [method, path, headers, status] of bad) {
    const reply = await ask({ method, path, headers });
    expect([path, headers, reply.status]).toEqual([path, headers, status]);
    expect(reply.json.code).toMatch(/^(bad-request|unsupported-encoding)$/);
  }
  for (const connection of acceptor.connections) expect(connection.endings).toEqual([]);
});

test('an id in the query opens nothing: it would be in every log', async () => {
  const id = await open('/poll');
  const reply = await ask({
    method: 'POST',
    path: `/send?spillway-connection=${id}`,
    headers: { 'spillway-number': 1 },
  });
  expect([reply.status, reply.json.code]).toEqual([400, 'bad-request']);
});

test('when the core fails the client learns no more than that, and the log has it', async () => {
  acceptor.accept = () => {
    throw new Error('secret');
  };
  const reply = await ask({ method: 'GET', path: '/poll', headers: OPEN });
  expect([reply.status, reply.json]).toEqual([
    500,
    { code: 'internal', message: 'the gateway failed to answer' },
  ]);
  expect(server.logger.lines.length).toBe(1);
});

test('a body that nobody takes costs its sender the socket, not us the memory', async () => {
  const socket = connectTcp(server.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    'POST /send HTTP/1.1\r\nhost: x\r\nspillway-connection: x\r\ncontent-length: 1000000000\r\n\r\n1',
  );
  const answer = await text(socket);
  expect(answer).toContain('HTTP/1.1 404 ');
  expect(answer).toContain('unknown-connection');
});

test('garbage in headers and bodies never harms anybody else', async () => {
  const id = await open('/poll');
  const words = ['', '0', '1', '-1', 'NaN', '1e9', '{}', '%00', '../..', 'ÿ', 'x'.repeat(2_000), id];
  const names = ['connection', 'number', 'ack', 'close', 'protocol'].map((name) => `spillway-${name}`);
  let seed = 7;
  const pick = <T>(items: readonly T[]): T => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return items[(seed >> 8) % items.length]!;
  };
  for (let round = 0; round < 300; round++) {
    const headers = Object.fromEntries(names.filter(() => pick([0, 1])).map((name) => [name, pick(words)]));
    const exchange: Exchange = {
      method: pick(['GET', 'POST', 'OPTIONS', 'PUT']),
      path: pick(['/sse', '/send', '/poll', '/poll?a=%', '/send?']),
      headers: { ...headers, 'spillway-connection': pick(['x', 'y', '']) },
      ...(pick([0, 1]) && { body: Buffer.from(pick(words)) }),
    };
    const reply = await ask(exchange);
    expect([204, 400, 404, 405]).toContain(reply.status);
  }
  expect(server.logger.lines).toEqual([]);
  expect(acceptor.connections.length).toBe(1);
  const post = { 'spillway-connection': id, 'spillway-number': 1 };
  expect((await ask({ method: 'POST', path: '/send', headers: post })).status).toBe(204);
});
