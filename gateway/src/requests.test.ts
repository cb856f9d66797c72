import { RequestError as ClientError, connect, type Session } from '@spillway/client';
import { afterEach, expect, test } from 'vitest';
import { app } from './app/test-app.ts';
import {
  createGateway,
  type Gateway,
  RequestError,
  type SessionHandle,
  SpillwayError,
  serve,
} from './index.ts';

// Requests through a real gateway and a real client, over WebSocket.

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface Both {
  readonly gateway: Gateway;
  readonly client: Session;
  readonly session: SessionHandle;
}

async function both(declare: (gateway: Gateway) => void, limits = {}): Promise<Both> {
  const gateway = createGateway({ port: 0, http: { port: 0 }, engine: 'none', logger: false, limits });
  open.push(gateway);
  declare(gateway);
  const opened = new Promise<SessionHandle>((resolve) => gateway.on('session', resolve));
  const { http } = await gateway.listen();
  const client = await connect(http!, { transports: ['websocket'] });
  open.push(client);
  return { gateway, client, session: await opened };
}

const NEVER = new Promise<never>(() => {});

test('the server asks, and the client answers', async () => {
  const { client, session } = await both(() => {});
  client.handle<{ a: number; b: number }>('ADD', ({ a, b }) => a + b);
  client.handle('BYTES', () => Uint8Array.of(1, 2));
  client.handle('NOTHING', async () => {});
  expect(await session.request('ADD', { a: 1, b: 2 })).toBe(3);
  expect(await session.request('BYTES')).toEqual(Uint8Array.of(1, 2));
  expect(await session.request('NOTHING')).toBeUndefined();
});

test('what a handler of the client throws reaches the server by its code, or as internal', async () => {
  const { client, session } = await both(() => {});
  const reported: unknown[] = [];
  client.on('error', ({ code, cause }) => reported.push([code, cause]));
  const bug = new Error('secret');
  client.handle('BUSY', () => {
    throw new ClientError('busy', 'not now', { details: { until: 7 } });
  });
  client.handle('BUG', () => Promise.reject(bug));
  await expect(session.request('BUSY')).rejects.toMatchObject({
    name: 'RequestError',
    code: 'busy',
    message: 'not now',
    details: { until: 7 },
  });
  await expect(session.request('BUG')).rejects.toMatchObject({ code: 'internal', details: undefined });
  await expect(session.request('NOPE')).rejects.toMatchObject({ code: 'unknown-request' });
  expect(reported).toEqual([['listener-failed', bug]]);
});

test('a request of the server ends by its timeout or signal, and the client’s handler hears so', async () => {
  const { client, session } = await both(() => {});
  const aborted: string[] = [];
  client.handle<string>('WAIT', (name, { signal }) => {
    signal.addEventListener('abort', () => aborted.push(name));
    return NEVER;
  });
  const controller = new AbortController();
  const stopped = session.request('WAIT', 'signal', { signal: controller.signal });
  setImmediate(() => controller.abort('enough'));
  await expect(stopped).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
  await expect(session.request('WAIT', 'timeout', { timeout: 10 })).rejects.toMatchObject({
    code: 'timeout',
  });
  await expect.poll(() => aborted).toEqual(['signal', 'timeout']);
  await expect(session.request('WAIT', 'late', { signal: controller.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
});

test('what the client’s request aborts is the handler’s signal', async () => {
  const aborted = Promise.withResolvers<void>();
  const { client } = await both((gateway) => {
    gateway.handle('WAIT', (_payload, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      return NEVER;
    });
  });
  const controller = new AbortController();
  const waiting = client.request('WAIT', 1, { signal: controller.signal });
  setImmediate(() => controller.abort());
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  await aborted.promise;
});

test('the end of the session aborts the handlers of both ends, and fails what they were asked', async () => {
  const ends: string[] = [];
  let begun = 0;
  const listen =
    (name: string) =>
    (_: unknown, { signal }: { signal: AbortSignal }) => {
      begun++;
      signal.addEventListener('abort', () => ends.push(name));
      return NEVER;
    };
  const { client, session } = await both((gateway) => gateway.handle('WAIT', listen('server')));
  client.handle('WAIT', listen('client'));
  const asked = [client.request('WAIT'), session.request('WAIT')];
  for (const one of asked) one.catch(() => {});
  await expect.poll(() => begun).toBe(2);
  await client.close();
  await expect(asked[0]).rejects.toMatchObject({ code: 'closed' });
  await expect(asked[1]).rejects.toBeInstanceOf(RequestError);
  await expect.poll(() => ends.toSorted()).toEqual(['client', 'server']);
  await expect(session.request('WAIT')).rejects.toMatchObject({ code: 'closed' });
});

test('an answer in parts is read as a loop, and the loop returns the answer', async () => {
  const { client, session } = await both((gateway) => {
    gateway.handle('COUNT', async function* (to) {
      for (let i = 1; i <= (to as number); i++) yield i;
      return 'done';
    });
  });
  client.handle<number>('COUNT', async (to, { progress }) => {
    for (let i = 1; i <= to; i++) await progress(i);
    return 'counted';
  });
  const read = async (stream: AsyncIterator<unknown, unknown>): Promise<unknown[]> => {
    const parts: unknown[] = [];
    for (;;) {
      const { done, value } = await stream.next();
      parts.push(value);
      if (done) return parts;
    }
  };
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(await read(client.stream('COUNT', 100))).toEqual([...hundred, 'done']);
  expect(await read(session.stream('COUNT', 100))).toEqual([...hundred, 'counted']);
  const parts: unknown[] = [];
  expect(await client.request('COUNT', 100, { progress: (part) => parts.push(part) })).toBe('done');
  expect(parts).toEqual(hundred);
  expect(await session.request('COUNT', 100)).toBe('counted');
});

test('a generator runs no further ahead than its parts are read, and ends where the loop is left', async () => {
  let produced = 0;
  const ended = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<number> {
    try {
      for (;;) yield ++produced;
    } finally {
      ended.resolve();
    }
  }
  const { client } = await both((gateway) => gateway.handle('ENDLESS', endless));
  let read = 0;
  for await (const part of client.stream<number>('ENDLESS')) {
    expect(part).toBe(++read);
    if (read === 3) await expect.poll(() => produced).toBe(32);
    if (read === 100) break;
  }
  await ended.promise;
  expect(produced).toBeLessThanOrEqual(132);
});

test('a stream that fails half way throws where the parts end', async () => {
  const { client } = await both((gateway) => {
    gateway.handle('BREAK', async function* () {
      yield 1;
      throw new SpillwayError('broken', 'half way');
    });
  });
  const parts: unknown[] = [];
  const reading = (async () => {
    for await (const part of client.stream('BREAK')) parts.push(part);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'broken', message: 'half way' });
  expect(parts).toEqual([1]);
});

test('a request that is asked again by its id is not done again, and has the same answer', async () => {
  let calls = 0;
  const gate = Promise.withResolvers<void>();
  const { client } = await both((gateway) => {
    gateway.handle('PAY', async (amount, { id }) => {
      await gate.promise;
      return { id, amount, calls: ++calls };
    });
  });
  const id = 'order-7';
  await expect(client.request('PAY', 5, { id, timeout: 20 })).rejects.toMatchObject({ code: 'timeout' });
  const again = client.request('PAY', 5, { id });
  await expect(client.request('PAY', 5, { id })).rejects.toMatchObject({ code: 'duplicate-id' });
  gate.resolve();
  expect(await again).toEqual({ id, amount: 5, calls: 1 });
  expect(await client.request('PAY', 5, { id })).toEqual({ id, amount: 5, calls: 1 });
  await expect(client.request('PAY', 5, { id: 'x1' })).rejects.toThrow(TypeError);
});

test('requests of both directions are bounded', async () => {
  const { client, session } = await both((gateway) => gateway.handle('WAIT', () => NEVER), {
    requestsPerSession: 2,
  });
  client.handle('WAIT', () => NEVER);
  for (const ask of [() => client.request('WAIT'), () => session.request('WAIT')]) {
    for (let i = 0; i < 2; i++) ask().catch(() => {});
    await expect(ask()).rejects.toMatchObject({ code: 'too-many-requests' });
  }
});

test('an answer of the client that its schema refuses is an error for the server, with the path', async () => {
  const { client, session } = await both(() => {});
  client.handle<unknown>('ECHO', (payload) => payload);
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof (value as { seat?: unknown }).seat === 'number'
          ? { value: (value as { seat: number }).seat }
          : { issues: [{ message: 'expected a number', path: ['seat'] }] },
    },
  };
  expect(await session.request('ECHO', { seat: 4 }, { schema })).toBe(4);
  await expect(session.request('ECHO', { seat: 'x' }, { schema })).rejects.toMatchObject({
    name: 'RequestError',
    code: 'invalid-payload',
    details: { issues: [{ path: 'seat', message: 'expected a number' }] },
  });
});

test('a client that goes on being refused is sent away, one that is refused now and then is not', async () => {
  const { client } = await both(() => {}, { errorsPerSecond: 1 });
  const closed = new Promise<string>((resolve) => client.on('state', (state) => resolve(state)));
  for (let i = 0; i < 10; i++) {
    await expect(client.request('NOPE')).rejects.toMatchObject({ code: 'unknown-request' });
  }
  expect(client.state).toBe('open');
  client.request('NOPE').catch(() => {});
  expect(await closed).toBe('reconnecting');
});

test('what was asked goes on over a resume, both ways, and is done once', async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  const slow = (name: string) => async () => {
    calls.push(name);
    await gate.promise;
    return name;
  };
  const { client, session } = await both((gateway) => gateway.handle('SLOW', slow('server')));
  client.handle('SLOW', slow('client'));
  const asked = [client.request('SLOW'), session.request('SLOW')];
  await expect.poll(() => calls.length).toBe(2);
  const { id } = client;
  await client.switchTo(['sse']);
  gate.resolve();
  expect(await Promise.all(asked)).toEqual(['server', 'client']);
  expect(calls.toSorted()).toEqual(['client', 'server']);
  expect([client.id, client.transport.name]).toEqual([id, 'sse']);
});

test('who publishes hears each stage: the gateway has it, the application is done with it, it is published', async () => {
  const gate = Promise.withResolvers<void>();
  const { client } = await both((gateway) => {
    gateway.channel('slow', { onPublish: () => gate.promise });
    gateway.channel('quick');
    gateway.channel('inputs', { onPublish: () => false });
    gateway.channel('refused', {
      onPublish: () => {
        throw new SpillwayError('too-late', 'it is over');
      },
    });
  });
  const heard: Record<string, unknown[]> = {};
  for (const name of ['slow', 'quick', 'inputs', 'refused']) {
    const stages: unknown[] = [];
    heard[name] = stages;
    client.channel(name).publish('X', 1, {
      receipt: (stage, error) => stages.push(error ? `${stage} ${error.code}` : stage),
    });
  }
  expect(await client.channel('slow').publish('X', 1, { receipt: 'received' })).toBe('received');
  expect(heard).toEqual({
    slow: ['received'],
    quick: ['received', 'processed', 'delivered'],
    inputs: ['received', 'processed'],
    refused: ['failed too-late'],
  });
  gate.resolve();
  expect(await client.channel('slow').publish('X', 1, { receipt: 'processed' })).toBe('processed');
  expect(heard.slow).toEqual(['received', 'processed', 'delivered']);
  expect(await client.channel('inputs').publish('X', 1, { receipt: true })).toBe('delivered');
});

test('an app that is declared once is served and called with its types', async () => {
  const gateway = createGateway({ port: 0, http: { port: 0 }, engine: 'none', logger: false });
  open.push(gateway);
  const served = serve(gateway, app, {
    channels: { 'arena/:room': { onPublish: () => true } },
    requests: {
      JOIN: ({ name }) => ({ seat: name.length }),
      LEAVE: () => {},
      EXPORT: async function* () {
        yield { celsius: 20 };
      },
    },
  });
  const opened = new Promise<SessionHandle>((resolve) => gateway.on('session', resolve));
  const { http } = await gateway.listen();
  const client = await connect<typeof app>(http!, { transports: ['websocket'] });
  open.push(client);
  const notices: string[] = [];
  client.on('message', (_type, payload) => notices.push(payload));
  client.handle('CONFIRM', ({ name }) => (name === 'ada' ? 'yes' : ''));
  const session = served.session(await opened);
  session.send('NOTICE', 'hello');
  // The schema gives texts out in capitals, and takes none that are empty.
  expect(await session.request('CONFIRM', { name: 'ada' })).toBe('YES');
  await expect(session.request('CONFIRM', { name: 'bob' })).rejects.toMatchObject({
    code: 'invalid-payload',
  });
  expect(notices).toEqual(['hello']);
  expect(await client.request('JOIN', { name: 'ada' })).toEqual({ seat: 3 });
  const readings: number[] = [];
  for await (const { celsius } of client.stream('EXPORT')) readings.push(celsius);
  expect(readings).toEqual([20]);
  const arena = client.channel('arena/7');
  await arena.subscribe();
  const said = new Promise<string>((resolve) => arena.on('SAY', resolve));
  expect(await arena.publish('SAY', 'hello', { receipt: true })).toBe('delivered');
  expect(await said).toBe('hello');
  const nameless = { by: { name: '' } };
  await expect(arena.publish('MOVE', nameless, { receipt: true })).rejects.toMatchObject({
    code: 'invalid-payload',
    details: { issues: [{ path: 'by.name' }] },
  });
});
