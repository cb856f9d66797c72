import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { type Certificate, devCertificate } from '@spillway/certs';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createGateway, type Gateway } from './gateway.ts';
import type { Addresses } from './listeners.ts';
import type { GatewayOptions } from './options.ts';

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-listeners-'));
  certificate = await devCertificate({ directory: folder });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function gatewayWith(options: GatewayOptions = {}): Gateway {
  const gateway = createGateway({
    port: 0,
    http: { port: 0 },
    tls: { cert: certificate.certPath, key: certificate.keyPath },
    engine: 'none',
    logger: false,
    ...options,
  });
  onTestFinished(() => gateway.close());
  return gateway;
}

const listen = (options?: GatewayOptions): Promise<Addresses> => gatewayWith(options).listen();

const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);

/** What one GET is answered with, over TLS too. */
async function get(url: string, path: string, headers: Record<string, string> = {}) {
  const secure = url.startsWith('https:');
  const options = { headers: { connection: 'close', ...headers }, ca: certificate.cert };
  const request = secure ? httpsRequest(`${url}${path}`, options) : httpRequest(`${url}${path}`, options);
  const [response] = await once(request.end(), 'response');
  return { status: response.statusCode as number, body: await json(response).catch(() => undefined) };
}

/** Everything that comes back on a connection whose client says `content` and does not hang up. */
async function converse(url: string | undefined, content: string): Promise<string> {
  const socket = connect({ port: portOf(url), host: '127.0.0.1', allowHalfOpen: true });
  socket.write(content);
  const answer = await text(socket);
  socket.destroy();
  return answer;
}

/** Binds the port, TCP or UDP, which must be free. */
async function takeTcp(port: number): Promise<() => Promise<void>> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return () => new Promise((resolve) => server.close(() => resolve()));
}

async function takeUdp(port: number): Promise<() => Promise<void>> {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return () => new Promise((resolve) => socket.close(() => resolve()));
}

test('port 0 is one number that is free on TCP and UDP alike', async () => {
  const gateway = gatewayWith({ engine: 'rwebtransport' });
  const { https, webtransport, engine } = await gateway.listen();
  const port = portOf(https);
  expect(portOf(webtransport)).toBe(port);
  expect(webtransport).toBe(`https://127.0.0.1:${port}/wt`);
  expect(engine).toMatch(/^rwebtransport \d/);
  await expect(takeTcp(port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(takeUdp(port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('close frees every port', async () => {
  const gateway = gatewayWith({ engine: 'rwebtransport' });
  const { http, https } = await gateway.listen();
  await gateway.close();
  const free = [await takeTcp(portOf(http)), await takeTcp(portOf(https)), await takeUdp(portOf(https))];
  for (const release of free) await release();
});

test('without an engine there is no HTTP/3, and without a plain listener no HTTP', async () => {
  const addresses = await listen({ http: false });
  expect(Object.keys(addresses)).toEqual(['https']);
});

test('a TCP port in use is named, and what was bound before it is free again', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await expect(listen({ port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: `TCP 127.0.0.1:${port} is in use by another program; choose another port`,
  });
  const gateway = gatewayWith({ engine: 'rwebtransport', http: { port } });
  await expect(gateway.listen()).rejects.toMatchObject({ code: 'port-in-use' });
  const { https = '' } = gateway.address();
  const free = [await takeTcp(portOf(https)), await takeUdp(portOf(https))];
  for (const give of free) await give();
});

test('a UDP port in use is named, and TCP is free again', async () => {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await expect(listen({ engine: 'rwebtransport', port })).rejects.toMatchObject({
    name: 'EngineError',
    code: 'engine-port-in-use',
    message: `UDP port ${port} on 127.0.0.1 is in use`,
  });
  await (await takeTcp(port))();
});

test('a certificate that is not there is an error of its own', async () => {
  await expect(listen({ tls: { cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' } })).rejects.toMatchObject(
    {
      name: 'CertificateError',
      code: 'cert-missing',
    },
  );
});

test('the negotiation document is on both listeners, each telling its own WebSocket', async () => {
  const { http = '', https = '', webtransport } = await listen({ engine: 'rwebtransport' });
  const limits = { maxMessageBytes: 65_536 };
  const plain = await get(http, '/.well-known/spillway');
  expect(plain).toMatchObject({
    status: 200,
    body: { transports: { webtransport, websocket: `${http.replace('http', 'ws')}/ws` }, limits },
  });
  expect(await get(https, '/.well-known/spillway')).toMatchObject({
    status: 200,
    body: { transports: { webtransport, websocket: `${https.replace('https', 'wss')}/ws` }, limits },
  });
  expect(plain.body).not.toHaveProperty('certificateHashes');
});

test('a development certificate is told by its hash', async () => {
  vi.stubEnv('XDG_CACHE_HOME', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { http = '' } = await listen({ tls: 'dev' });
  expect((await get(http, '/.well-known/spillway')).body).toMatchObject({
    certificateHashes: [{ algorithm: 'sha-256', value: expect.stringMatching(/^[\w+/]{43}=$/) }],
  });
});

test('advertised URLs are told instead of the bound ones', async () => {
  const advertise = { webtransport: 'https://play.example/wt', websocket: 'wss://play.example/ws' };
  const { http = '', webtransport } = await listen({ engine: 'rwebtransport', advertise });
  expect((await get(http, '/.well-known/spillway')).body).toMatchObject({ transports: advertise });
  expect(webtransport).toBe(advertise.webtransport);
});

test('event streams and polls are served on both listeners', async () => {
  const { http = '', https = '' } = await listen();
  const headers = { 'spillway-protocol': 'spillway.v1' };
  expect((await get(http, '/poll', headers)).status).toBe(204);
  expect((await get(https, '/poll', headers)).status).toBe(204);
});

test('a long-poll client that is between two polls hears that the gateway closes', async () => {
  const gateway = gatewayWith();
  const { http = '' } = await gateway.listen();
  const opened = await fetch(`${http}/poll`, { headers: { 'spillway-protocol': 'spillway.v1' } });
  const closed = gateway.close();
  const headers = { 'spillway-connection': opened.headers.get('spillway-connection')!, 'spillway-ack': '0' };
  const ended = await fetch(`${http}/poll`, { headers });
  expect([ended.status, await ended.json()]).toMatchObject([410, { code: 'going-away', close: 4_500 }]);
  await closed;
});

test('WebSocket is served on both listeners', async () => {
  const { http = '', https = '' } = await listen();
  for (const url of [http, https]) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?trace=1`, 'spillway.v1', {
      ca: certificate.cert,
    });
    await once(socket, 'open');
    expect(socket.protocol).toBe('spillway.v1');
    socket.terminate();
  }
});

test.each(['/', '/ws/', '/wt', '/nothing'])(
  'an upgrade at %s is not found, and the socket not kept',
  async (path) => {
    const { http } = await listen();
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\n';
    expect(await converse(http, `GET ${path} HTTP/1.1\r\nhost: x\r\n${upgrade}\r\n`)).toMatch(
      /^HTTP\/1\.1 404 /,
    );
  },
);

test('a request that also offers another protocol is answered as it is', async () => {
  const { http = '' } = await listen();
  const headers = {
    connection: 'close, Upgrade, HTTP2-Settings',
    upgrade: 'h2c',
    'http2-settings': 'AAMAAABk',
  };
  expect((await get(http, '/healthz', headers)).status).toBe(200);
});

test.each([
  'nonsense\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
])('what is no request gets 400, and the socket is not kept: %j', async (content) => {
  const { http } = await listen();
  expect(await converse(http, content)).toMatch(/^HTTP\/1\.1 4(00|31) /);
});

test('a peer that never finishes its TLS handshake does not keep the gateway from closing', async () => {
  const gateway = gatewayWith();
  const { https } = await gateway.listen();
  const socket = connect({ port: portOf(https), host: '127.0.0.1' });
  await once(socket, 'connect');
  await Promise.all([gateway.close(), once(socket.resume(), 'close')]);
});
