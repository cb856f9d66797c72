import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { until } from '../compliance/acceptor.ts';
import { SpillwayError } from '../core/errors.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import type { GatewayOptions } from '../options.ts';
import { call, type Exchange } from './test-clients.ts';

let gateway: Gateway;
let port: number;

afterEach(() => gateway.close());

async function listen(
  options: GatewayOptions = {},
  declare: (gateway: Gateway) => void = () => {},
): Promise<void> {
  gateway = createGateway({ port: 0, http: { port: 0 }, engine: 'none', logger: false, ...options });
  gateway.channel('news', { history: { size: 100, ttl: 60_000 } });
  gateway.channel('staff', { authorize: (_action, { session }) => session.user?.id === 'ada' });
  declare(gateway);
  port = Number(new URL((await gateway.listen()).http!).port);
}

const people: GatewayOptions['authenticate'] = (token) => {
  if (token === 'old') throw new SpillwayError('unauthorized', 'too old');
  return token === 'none' ? undefined : { id: token ?? 'visitor' };
};

interface Read {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: Record<string, unknown>;
}

/** A stream of `/events` as it comes. */
class Reader {
  readonly events: Read[] = [];
  readonly request: ClientRequest;
  status: number | undefined;
  text = '';
  isOver = false;
  response: IncomingMessage | undefined;

  constructor(query: string, headers: Record<string, string> = {}) {
    this.request = request({ host: '127.0.0.1', port, path: `/events?${query}`, headers });
    this.request.on('error', () => {});
    this.request.on('response', (response) => {
      this.response = response;
      this.status = response.statusCode;
      response.setEncoding('utf8').on('data', (text: string) => this.#read(text));
      response.on('error', () => {});
      response.on('close', () => {
        this.isOver = true;
      });
    });
    this.request.end();
  }

  get payloads(): unknown[] {
    return this.events.filter(({ name }) => name === undefined).map(({ data }) => data.payload);
  }

  async begun(): Promise<this> {
    await until(() => this.events.length > 0, 'the subscription');
    expect(this.events[0]!.name).toBe('subscribed');
    return this;
  }

  #read(text: string): void {
    this.text += text;
    const events = this.text.split('\n\n');
    this.text = events.pop()!;
    for (const event of events) {
      const fields = new Map(event.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
      const data = fields.get('data');
      if (data) this.events.push({ id: fields.get('id'), name: fields.get('event'), data: JSON.parse(data) });
    }
  }
}

const ask = (method: Exchange['method'], path: string, headers = {}, body?: unknown) =>
  call(port, {
    method,
    path,
    headers,
    ...(body !== undefined && { body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }),
  });

describe('GET /events', () => {
  test('a public channel is read without a word of who reads', async () => {
    await listen();
    const reader = await new Reader('channel=news').begun();
    expect(reader.response!.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'access-control-allow-origin': '*',
    });
    gateway.publish('news', 'HEADLINE', { text: 'one\ntwo' });
    await until(() => reader.payloads.length === 1, 'an event');
    const { epoch } = reader.events[0]!.data;
    expect(reader.events[1]).toMatchObject({
      id: `${epoch}:1`,
      name: undefined,
      data: { v: 1, type: 'HEADLINE', channel: 'news', payload: { text: 'one\ntwo' }, meta: { seq: 1 } },
    });
  });

  test.each([
    ['Last-Event-ID', (id: string) => new Reader('channel=news', { 'last-event-id': id })],
    ['since', (id: string) => new Reader(`channel=news&since=${id}`)],
  ])('%s brings what was missed, and says so', async (_, again) => {
    await listen();
    const reader = await new Reader('channel=news').begun();
    gateway.publish('news', 'N', 1);
    await until(() => reader.payloads.length === 1, 'an event');
    reader.request.destroy();
    gateway.publish('news', 'N', 2);
    gateway.publish('news', 'N', 3);
    const second = await again(reader.events.at(-1)!.id!).begun();
    gateway.publish('news', 'N', 4);
    await until(() => second.payloads.length === 3, 'the rest');
    expect(second.payloads).toEqual([2, 3, 4]);
    expect(second.events[0]!.data).toMatchObject({ recovered: true });
    const lost = await again('another:1').begun();
    expect(lost.events[0]!.data).toMatchObject({ recovered: false });
  });

  test('the place in the channel is known before the first event', async () => {
    await listen();
    gateway.publish('news', 'N', 1);
    const reader = await new Reader('channel=news').begun();
    expect(reader.events[0]!.id).toMatch(/:1$/);
  });

  test('a wildcard has no place, so its events have no id', async () => {
    await listen({}, (gateway) => gateway.channel('sensors/:line/temp'));
    const reader = await new Reader('channel=sensors/%2B/temp').begun();
    gateway.publish('sensors/2/temp', 'T', 21);
    await until(() => reader.payloads.length === 1, 'an event');
    expect(reader.events[1]).toMatchObject({ id: undefined, data: { channel: 'sensors/2/temp' } });
  });

  test('more than fits in any buffer arrives, in order', async () => {
    await listen();
    const reader = await new Reader('channel=news').begun();
    for (let number = 0; number < 300; number++) {
      gateway.publish('news', 'N', `${number} ${'x'.repeat(5_000)}`);
      await new Promise(setImmediate);
    }
    await until(() => reader.payloads.length === 300, 'all');
    expect(reader.payloads.map((text) => Number.parseInt(text as string, 10))).toEqual(
      Array.from({ length: 300 }, (_, number) => number),
    );
  });

  test('one that does not read is cut off, as any slow consumer', async () => {
    await listen({ limits: { sendBudgetSoft: 64 * 1024, sendBudgetHard: 128 * 1024 } });
    const closed = vi.fn();
    gateway.on('close', (_session, _code, reason) => closed(reason));
    const reader = await new Reader('channel=news').begun();
    reader.response!.pause();
    await until(() => {
      gateway.publish('news', 'N', 'x'.repeat(50_000));
      return closed.mock.calls.length > 0;
    }, 'the end of a slow reader');
  });

  test('a reader that leaves is gone at once, and nothing is kept for it', async () => {
    await listen();
    const reader = await new Reader('channel=news').begun();
    expect(gateway.stats().sessions).toMatchObject({ open: 1 });
    reader.request.destroy();
    await until(() => gateway.stats().sessions.open === 0, 'the session to end');
    expect(gateway.stats().sessions.detached).toBe(0);
  });

  test('silence is broken by comments', async () => {
    await listen({ limits: { streamHeartbeat: 20 } });
    const reader = await new Reader('channel=news').begun();
    let comments = 0;
    reader.response!.on('data', (text: string) => {
      comments += text.split(':\n\n').length - 1;
    });
    await until(() => comments >= 3, 'comments');
  });

  test('the end of the gateway is told', async () => {
    await listen();
    const reader = await new Reader('channel=news').begun();
    await gateway.close();
    await until(() => reader.isOver, 'the end');
    expect(reader.events.at(-1)).toMatchObject({ name: 'close', data: { code: 'going-away', close: 4_500 } });
  });

  test.each([
    ['', 400, 'bad-request'],
    ['channel=nowhere', 404, 'unknown-channel'],
    ['channel=staff', 403, 'forbidden'],
    ['channel=a//b', 400, 'bad-channel'],
    [`channel=${'x'.repeat(500)}`, 400, 'bad-channel'],
    ['channel=news&since=yesterday', 400, 'bad-request'],
    ['channel=news&token=secret', 400, 'bad-request'],
    ['channel=news&ticket=forged', 401, 'bad-ticket'],
  ])('/events?%s is %d %s', async (query, status, code) => {
    await listen();
    const reply = await ask('GET', `/events?${query}`);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
    expect(reply.headers['spillway-error']).toBe(code);
    await until(() => gateway.stats().sessions.open === 0, 'the session to end');
    expect(gateway.stats().http).toEqual({ [code]: 1 });
  });

  test('pages of origins that may not connect, and elements of pages, are refused', async () => {
    await listen({ origins: ['https://a.example'] });
    const foreign = await ask('GET', '/events?channel=news', { origin: 'https://b.example' });
    expect([foreign.status, foreign.json.code]).toEqual([403, 'origin-refused']);
    const image = await ask('GET', '/events?channel=news', { 'sec-fetch-mode': 'no-cors' });
    expect([image.status, image.json.code]).toEqual([403, 'origin-refused']);
    expect(gateway.stats().sessions.open).toBe(0);
  });
});

describe('POST /ticket', () => {
  const ticket = async (token = 'ada') =>
    JSON.parse((await ask('POST', '/ticket', { authorization: `Bearer ${token}` })).body.toString());

  test('a ticket stands for a token where headers cannot be sent, once', async () => {
    await listen({ authenticate: people });
    const given = await ticket();
    expect(given).toEqual({ ticket: expect.stringMatching(/^[\w-]{32}$/), within: 10_000 });
    const reader = await new Reader(`channel=staff&ticket=${given.ticket}`).begun();
    gateway.publish('staff', 'S', 1);
    await until(() => reader.payloads.length === 1, 'an event');
    const again = await ask('GET', `/events?channel=staff&ticket=${given.ticket}`);
    expect([again.status, again.json.code]).toEqual([401, 'bad-ticket']);
  });

  test('a ticket is good for a short time', async () => {
    await listen({ authenticate: people, limits: { ticketLifetime: 1 } });
    const { ticket: late } = await ticket();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await ask('GET', `/events?channel=staff&ticket=${late}`)).json.code).toBe('bad-ticket');
  });

  test('a program reads with the token itself', async () => {
    await listen({ authenticate: people });
    await new Reader('channel=staff', { authorization: 'Bearer ada' }).begun();
  });

  test.each([
    [{}, 'unauthorized'],
    [{ authorization: 'Basic YTpi' }, 'unauthorized'],
    [{ authorization: 'Bearer none' }, 'unauthorized'],
    [{ authorization: 'Bearer old' }, 'unauthorized'],
    [{ authorization: `Bearer ada`, origin: 'https://evil.example' }, 'origin-refused'],
  ])('there is none for %j', async (headers, code) => {
    await listen({ authenticate: people, limits: { sessionsPerAddress: 1 } });
    for (let attempt = 0; attempt < 2; attempt++)
      expect((await ask('POST', '/ticket', headers)).json.code).toBe(code);
    // No place is taken by those who got none.
    await new Reader('channel=news').begun();
  });

  test('a stream ends with the token that it was opened with, and nothing of it is kept', async () => {
    await listen({ authenticate: (token) => ({ id: token ?? 'visitor', expiresAt: Date.now() + 400 }) });
    const reader = await new Reader('channel=staff', { authorization: 'Bearer ada' }).begun();
    await until(() => reader.isOver, 'the end');
    expect(reader.events.at(-1)).toMatchObject({
      name: 'close',
      data: { code: 'token-expired', close: 4_509 },
    });
    expect(gateway.stats().sessions).toMatchObject({ open: 0, detached: 0 });
  });

  test('who may not read hears why, from the hook as on every transport', async () => {
    await listen({ authenticate: people });
    const reply = await ask('GET', '/events?channel=news', { authorization: 'Bearer old' });
    expect([reply.status, reply.json]).toMatchObject([401, { code: 'unauthorized', message: 'too old' }]);
  });
});

describe('POST /publish', () => {
  test('a publication arrives, and its answer says so', async () => {
    await listen({ authenticate: people });
    const reader = await new Reader('channel=staff', { authorization: 'Bearer ada' }).begun();
    const message = { channel: 'staff', type: 'NOTE', payload: { text: 'grüezi' } };
    const reply = await ask('POST', '/publish', { authorization: 'Bearer ada' }, message);
    expect([reply.status, reply.json]).toEqual([200, { outcome: 'delivered' }]);
    await until(() => reader.payloads.length === 1, 'an event');
    expect(reader.payloads).toEqual([{ text: 'grüezi' }]);
    await until(() => gateway.stats().sessions.open === 1, 'the session to end');
    expect(gateway.stats().sessions.detached).toBe(0);
  });

  test('class and key are said as on every transport', async () => {
    await listen();
    const reader = await new Reader('channel=news').begun();
    const message = { channel: 'news', type: 'S', payload: 1, delivery: 'latest', key: 'k' };
    expect((await ask('POST', '/publish', {}, message)).status).toBe(200);
    await until(() => reader.payloads.length === 1, 'an event');
    expect(reader.events[1]!.data).toMatchObject({ meta: { delivery: 'latest', key: 'k' } });
  });

  test.each([
    ['no JSON', '{"channel":', 400, 'bad-json'],
    ['no UTF-8', Buffer.from([0xff]).toString('latin1'), 400, 'bad-json'],
    ['a list', [], 400, 'bad-json'],
    ['nothing in it', {}, 400, 'bad-request'],
    ['no channel', { type: 'X' }, 400, 'bad-request'],
    ['another type of channel', { channel: 7, type: 'X' }, 400, 'bad-request'],
    ['a bad channel', { channel: 'a//b', type: 'X' }, 400, 'bad-request'],
    ['a class that there is none', { channel: 'news', type: 'X', delivery: 'soon' }, 400, 'bad-request'],
    ['a stranger', { channel: 'news', type: 'X', kind: 'hello' }, 400, 'bad-request'],
    ['an unknown channel', { channel: 'nowhere', type: 'X' }, 404, 'unknown-channel'],
    ['a forbidden channel', { channel: 'staff', type: 'X' }, 403, 'forbidden'],
    ['too much', { channel: 'news', type: 'X', payload: 'x'.repeat(70_000) }, 413, 'message-too-large'],
  ])('%s is refused', async (_, body, status, code) => {
    await listen();
    const reply = await ask('POST', '/publish', {}, body);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
    await until(() => gateway.stats().sessions.open === 0, 'the session to end');
  });

  test('a page of another site may ask first, and nobody else may use another method', async () => {
    await listen();
    for (const path of ['/events', '/publish', '/ticket']) {
      const preflight = await ask('OPTIONS', path);
      expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([
        204,
        'authorization, content-type, last-event-id',
      ]);
      const reply = await ask('PUT', path);
      expect([reply.status, reply.json.code, reply.headers.allow]).toEqual([
        405,
        'method-not-allowed',
        preflight.headers.allow,
      ]);
    }
  });
});
