import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { connect, type Session } from '@spillway/client';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../compliance/acceptor.ts';
import { expectDescribed } from '../compliance/api-answers.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import type { GatewayOptions } from '../options.ts';
import type { ApiHost } from './api-actions.ts';
import { ApiKeys } from './api-keys.ts';
import { apiRoutes } from './api-routes.ts';

const KEY = randomBytes(24).toString('base64url');
const OTHER_KEY = randomBytes(24).toString('base64url');
const AUTHORIZED = { authorization: `Bearer ${KEY}` };

let gateway: Gateway;
let url: string;
let lines: string[];
const clients: Session[] = [];

/** Everything that is ever logged. */
function overhear(lines: string[]) {
  return pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
}

async function listen(options: GatewayOptions = {}): Promise<void> {
  lines = [];
  const logger = overhear(lines);
  gateway = createGateway({
    port: 0,
    http: { port: 0 },
    engine: 'none',
    logger,
    api: { keys: [OTHER_KEY, KEY] },
    authenticate: (token) => ({ id: token ?? 'visitor' }),
    ...options,
  });
  gateway
    .channel('news', { history: { size: 2_000, ttl: 60_000 } })
    .channel('room/:id', { presence: true })
    .channel('closed', { authorize: () => false });
  url = (await gateway.listen()).http!;
}

beforeEach(() => listen());

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await gateway.close();
});

async function client(token: string): Promise<Session> {
  const session = await connect(url, { token, transports: ['websocket'] });
  clients.push(session);
  return session;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
}

/** Every answer must be one that the document describes. */
async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: object = AUTHORIZED,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const json = (await response.json()) as Record<string, unknown>;
  expectDescribed(path, method, response.status, json);
  expect(response.headers.get('spillway-error')).toBe(response.ok ? null : json.code);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
  return { status: response.status, headers: response.headers, json };
}

describe('what it does', () => {
  test('publishes to a channel, asking no hook', async () => {
    const session = await client('ada');
    const got: unknown[] = [];
    const news = session.channel('news');
    news.on('SCORE', (payload, meta) => got.push([payload, meta.delivery, meta.key]));
    await news.subscribe();
    const message = {
      channel: 'news',
      type: 'SCORE',
      payload: { goals: 2 },
      delivery: 'latest',
      key: 'home',
    };
    expect(await ask('POST', '/api/publish', message)).toMatchObject({
      status: 200,
      json: { outcome: 'published' },
    });
    await ask('POST', '/api/publish', { channel: 'news', type: 'SCORE', payload: 'AQL/', codec: 'bytes' });
    await until(() => got.length === 2, 'both');
    expect(got).toEqual([
      [{ goals: 2 }, 'latest', 'home'],
      [new Uint8Array([1, 2, 255]), 'reliable', undefined],
    ]);
    expect((await ask('POST', '/api/publish', { channel: 'closed', type: 'T' })).status).toBe(200);
  });

  test('sends to every session', async () => {
    const got: unknown[] = [];
    for (const name of ['ada', 'bob'])
      (await client(name)).on('message', (_type, payload) => got.push([name, payload]));
    const { json } = await ask('POST', '/api/broadcast', { type: 'NOTICE', payload: 'grüezi' });
    expect(json).toEqual({ sessions: 2 });
    await until(() => got.length === 2, 'both');
    expect(got.sort()).toEqual([
      ['ada', 'grüezi'],
      ['bob', 'grüezi'],
    ]);
  });

  test('lists channels, page by page', async () => {
    const [ada, bob] = [await client('ada'), await client('bob')];
    for (const name of ['room/2', 'news', 'room/1']) await ada.channel(name).subscribe();
    await bob.channel('room/2').subscribe();
    const [news, first, second] = [
      { name: 'news', subscribers: 1 },
      { name: 'room/1', subscribers: 1 },
      { name: 'room/2', subscribers: 2 },
    ];
    expect((await ask('GET', '/api/channels')).json).toEqual({ channels: [news, first, second] });
    expect((await ask('GET', '/api/channels?prefix=room/')).json).toEqual({ channels: [first, second] });
    const page = (await ask('GET', '/api/channels?limit=2')).json;
    expect(page).toEqual({ channels: [news, first], next: 'room/1' });
    expect((await ask('GET', '/api/channels?limit=2&after=room/1')).json).toEqual({ channels: [second] });
  });

  test('says who is in a channel', async () => {
    const session = await client('ada');
    const room = session.channel('room/1');
    await room.subscribe();
    await room.presence.update({ mood: 'fine' });
    const { json } = await ask('GET', '/api/presence?channel=room/1');
    expect(json).toEqual({
      users: 1,
      members: [{ session: session.id, user: 'ada', state: { mood: 'fine' } }],
    });
    expect((await ask('GET', '/api/presence?channel=room%2F9')).json).toEqual({ users: 0, members: [] });
  });

  test('reads history forwards and backwards', async () => {
    expect((await ask('GET', '/api/history?channel=news')).json).toEqual({
      seq: 0,
      forgotten: 0,
      messages: [],
    });
    for (let number = 1; number <= 60; number++) gateway.publish('news', 'N', number);
    const numbers = ({ json }: Answer) =>
      (json.messages as { payload: number }[]).map(({ payload }) => payload);
    const count = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
    const all = await ask('GET', '/api/history?channel=news');
    expect(numbers(all)).toEqual(count(1, 60));
    expect(all.json).toMatchObject({ seq: 60, epoch: expect.any(String) });
    expect(all.json.next).toBeUndefined();
    const first = await ask('GET', '/api/history?channel=news&limit=31');
    expect(numbers(first)).toEqual(count(1, 31));
    expect(numbers(await ask('GET', `/api/history?channel=news&from=${first.json.next}`))).toEqual(
      count(32, 60),
    );
    const back = await ask('GET', '/api/history?channel=news&reverse=true&limit=30&from=50');
    expect(numbers(back)).toEqual(count(21, 50).reverse());
    expect(back.json.next).toBe(20);
  });

  test('a page of history ends before it gets large, and the next begins there', async () => {
    for (let number = 1; number <= 40; number++) gateway.publish('news', 'N', 'x'.repeat(60_000));
    let path = '/api/history?channel=news&limit=1000';
    const positions: number[] = [];
    let pages = 0;
    for (; pages < 10; pages++) {
      const { json } = await ask('GET', path);
      expect(JSON.stringify(json).length).toBeLessThan(1_100_000);
      for (const { seq } of json.messages as { seq: number }[]) positions.push(seq);
      if (json.next === undefined) break;
      path = `/api/history?channel=news&limit=1000&from=${json.next}`;
    }
    expect(positions).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    expect(pages).toBe(2);
  });

  test('bytes in history are base64', async () => {
    gateway.publish('news', 'B', Buffer.from([1, 2, 255]));
    gateway.publish('news', 'E', undefined);
    expect((await ask('GET', '/api/history?channel=news')).json.messages).toMatchObject([
      { type: 'B', codec: 'bytes', payload: 'AQL/', seq: 1, delivery: 'reliable' },
      { type: 'E', codec: 'json' },
    ]);
  });

  test('disconnects a user, or a session', async () => {
    const [ada, again, bob] = [await client('ada'), await client('ada'), await client('bob')];
    const ends: unknown[] = [];
    for (const [name, session] of Object.entries({ ada, again, bob }))
      session.on('close', (ending) => ends.push([name, ending]));
    expect(
      (await ask('POST', '/api/disconnect', { user: 'ada', code: 'forbidden', reason: 'out' })).json,
    ).toEqual({
      disconnected: 2,
    });
    await until(() => ends.length === 2, 'both ends');
    expect(JSON.stringify(ends)).toContain('forbidden');
    expect((await ask('POST', '/api/disconnect', { session: bob.id })).json).toEqual({ disconnected: 1 });
    await until(() => ends.length === 3, 'the last end');
    expect((await ask('POST', '/api/disconnect', { session: bob.id })).json).toEqual({ disconnected: 0 });
    expect((await ask('POST', '/api/disconnect', { user: 'ada' })).json).toEqual({ disconnected: 0 });
  });

  test('hands out its document without a key', async () => {
    const { status, json } = await ask('GET', '/api/openapi.json', undefined, {});
    expect([status, json.openapi]).toEqual([200, '3.1.0']);
    expect((await ask('POST', '/api/openapi.json', {}, {})).status).toBe(405);
  });
});

describe('what it refuses', () => {
  const message = { channel: 'news', type: 'T' };

  test.each([
    ['no key', {}],
    ['another key', { authorization: `Bearer ${KEY.slice(0, -1)}!` }],
    ['the beginning of a key', { authorization: `Bearer ${KEY.slice(0, -1)}` }],
    ['more than a key', { authorization: `Bearer ${KEY}x` }],
    ['two keys', { authorization: `Bearer ${KEY} ${OTHER_KEY}` }],
    ['nothing after Bearer', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${KEY}` }],
    ['the token of a client', { authorization: 'Bearer ada' }],
  ])('%s', async (_, headers) => {
    for (const [method, path, body] of [
      ['POST', '/api/publish', message],
      ['GET', '/api/channels', undefined],
      ['POST', '/api/disconnect', { user: 'ada' }],
    ] as const) {
      const reply = await ask(method, path, body, headers);
      expect([reply.status, reply.json.code]).toEqual([401, 'unauthorized']);
      expect(reply.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect(gateway.stats()).toMatchObject({ published: 0, http: { unauthorized: 3 } });
  });

  test('a key in the URL opens nothing', async () => {
    expect((await ask('GET', `/api/channels?key=${KEY}`, undefined, {})).status).toBe(401);
    expect((await ask('GET', `/api/channels?key=${KEY}`)).json.code).toBe('bad-request');
  });

  test('every key of the list opens it', async () => {
    const other = { authorization: `bearer ${OTHER_KEY}` };
    expect((await ask('GET', '/api/channels', undefined, other)).status).toBe(200);
  });

  test.each<[path: string, body: unknown, status: number, code: string]>([
    ['publish', '', 400, 'bad-json'],
    ['publish', '{"channel":', 400, 'bad-json'],
    ['publish', '\ufeff[', 400, 'bad-json'],
    ['publish', [], 400, 'bad-json'],
    ['publish', 'null', 400, 'bad-json'],
    ['publish', {}, 400, 'bad-request'],
    ['publish', { type: 'T' }, 400, 'bad-request'],
    ['publish', { channel: 'news' }, 400, 'bad-request'],
    ['publish', { channel: 7, type: 'T' }, 400, 'bad-request'],
    ['publish', '{"channel":"news","type":"T","__proto__":{}}', 400, 'bad-request'],
    ['publish', { ...message, delivery: 'soon' }, 400, 'bad-request'],
    ['publish', { ...message, key: 'k'.repeat(200) }, 400, 'bad-request'],
    ['publish', { ...message, type: 'T'.repeat(65) }, 400, 'bad-request'],
    ['publish', { ...message, codec: 'cbor' }, 400, 'bad-request'],
    ['publish', { ...message, codec: 'bytes', payload: 'A' }, 400, 'bad-request'],
    ['publish', { ...message, codec: 'bytes', payload: [1] }, 400, 'bad-request'],
    ['publish', { ...message, type: '$join' }, 400, 'bad-type'],
    ['publish', { ...message, channel: 'a//b' }, 400, 'bad-channel'],
    ['publish', { ...message, channel: 'room/+' }, 400, 'bad-channel'],
    ['publish', { ...message, channel: 'nowhere' }, 404, 'unknown-channel'],
    ['publish', { ...message, payload: 'x'.repeat(70_000) }, 413, 'message-too-large'],
    ['publish', { ...message, payload: 'x'.repeat(300_000) }, 413, 'message-too-large'],
    ['publish?channel=news', message, 400, 'bad-request'],
    ['broadcast', message, 400, 'bad-request'],
    ['broadcast', { type: '$x' }, 400, 'bad-type'],
    ['broadcast', { type: 'T', payload: 'x'.repeat(70_000) }, 413, 'message-too-large'],
    ['disconnect', {}, 400, 'bad-request'],
    ['disconnect', { user: '' }, 400, 'bad-request'],
    ['disconnect', { user: 'a', session: 'b' }, 400, 'bad-request'],
    ['disconnect', { user: 'a', code: 'because' }, 400, 'bad-request'],
    ['disconnect', { user: 'a', code: 'toString' }, 400, 'bad-request'],
    ['disconnect', { user: 'a', reason: 'ü'.repeat(62) }, 400, 'bad-request'],
  ])('POST /api/%s %j', async (path, body, status, code) => {
    const reply = await ask('POST', `/api/${path}`, body);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
    expect(gateway.stats().published).toBe(0);
  });

  test.each([
    ['history', 400, 'bad-request'],
    ['history?channel=', 400, 'bad-request'],
    ['history?channel=news&channel=room/1', 400, 'bad-request'],
    ['history?channel=news&limit=0', 400, 'bad-request'],
    ['history?channel=news&limit=1001', 400, 'bad-request'],
    ['history?channel=news&limit=1e2', 400, 'bad-request'],
    ['history?channel=news&from=-1', 400, 'bad-request'],
    ['history?channel=news&from=99999999999999999', 400, 'bad-request'],
    ['history?channel=news&reverse=yes', 400, 'bad-request'],
    ['history?channel=nowhere', 404, 'unknown-channel'],
    ['presence?channel=news', 400, 'no-presence'],
    ['presence?channel=nowhere', 404, 'unknown-channel'],
    ['presence?channel=%ff', 404, 'unknown-channel'],
    ['presence?__proto__=1', 400, 'bad-request'],
    ['channels?limit=x', 400, 'bad-request'],
  ])('GET /api/%s', async (path, status, code) => {
    const reply = await ask('GET', `/api/${path}`);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
  });

  test.each([
    ['GET', '/api/publish', 'POST'],
    ['PUT', '/api/publish', 'POST'],
    ['OPTIONS', '/api/publish', 'POST'],
    ['DELETE', '/api/disconnect', 'POST'],
    ['POST', '/api/history', 'GET'],
    ['PATCH', '/api/channels', 'GET'],
  ])('%s %s: use another method', async (method, path, allow) => {
    const reply = await ask(method, path);
    expect([reply.status, reply.json.code, reply.headers.get('allow')]).toEqual([
      405,
      'method-not-allowed',
      allow,
    ]);
  });

  test.each([
    '/api/',
    '/api/publish/',
    '/api//publish',
    '/api/%70ublish',
    '/api/./publish',
    '/api/x/../publish',
    '/api/publish%00',
    '/api/toString',
    '/api/publish;x',
    '/API/publish',
    '//api/publish',
    '/%61pi/publish',
    '*',
  ])('nothing is done at %s', async (path) => {
    const body = JSON.stringify(message);
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\nconnection: close\r\n`;
    const text = await exchange(`${head}content-length: ${body.length}\r\n\r\n${body}`);
    expect(text).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({ code: expect.any(String) });
    expect(gateway.stats().published).toBe(0);
  });

  test('a body that lies about itself does not harm', async () => {
    const head = `POST /api/publish HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n`;
    for (const rest of [
      'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'content-length: -1\r\n\r\n',
      'transfer-encoding: chunked\r\n\r\nZZ\r\n',
    ])
      expect(await exchange(head + rest)).toMatch(/^HTTP\/1.1 400 /);
    expect(
      await exchange(`${head}transfer-encoding: chunked\r\n\r\n${'fffff\r\n'}${'x'.repeat(0xfffff)}\r\n`),
    ).toMatch(/^HTTP\/1.1 413 .*"message-too-large"/s);
    expect((await ask('POST', '/api/publish', message)).status).toBe(200);
  });

  test('no depth of a payload does harm', async () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    const { status } = await ask('POST', '/api/publish', `{"channel":"news","type":"T","payload":${deep}}`);
    expect([200, 400]).toContain(status);
    expect([200, 409]).toContain((await ask('GET', '/api/history?channel=news')).status);
  });

  test('bodies of strangers are not read', async () => {
    const text = await exchange('POST /api/publish HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
    expect(text).toMatch(/^HTTP\/1.1 401 /);
  });
});

describe('without keys', () => {
  test('there is no API', async () => {
    await gateway.close();
    await listen({ api: undefined });
    for (const [method, path] of [
      ['POST', '/api/publish'],
      ['GET', '/api/history?channel=news'],
      ['GET', '/api/openapi.json'],
      ['GET', '/api/other'],
    ]) {
      const response = await fetch(`${url}${path}`, { method: method!, headers: AUTHORIZED });
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'not-found' }]);
    }
  });

  test('the application may have files there', async () => {
    await gateway.close();
    await listen({ api: undefined, files: (path) => ({ body: path, type: 'text/plain' }) });
    expect(await (await fetch(`${url}/api/docs.html`)).text()).toBe('/api/docs.html');
  });

  test.each([
    ['none', []],
    ['a short one', ['secret']],
    ['one with a space', ['a secret that is long enough']],
    ['one that is none', [undefined as unknown as string]],
  ])('keys that cannot be are refused, and not shown: %s', (_, keys) => {
    expect(() => createGateway({ api: { keys } })).toThrow(RangeError);
    expect(() => createGateway({ api: { keys } })).not.toThrow(/secret/);
  });
});

describe('on its own', () => {
  /** Of a host that does what is told here. */
  async function serve(host: Partial<ApiHost>, bodyTimeout = 5_000): Promise<string[]> {
    const lines: string[] = [];
    const logger = overhear(lines);
    const routes = apiRoutes(host as ApiHost, {
      keys: new ApiKeys([KEY]),
      maxBodyBytes: 100,
      bodyTimeout,
      logger,
    });
    const server = createServer((request, response) => void routes.handle(request, response)).listen(
      0,
      '127.0.0.1',
    );
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return lines;
  }

  test('a body that does not come in time', async () => {
    await serve({}, 20);
    const head = `POST /api/publish HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n`;
    const text = await exchange(`${head}content-length: 50\r\n\r\n{"chann`);
    expect(text).toMatch(/^HTTP\/1.1 408 .*connection: close.*"too-slow"/s);
  });

  test('what fails in the gateway is logged, without the key, and not told', async () => {
    const lines = await serve({
      channels: () => {
        throw new Error('out of order');
      },
    });
    const { status, json } = await ask('GET', '/api/channels');
    expect([status, json.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(json)).not.toContain('out of order');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain(KEY);
  });

  test('what is kept and cannot be written is named', async () => {
    const payload = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000));
    const meta = { type: 'N', channel: 'news', codec: 'json', delivery: 'reliable', seq: 1, ts: 1 } as const;
    const message = { type: 'N', payload, meta };
    await serve({
      history: () => ({ epoch: 'e', seq: 1, forgotten: 0, next: undefined, messages: [message] }),
    });
    const { status, json } = await ask('GET', '/api/history?channel=news');
    expect([status, json.code]).toEqual([409, 'bad-payload']);
  });
});

test('no key is ever logged', async () => {
  await ask('GET', `/api/channels?key=${KEY}`);
  await ask('GET', '/api/channels', undefined, { authorization: `Bearer ${KEY}x` });
  await ask('POST', '/api/publish', `{"channel":"${KEY}`);
  expect(lines.join()).not.toContain(KEY);
});

/** Sends bytes, and reads until there is an answer and nothing more comes. */
async function exchange(bytes: string): Promise<string> {
  const socket = connectTcp(Number(new URL(url).port), '127.0.0.1', () => void socket.write(bytes));
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return until(() => /\r\n\r\n\{.*\}\s*$/s.test(text) && text, 'an answer');
}
