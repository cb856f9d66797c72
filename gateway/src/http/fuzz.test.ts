// Whatever comes over plain HTTP is answered with a clear code, costs nothing afterwards, and never more than one answer.
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestAcceptor, until } from '../compliance/acceptor.ts';
import { TestLogger } from '../compliance/fixture.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { plainRoutes } from './plain-routes.ts';
import { call, type Exchange } from './test-clients.ts';

let gateway: Gateway;
let port: number;
const logger = new TestLogger();

beforeAll(async () => {
  gateway = createGateway({
    port: 0,
    http: { port: 0 },
    engine: 'none',
    logger,
    // What is asked in a hurry must not be refused for that alone.
    limits: { handshakesPerSecond: 100_000, helloTimeout: 300 },
    files: (path) => (path === '/index.html' ? { body: 'page', type: 'text/html' } : undefined),
  });
  gateway.channel('news');
  port = Number(new URL((await gateway.listen()).http!).port);
});
afterAll(() => gateway.close());
afterEach(async () => {
  // Nothing is left of it, and the gateway is well.
  await until(
    () => gateway.stats().sessions.open + gateway.stats().sessions.detached === 0,
    'all sessions to end',
  );
  expect((await call(port, { method: 'GET', path: '/healthz' })).status).toBe(200);
  expect(logger.errors).toEqual([]);
});

/** Says bytes and reads all that comes until the other end closes, or `patience` ms. */
async function say(content: string | Uint8Array, patience = 2_000): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  const timer = setTimeout(() => socket.destroy(), patience);
  socket.on('error', () => {});
  socket.write(content);
  const answer = await text(socket).catch(() => '');
  clearTimeout(timer);
  return answer;
}

/** The status of one answer, and its code where it is an error of ours. */
async function ask(exchange: Exchange): Promise<readonly [status: number, code: string | undefined]> {
  const reply = await call(port, { ...exchange, headers: { connection: 'close', ...exchange.headers } });
  return [reply.status, reply.status >= 400 ? reply.json.code : undefined];
}

describe('paths', () => {
  test.each([
    ['/events/', 404, 'not-found'],
    ['/EVENTS', 404, 'not-found'],
    ['//events', 404, 'not-found'],
    ['/./events', 404, 'not-found'],
    ['/x/../events', 400, 'bad-path'],
    ['/..%2fevents', 400, 'bad-path'],
    ['/%2e%2e/%2e%2e/etc/passwd', 400, 'bad-path'],
    ['/..\\..\\etc\\passwd', 400, 'bad-path'],
    ['/%65vents', 404, 'not-found'],
    ['/events%00', 400, 'bad-path'],
    ['/events%zz', 400, 'bad-path'],
    ['/index.html%00.png', 400, 'bad-path'],
    ['/events;x=1', 404, 'not-found'],
    ['http://elsewhere/events', 400, 'bad-path'],
    ['/constructor', 404, 'not-found'],
    ['/__proto__', 404, 'not-found'],
    ['/sse?x', 400, 'unsupported-version'],
    ['/poll?spillway-protocol=spillway.v1', 400, 'unsupported-version'],
    ['/events?channel', 400, 'bad-channel'],
    ['/events?channel=%00', 400, 'bad-channel'],
    ['/events?channel=%zz', 404, 'unknown-channel'],
    ['/events?channel=news&channel=%23&since=%0d%0aset-cookie:x', 400, 'bad-request'],
  ])('%s is %d %s', async (path, status, code) => {
    expect(await ask({ method: 'GET', path })).toEqual([status, code]);
  });
});

describe('methods and bodies', () => {
  test.each(['/sse', '/poll', '/send', '/events', '/publish', '/ticket', '/healthz', '/nowhere'])(
    'a method that %s does not have is 405, and says which it has',
    async (path) => {
      for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
        const reply = await call(port, { method: method as 'PUT', path });
        expect([reply.status, reply.json.code]).toEqual([405, 'method-not-allowed']);
        expect(reply.headers.allow).toBeTruthy();
      }
    },
  );

  test.each([
    ['/publish', 'POST', 413, 'message-too-large', {}],
    ['/sse', 'POST', 413, 'message-too-large', { 'spillway-protocol': 'spillway.v1' }],
    ['/poll', 'POST', 413, 'message-too-large', { 'spillway-protocol': 'spillway.v1' }],
    ['/send', 'POST', 404, 'unknown-connection', { 'spillway-connection': 'x', 'spillway-number': 1 }],
  ] as const)(
    'a body of a megabyte to %s is refused, announced or not',
    async (path, method, status, code, headers) => {
      const body = Buffer.alloc(1 << 20, 0x20);
      expect(await ask({ method, path, headers, body })).toEqual([status, code]);
      const chunked = { ...headers, 'transfer-encoding': 'chunked' };
      expect(await ask({ method, path, headers: chunked, body })).toEqual([status, code]);
    },
  );

  test('a body that does not come in time is 408, and the connection goes', async () => {
    const acceptor = new TestAcceptor();
    const options = {
      check: async () => {},
      ticketLifetime: 1_000,
      heartbeat: 1_000,
      bodyTimeout: 50,
      logger,
    };
    const routes = plainRoutes(acceptor, options);
    const server = createServer((request, response) => void routes.handle(request, response, '127.0.0.1'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('POST /publish HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"chan');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('"too-slow"');
    expect(acceptor.settled).toBe(true);
    server.close();
  });

  test('a client that goes in the middle of a body leaves nothing behind', async () => {
    for (const path of ['/publish', '/sse', '/poll', '/send', '/ticket']) {
      const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nspillway-protocol: spillway.v1\r\ncontent-length: 99\r\n\r\n`;
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise<void>((resolve) => socket.write(`${head}half`, () => resolve()));
      socket.destroy();
    }
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['nonsense', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'],
    ['two lengths', 'POST /publish HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'],
    [
      'a length and chunks',
      'POST /publish HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}',
    ],
    ['a negative length', 'POST /publish HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n'],
    ['bad chunks', 'POST /publish HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a control character in a header', 'GET /events HTTP/1.1\r\nhost: x\r\nlast-event-id: a\x01b\r\n\r\n'],
    ['too many bytes of headers', `GET /events HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
    ['too long a path', `GET /events?channel=${'y'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`],
  ])('%s gets one 4xx and the end', async (_, content) => {
    const answer = await say(content);
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(answer).toMatch(/\{"code":"[a-z-]+","message":/);
  });

  test('a request without a host gets 400 and the end', async () => {
    expect(await say('GET /events?channel=news HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });

  test('many requests on one connection are answered one by one', async () => {
    const bad = 'GET /events?since=x HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20);
    const last = 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const answer = await say(bad + last);
    expect(answer.match(/^HTTP\/1\.1 400 /gm)).toHaveLength(20);
    expect(answer).toContain('200 OK');
  });
});

test('of random requests each gets one answer, and every error a code', async () => {
  const word = fc.string({ maxLength: 20 });
  const path = fc.oneof(
    fc.constantFrom(
      '/sse',
      '/poll',
      '/send',
      '/events',
      '/publish',
      '/ticket',
      '/.well-known/spillway',
      '/ws',
      '/wt',
    ),
    fc.webPath(),
  );
  const query = fc.dictionary(fc.constantFrom('channel', 'since', 'ticket', 'token', 'x'), word, {
    maxKeys: 3,
  });
  const header = fc.constantFrom(
    'spillway-protocol',
    'spillway-connection',
    'spillway-number',
    'spillway-ack',
    'spillway-close',
    'authorization',
    'last-event-id',
    'content-encoding',
    'sec-fetch-mode',
    'origin',
    'range',
    'expect-nothing',
  );
  const value = fc.oneof(
    fc.constantFrom(
      'spillway.v1',
      'spillway.v1.json',
      '1',
      '0',
      '99999999999999999999',
      'Bearer x',
      'gzip',
      'no-cors',
    ),
    fc.stringMatching(/^[!-~]{1,30}$/),
  );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  const methods = fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS');
  const headers = fc.dictionary(header, value, { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(methods, path, query, headers, body, async (method, path, query, headers, body) => {
      const to = `${path}?${new URLSearchParams(query)}`;
      // One that opens a stream has no end of its own.
      const signal = AbortSignal.timeout(1_500);
      const own = method === 'POST' || method === 'PUT' ? { body } : {};
      const reply = await call(port, { method, path: to, headers, signal, ...own }).catch(
        (error: Error) => error,
      );
      if (reply instanceof Error) {
        expect(reply.name).toMatch(/Abort|Timeout/);
        return;
      }
      expect(reply.status).not.toBe(500);
      if (reply.status < 400) return;
      expect(reply.json.code).toMatch(/^[a-z][a-z-]+$/);
      expect(reply.body.length).toBeLessThan(1_000);
    }),
    { numRuns: 400 },
  );
}, 60_000);
