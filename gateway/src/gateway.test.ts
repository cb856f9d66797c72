import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, devCertificate } from '@spillway/certs';
import {
  CLOSE,
  type Envelope,
  encode,
  type Hello,
  jsonPayload,
  type Kind,
  NOTHING_RECEIVED,
  readPacket,
  type Welcome,
} from '@spillway/envelope';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { MemoryBroker } from './brokers/memory.ts';
import { until } from './compliance/acceptor.ts';
import { TestLogger } from './compliance/fixture.ts';
import type { BrokerMessage } from './core/contracts/broker.ts';
import type { SessionHandle } from './core/session-handle.ts';
import { createGateway, type Gateway } from './gateway.ts';
import type { GatewayOptions } from './options.ts';

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-gateway-'));
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

/** A client in an open session over WebSocket, its envelopes in text. */
class Client {
  readonly envelopes: Envelope[] = [];
  code: number | undefined;
  welcome: Welcome | undefined;
  readonly #socket: WebSocket;

  constructor(gateway: Gateway) {
    const { http = '' } = gateway.address();
    this.#socket = new WebSocket(`${http.replace('http', 'ws')}/ws`, 'spillway.v1.json');
    this.#socket.on('message', (data: Buffer) => {
      readPacket(data, undefined, (envelope) => this.envelopes.push(envelope));
    });
    this.#socket.on('close', (code) => {
      this.code = code;
    });
  }

  static async join(gateway: Gateway, resume?: Hello['resume']): Promise<Client> {
    const client = new Client(gateway);
    await once(client.#socket, 'open');
    client.send({ kind: 'hello', protocol: 1, client: 'test', reasons: [], resume });
    client.welcome = await client.next('welcome');
    return client;
  }

  /** Goes without a word. */
  vanish(): void {
    this.#socket.terminate();
  }

  send(envelope: Envelope): void {
    this.#socket.send(encode(envelope, 'json'), { binary: false });
  }

  /** Takes the oldest envelope of this kind, once it is there. */
  next<K extends Kind>(kind: K): Promise<Extract<Envelope, { kind: K }>> {
    return until(() => {
      const index = this.envelopes.findIndex((envelope) => envelope.kind === kind);
      return index < 0 ? undefined : (this.envelopes.splice(index, 1)[0] as Extract<Envelope, { kind: K }>);
    }, kind);
  }

  async subscribe(channel: string): Promise<void> {
    this.send({ kind: 'subscribe', id: 's', channel });
    await this.next('subscribed');
  }

  ended(): Promise<number> {
    return until(() => this.code, 'the end');
  }

  leave(): void {
    this.#socket.close(CLOSE.normal, '');
  }
}

const json = (payload: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(payload));

test('options outside their range are refused at once, by name', () => {
  expect(() => createGateway({ limits: { maxSessions: 0 } })).toThrow('limits.maxSessions');
  expect(() => createGateway({ origins: ['play.example'] })).toThrow("'play.example'");
});

test('clients play through the gateway: subscribe, publish, request, private messages', async () => {
  const gateway = gatewayWith();
  const name: StandardSchemaV1<{ name: string }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        typeof (value as { name?: unknown }).name === 'string'
          ? { value: value as { name: string } }
          : { issues: [{ message: 'a name, please' }] },
    },
  };
  gateway
    .channel('arena/:room', {
      onPublish: ({ type }, { session, params }) => {
        if (type === 'WHERE') session.send('HERE', params.room);
        return type !== 'WHERE';
      },
    })
    .handle('JOIN', { schema: name }, ({ name: who }) => ({ hello: who }))
    .handle('PLAIN', () => 'plain');
  await gateway.listen();
  const [ada, bob] = [await Client.join(gateway), await Client.join(gateway)];
  for (const client of [ada, bob]) await client.subscribe('arena/7');
  const publish = (type: string) =>
    ada.send({
      kind: 'event',
      channel: 'arena/7',
      type,
      delivery: 'reliable',
      codec: 'json',
      payload: jsonPayload(1),
    });
  publish('MOVE');
  for (const client of [ada, bob]) expect(await client.next('event')).toMatchObject({ type: 'MOVE', seq: 1 });
  publish('WHERE');
  const { channel, type, payload } = await ada.next('event');
  expect([channel, type, json(payload)]).toEqual(['', 'HERE', '7']);
  let ids = 0;
  const request = (type: string, value: unknown) => {
    const id = `r${++ids}`;
    bob.send({ kind: 'request', id, channel: '', type, codec: 'json', payload: jsonPayload(value) });
  };
  request('JOIN', { name: 'Bob' });
  expect(json((await bob.next('response')).payload)).toEqual({ hello: 'Bob' });
  request('JOIN', {});
  expect(await bob.next('error')).toMatchObject({ code: 'invalid-payload', message: 'a name, please' });
  request('PLAIN', 1);
  expect(json((await bob.next('response')).payload)).toBe('plain');
  expect(gateway.stats()).toMatchObject({
    sessions: { open: 2, opened: 2, transports: { websocket: 2 } },
    channels: 1,
    published: 1,
    delivered: 2,
  });
});

test('the server publishes, in the class of the channel unless it names another', async () => {
  const gateway = gatewayWith();
  gateway.channel('news').channel('arena/:room', { delivery: 'unreliable' });
  await gateway.listen();
  const client = await Client.join(gateway);
  for (const channel of ['news', 'arena/7']) await client.subscribe(channel);
  gateway.publish('news', 'FLASH', { x: 1 });
  expect(await client.next('event')).toMatchObject({ delivery: 'reliable', codec: 'json' });
  gateway.publish('arena/7', 'STATE', new Uint8Array([7]), { key: 'p1' });
  expect(await client.next('event')).toMatchObject({ delivery: 'unreliable', codec: 'bytes', key: 'p1' });
  gateway.publish('arena/7', 'STATE', 1, { delivery: 'latest' });
  expect(await client.next('event')).toMatchObject({ delivery: 'latest' });
});

test('what may be dropped is worth as much as its publisher says, or else its channel', async () => {
  const sent: unknown[] = [];
  class Recorder extends MemoryBroker {
    override publish(message: BrokerMessage): void {
      sent.push([message.maxAge, message.oversize]);
      super.publish(message);
    }
  }
  const gateway = gatewayWith({ broker: new Recorder() });
  gateway.channel('news').channel('arena/:room', { maxAge: 500, oversize: 'drop' });
  gateway.publish('news', 'T', 1);
  gateway.publish('arena/7', 'T', 1);
  gateway.publish('arena/7', 'T', 1, { maxAge: 100 });
  gateway.publish('arena/7', 'T', 1, { oversize: 'stream' });
  expect(sent).toEqual([
    [undefined, undefined],
    [500, 'drop'],
    [100, 'drop'],
    [500, 'stream'],
  ]);
});

test.each([-1, 1_001, Number.NaN, '5' as unknown as number])('a maxDelay of %s is refused', (maxDelay) => {
  expect(() => createGateway({ maxDelay })).toThrow(RangeError);
});

test('a client that loses its connection goes on with its session, and the application hears of both', async () => {
  const gateway = gatewayWith();
  const heard: string[] = [];
  gateway.on('detached', ({ connected }, code) => void heard.push(`detached ${connected} ${code}`));
  gateway.on('resumed', ({ connected }) => void heard.push(`resumed ${connected}`));
  await gateway.listen();
  const client = await Client.join(gateway);
  const { resume: token = '', session } = client.welcome!;
  const [handle] = [...gateway.sessions];
  client.vanish();
  await until(() => heard.length === 1, 'the loss');
  handle!.send('HINT', 'while away');
  expect(gateway.stats().sessions).toMatchObject({ open: 1, detached: 1, transports: {} });
  const again = await Client.join(gateway, { token, received: NOTHING_RECEIVED });
  expect(again.welcome).toMatchObject({ session, resumed: true });
  expect(again.welcome!.resume).not.toBe(token);
  expect(again.welcome!.resume).toMatch(/^[\w-]{43}$/);
  expect(new TextDecoder().decode((await again.next('event')).payload)).toBe('"while away"');
  expect(heard).toEqual([`detached false ${CLOSE['transport-lost']}`, 'resumed true']);
  expect(gateway.stats().sessions).toMatchObject({ open: 1, detached: 0, resumed: 1 });
});

test('what cannot be published is the caller’s error', () => {
  const gateway = gatewayWith({ limits: { maxMessageBytes: 20_000 } });
  gateway.channel('news');
  const publish = (channel: string, type = 'T', payload: unknown = 1, options = {}) =>
    expect(() => gateway.publish(channel, type, payload, options));
  publish('lobby').toThrow(expect.objectContaining({ code: 'unknown-channel' }));
  publish('news/+').toThrow(expect.objectContaining({ code: 'bad-channel' }));
  publish('').toThrow(expect.objectContaining({ code: 'bad-channel' }));
  publish('news', '').toThrow(expect.objectContaining({ code: 'bad-value' }));
  publish('news', 'T', 1, { key: '' }).toThrow(expect.objectContaining({ code: 'bad-value' }));
  publish('news', 'T', 10n).toThrow(expect.objectContaining({ code: 'bad-payload' }));
  publish('news', 'T', new Uint8Array(20_001)).toThrow(
    expect.objectContaining({ code: 'message-too-large' }),
  );
  expect(gateway.stats().published).toBe(0);
});

test('patterns and handlers are declared once, and a handler is needed', () => {
  const gateway = gatewayWith()
    .channel('news')
    .handle('JOIN', () => 1);
  expect(() => gateway.channel('news')).toThrow(expect.objectContaining({ code: 'duplicate-pattern' }));
  expect(() => gateway.handle('JOIN', () => 1)).toThrow(
    expect.objectContaining({ code: 'duplicate-handler' }),
  );
  expect(() => (gateway.handle as (type: string, options: object) => void)('X', {})).toThrow(TypeError);
});

test('the application hears of sessions, and can look at those that are open', async () => {
  const gateway = gatewayWith();
  const heard: string[] = [];
  const silenced = () => heard.push('must not be heard');
  gateway.on('session', (session) => void heard.push(`open ${session.transport}`));
  gateway.on(
    'close',
    (session, code, reason) => void heard.push(`close ${session.id.length > 0} ${code} ${reason}`),
  );
  gateway.on('session', silenced).off('session', silenced);
  await gateway.listen();
  const client = await Client.join(gateway);
  const open = [...gateway.sessions];
  expect(open.map(({ transport }: SessionHandle) => transport)).toEqual(['websocket']);
  open[0]!.close('forbidden', 'out');
  expect(await client.ended()).toBe(CLOSE.forbidden);
  expect(heard).toEqual(['open websocket', `close true ${CLOSE.forbidden} out`]);
  expect([...gateway.sessions]).toEqual([]);
});

test('a listener that fails, at once or later, is logged and keeps nobody else from hearing', async () => {
  const logger = new TestLogger();
  const gateway = gatewayWith({ logger });
  const heard: string[] = [];
  gateway.on('session', () => {
    throw new Error('at once');
  });
  gateway.on('session', () => Promise.reject(new Error('later')) as never);
  gateway.on('session', () => void heard.push('heard'));
  await gateway.listen();
  await Client.join(gateway);
  await until(() => logger.errors.length === 2, 'both failures');
  expect(logger.errors.map((error) => (error as Error).message).sort()).toEqual(['at once', 'later']);
  expect(heard).toEqual(['heard']);
});

test('is ready from listen until drain', async () => {
  const gateway = gatewayWith();
  expect(gateway.ready).toBe(false);
  const { http } = await gateway.listen();
  const status = async (path: string) =>
    (await fetch(`${http}${path}`, { headers: { connection: 'close' } })).status;
  expect([gateway.ready, await status('/readyz'), await status('/healthz')]).toEqual([true, 200, 200]);
  const client = await Client.join(gateway);
  const drained = gateway.drain(60_000);
  expect([gateway.ready, await status('/readyz'), await status('/healthz')]).toEqual([false, 503, 200]);
  client.leave();
  await drained;
});

test('a drain asks clients to move, waits for them, and then closes', async () => {
  const gateway = gatewayWith();
  const { http = '' } = await gateway.listen();
  const client = await Client.join(gateway);
  const drained = gateway.drain(59_999.5);
  expect(await client.next('drain')).toEqual({ kind: 'drain', within: 60_000 });
  expect(gateway.stats().sessions.open).toBe(1);
  client.leave();
  await drained;
  await expect(fetch(http)).rejects.toThrow();
});

test('a drain takes a time that a timer can wait', async () => {
  const gateway = gatewayWith();
  await gateway.listen();
  for (const within of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    await expect(gateway.drain(within)).rejects.toThrow(RangeError);
  }
  expect(gateway.ready).toBe(true);
});

test('close tells every client and may be called again', async () => {
  const gateway = gatewayWith();
  await gateway.listen();
  const clients = [await Client.join(gateway), await Client.join(gateway)];
  await Promise.all([gateway.close(), gateway.close()]);
  for (const client of clients) expect(await client.ended()).toBe(CLOSE['going-away']);
  for (const client of clients)
    expect(await client.next('close')).toMatchObject({ code: CLOSE['going-away'] });
  await gateway.close();
});

test('a gateway is closed at the end of its scope', async () => {
  let url: string | undefined;
  {
    await using gateway = gatewayWith();
    url = (await gateway.listen()).http;
  }
  await expect(fetch(url ?? '')).rejects.toThrow();
});

test('listens once', async () => {
  const gateway = gatewayWith();
  await gateway.listen();
  await expect(gateway.listen()).rejects.toMatchObject({ code: 'already-listening' });
  await gateway.close();
  await expect(gateway.listen()).rejects.toMatchObject({ code: 'already-listening' });
});

test('close while it starts waits for what is being opened, and frees it', async () => {
  const gateway = gatewayWith({ engine: 'rwebtransport' });
  const listening = gateway.listen();
  listening.catch(() => {});
  await gateway.close();
  await expect(listening).rejects.toMatchObject({ code: 'closed' });
  const { http = '', https = '' } = gateway.address();
  for (const url of [http, https]) await expect(fetch(url)).rejects.toThrow();
  expect(gateway.ready).toBe(false);
});

test('the broker is the one that was given: started first, closed last', async () => {
  const calls: string[] = [];
  class Recorder extends MemoryBroker {
    override start(...all: Parameters<MemoryBroker['start']>): Promise<void> {
      calls.push('start');
      return super.start(...all);
    }

    override subscribe(channel: string): Promise<void> {
      calls.push(`subscribe ${channel}`);
      return super.subscribe(channel);
    }

    override unsubscribe(channel: string): void {
      calls.push(`unsubscribe ${channel}`);
      super.unsubscribe(channel);
    }

    override close(): Promise<void> {
      calls.push('close');
      return super.close();
    }
  }
  const gateway = gatewayWith({ broker: new Recorder() }).channel('news');
  await gateway.listen();
  const client = await Client.join(gateway);
  await client.subscribe('news');
  await gateway.close();
  expect(calls).toEqual(['start', 'subscribe news', 'unsubscribe news', 'close']);
});

test('a broker that cannot start keeps the gateway from listening', async () => {
  class Broken extends MemoryBroker {
    override start(): Promise<void> {
      return Promise.reject(new Error('no such host'));
    }
  }
  const gateway = gatewayWith({ broker: new Broken() });
  await expect(gateway.listen()).rejects.toThrow('no such host');
  expect(gateway.address()).toEqual({});
});
