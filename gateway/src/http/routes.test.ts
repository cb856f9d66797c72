import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestLogger } from '../compliance/fixture.ts';
import { type FileAnswer, routes } from './routes.ts';

const FILES: Record<string, FileAnswer | (() => never)> = {
  '/': { body: '<h1>hello</h1>', type: 'text/html' },
  '/grüße.txt': {
    body: new TextEncoder().encode('Grüße'),
    type: 'text/plain',
    headers: { 'x-extra': 'yes' },
  },
  '/broken': () => {
    throw new Error('secret path of the disk');
  },
};

let origin: string;
let port: number;
let ready: boolean;
let known: boolean;
let asked: string[];
let logger: TestLogger;
let close: () => void;

beforeEach(async () => {
  ready = true;
  known = true;
  asked = [];
  logger = new TestLogger();
  const answer = routes({
    negotiation: (host, secure) => (known ? { host, secure } : undefined),
    ready: () => ready,
    files: async (path) => {
      asked.push(path);
      const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
      return typeof file === 'function' ? file() : file;
    },
    logger,
  });
  const server = createServer((request, response) => answer(request, response, true));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  origin = `http://127.0.0.1:${port}`;
  close = () => {
    server.close();
    server.closeAllConnections();
  };
});

afterEach(() => close());

/** Sends a request line as it is, without a client that would tidy it up. */
async function raw(requestLine: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${requestLine}\r\nhost: x\r\nconnection: close\r\n\r\n`);
  return text(socket);
}

test('the negotiation document is told to every page, and never stored', async () => {
  const response = await fetch(`${origin}/.well-known/spillway?x=1`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.json()).toEqual({ host: `127.0.0.1:${port}`, secure: true });
});

test('while the ports are being opened there is no document yet, and that is no failure', async () => {
  known = false;
  const response = await fetch(`${origin}/.well-known/spillway`);
  expect(response.status).toBe(503);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toMatchObject({ code: 'not-ready' });
  expect(logger.lines).toEqual([]);
});

test('a browser may ask first', async () => {
  const response = await fetch(`${origin}/.well-known/spillway`, { method: 'OPTIONS' });
  expect([response.status, await response.text()]).toEqual([204, '']);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('access-control-allow-methods')).toBe('GET, HEAD, OPTIONS');
  expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
});

test('health is always ok while the gateway answers', async () => {
  ready = false;
  const response = await fetch(`${origin}/healthz`);
  expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
  expect(response.headers.get('cache-control')).toBe('no-store');
});

test('ready says whether new clients are welcome', async () => {
  const answers = async () => {
    const response = await fetch(`${origin}/readyz`);
    return [response.status, await response.text()];
  };
  expect(await answers()).toEqual([200, 'ready\n']);
  ready = false;
  expect(await answers()).toEqual([503, 'not ready\n']);
});

test.each([
  ['/ws', 426, 'upgrade-required'],
  ['/wt', 400, 'webtransport-only'],
  ['/nothing', 404, 'not-found'],
  ['/healthz/', 404, 'not-found'],
  ['/constructor', 404, 'not-found'],
])('GET %s is answered with %i and a code', async (path, status, code) => {
  const response = await fetch(`${origin}${path}`);
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await response.json()).toEqual({ code, message: expect.any(String) });
  if (status === 426) expect(response.headers.get('upgrade')).toBe('websocket');
});

test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is not allowed anywhere', async (method) => {
  for (const path of ['/.well-known/spillway', '/healthz', '/', '/nothing']) {
    const response = await fetch(`${origin}${path}`, {
      method,
      ...(method !== 'DELETE' && { body: 'x'.repeat(100_000) }),
    });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect(await response.json()).toMatchObject({ code: 'method-not-allowed' });
  }
  expect(asked).toEqual([]);
});

test('OPTIONS is for the negotiation document alone', async () => {
  expect((await fetch(`${origin}/healthz`, { method: 'OPTIONS' })).status).toBe(405);
});

test.each(['/.well-known/spillway', '/healthz', '/readyz', '/', '/nothing', '/ws'])(
  'HEAD %s is GET without the body',
  async (path) => {
    const get = await fetch(`${origin}${path}`);
    const head = await fetch(`${origin}${path}`, { method: 'HEAD' });
    expect(head.status).toBe(get.status);
    for (const name of ['content-type', 'content-length', 'cache-control', 'access-control-allow-origin']) {
      expect(head.headers.get(name), name).toBe(get.headers.get(name));
    }
    expect(Number(head.headers.get('content-length'))).toBe((await get.arrayBuffer()).byteLength);
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  },
);

test('files are answered with their type, under their decoded path', async () => {
  const page = await fetch(`${origin}/?room=7`);
  expect([page.status, page.headers.get('content-type'), await page.text()]).toEqual([
    200,
    'text/html',
    '<h1>hello</h1>',
  ]);
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  const words = await fetch(`${origin}/gr%C3%BC%C3%9Fe.txt`);
  expect([await words.text(), words.headers.get('x-extra')]).toEqual(['Grüße', 'yes']);
  expect(words.headers.get('content-length')).toBe('7');
  expect(asked).toEqual(['/', '/grüße.txt']);
});

test.each([
  'GET /../secret HTTP/1.1',
  'GET /a/../../secret HTTP/1.1',
  'GET /%2e%2e/secret HTTP/1.1',
  'GET /a/%2E%2E HTTP/1.1',
  'GET /..%2fsecret HTTP/1.1',
  'GET /..%5csecret HTTP/1.1',
  'GET /a\\..\\secret HTTP/1.1',
  'GET /a%00.txt HTTP/1.1',
  'GET /%ff HTTP/1.1',
  'GET /%zz HTTP/1.1',
  'GET http://x/secret HTTP/1.1',
  'GET secret HTTP/1.1',
  'GET * HTTP/1.1',
])('%s never reaches the files', async (requestLine) => {
  expect(await raw(requestLine)).toMatch(/^HTTP\/1\.1 400 /);
  expect(asked).toEqual([]);
});

test('what is encoded twice stays encoded once', async () => {
  expect(await raw('GET /%252e%252e/secret HTTP/1.1')).toMatch(/^HTTP\/1\.1 404 /);
  expect(asked).toEqual(['/%2e%2e/secret']);
});

test('the gateway’s own paths cannot be hidden by encoding them', async () => {
  expect(await raw('GET /%68ealthz HTTP/1.1')).toMatch(/^HTTP\/1\.1 200 /);
  expect(asked).toEqual([]);
});

test('a file that fails is a line in the log, and tells the client nothing', async () => {
  const response = await fetch(`${origin}/broken`);
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ code: 'internal', message: 'the gateway failed to answer' });
  expect(logger.lines).toEqual(['error: an HTTP request failed']);
  expect(logger.errors).toEqual([new Error('secret path of the disk')]);
});
