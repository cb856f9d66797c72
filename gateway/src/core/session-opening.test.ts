import { CLOSE, decode, encode, type Hello, joinPacket, NOTHING_RECEIVED } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled } from '../compliance/fixture.ts';
import { SpillwayError } from './errors.ts';

const HELLO: Hello = { kind: 'hello', protocol: 1, client: 'bench', reasons: [] };

test.each(['binary', 'json'] as const)(
  'HELLO in %s is answered by WELCOME in the same encoding',
  async (encoding) => {
    const bench = new Bench({ limits: { maxNames: 77 } });
    const client = bench.connect({ encoding });
    client.send(HELLO);
    const { envelope, bytes, lane } = await client.nextArrival('welcome');
    expect(envelope).toEqual({
      kind: 'welcome',
      session: 'session-1',
      resume: 'token-1',
      resumed: false,
      time: bench.clock.now(),
      limits: {
        maxMessageBytes: 65_536,
        messagesPerSecond: 500,
        bytesPerSecond: 1_048_576,
        subscriptionsPerSession: 128,
        maxNames: 77,
        pingInterval: 10_000,
        idleTimeout: 30_000,
      },
      received: NOTHING_RECEIVED,
    });
    expect(bytes[0] === 0x7b).toBe(encoding === 'json');
    expect(lane).toBe(0);
  },
);

test('a session is open, and known to the application, once it was welcomed', async () => {
  const bench = new Bench();
  const client = bench.connect();
  await settled();
  expect([bench.opened.length, bench.sessions.size]).toEqual([0, 1]);
  await client.hello({ reasons: [{ transport: 'webtransport', reason: 'udp-blocked' }] });
  const [session] = bench.opened;
  expect(session).toMatchObject({
    id: 'session-1',
    user: undefined,
    transport: 'memory',
    remoteAddress: '127.0.0.1',
    reasons: [{ transport: 'webtransport', reason: 'udp-blocked' }],
  });
  expect([...bench.sessions]).toEqual([session]);
});

test.each([
  ['PING', { kind: 'ping', time: 1 }],
  ['SUBSCRIBE', { kind: 'subscribe', id: '1', channel: 'a' }],
  ['NAMES', { kind: 'names', routes: [], keys: [] }],
  ['WELCOME’s opposite, CLOSE', { kind: 'close', code: 4000, reason: '' }],
] as const)('nothing but HELLO may come first, not %s', async (_, envelope) => {
  const bench = new Bench();
  const client = bench.connect();
  client.send(envelope);
  expect(await client.end()).toEqual({
    code: CLOSE['protocol-error'],
    reason: 'bad-value: the first envelope must be HELLO, alone',
  });
  expect(bench.opened).toEqual([]);
});

test('HELLO comes alone, not with others in one packet', async () => {
  const bench = new Bench({ authenticate: () => ({ id: 'ada' }) });
  const client = bench.connect();
  client.pipe.send(joinPacket([encode(HELLO), encode({ kind: 'ping', time: 1 })], 'binary'));
  expect((await client.end()).code).toBe(CLOSE['protocol-error']);
  expect(bench.opened).toEqual([]);
});

test('nothing may follow HELLO before WELCOME', async () => {
  const bench = new Bench({ authenticate: () => new Promise(() => {}) });
  const client = bench.connect();
  client.send(HELLO, { kind: 'ping', time: 1 });
  expect(await client.end()).toEqual({
    code: CLOSE['protocol-error'],
    reason: 'bad-value: the client must wait for WELCOME',
  });
});

test('a second HELLO breaks the protocol', async () => {
  const client = await new Bench().join();
  client.send(HELLO);
  expect((await client.end()).code).toBe(CLOSE['protocol-error']);
});

test('a datagram is no HELLO: before WELCOME it is counted and dropped', async () => {
  const bench = new Bench();
  const client = bench.connect();
  client.sendDatagram(HELLO);
  await settled();
  expect(client.kinds).toEqual([]);
  await client.hello();
  expect(bench.opened[0]!.stats().dropped.malformed).toBe(1);
});

test.each([
  ['envelope version 2', Uint8Array.from(encode(HELLO), (byte, at) => (at === 0 ? byte + 32 : byte))],
  ['text version 2', new TextEncoder().encode('{"v":2,"kind":"hello","protocol":2,"client":""}')],
  ['no version at all', new TextEncoder().encode('{"kind":"hello"}')],
  ['a protocol below the first', encode({ ...HELLO, protocol: 0 })],
])('%s is an unsupported version', async (_, bytes) => {
  const client = new Bench().connect();
  client.pipe.send(bytes);
  expect((await client.end()).code).toBe(CLOSE['unsupported-version']);
});

test('a client that speaks a later protocol too is welcome: the envelope says which one is spoken', async () => {
  await new Bench().connect().hello({ protocol: 7 });
});

test('HELLO has a size of its own', async () => {
  const bench = new Bench({ limits: { maxHelloBytes: 100 } });
  const fits = 100 - encode({ ...HELLO, token: '' }).length;
  await bench.connect().hello({ token: 'x'.repeat(fits) });
  const client = bench.connect();
  client.send({ ...HELLO, token: 'x'.repeat(fits + 1) });
  expect(await client.end()).toEqual({
    code: CLOSE['message-too-large'],
    reason: 'HELLO is larger than 100 bytes',
  });
});

test('who does not say HELLO in time is closed', async () => {
  const bench = new Bench();
  const client = bench.connect();
  bench.advance(4_999);
  await settled();
  expect(client.ending).toBeUndefined();
  bench.advance(1);
  expect(await client.end()).toEqual({ code: CLOSE['hello-timeout'], reason: 'no HELLO in time' });
  // No envelope: whether this client reads text or binary its HELLO would have said.
  expect(client.kinds).toEqual([]);
  expect(bench.sessions.size).toBe(0);
});

test('authenticate gets the token and who is asking', async () => {
  const asked: unknown[] = [];
  const bench = new Bench({
    authenticate: (token, { origin, remoteAddress }) => {
      asked.push(token, origin, remoteAddress);
      return { id: 'ada' };
    },
  });
  const client = bench.connect({ admission: { origin: 'http://localhost:1' } });
  await client.hello({ token: 'secret' });
  await bench.connect().hello();
  expect(asked).toEqual(['secret', 'http://localhost:1', '127.0.0.1', undefined, undefined, '127.0.0.1']);
});

test.each([
  ['at once', () => ({ id: 'ada', role: 'admin' })],
  ['later', async () => ({ id: 'ada', role: 'admin' })],
])('the user that authenticate gives %s is the session’s', async (_, authenticate) => {
  const bench = new Bench({ authenticate });
  await bench.join();
  expect(bench.opened[0]!.user).toEqual({ id: 'ada', role: 'admin' });
});

test.each([
  ['nobody', () => undefined],
  ['nobody, later', async () => undefined],
  ['null, as data bases do', () => null as unknown as undefined],
  ['false', async () => false as unknown as undefined],
])('authenticate that gives %s refuses the client', async (_, authenticate) => {
  const bench = new Bench({ authenticate });
  const client = bench.connect({ encoding: 'json' });
  client.send({ ...HELLO, token: 'secret' });
  expect(await client.next('error')).toMatchObject({
    code: 'unauthorized',
    id: undefined,
    details: '{"reason":"refused"}',
  });
  expect(await client.end()).toEqual({
    code: CLOSE.unauthorized,
    reason: 'the token was not accepted',
  });
  expect([bench.opened, bench.closed, bench.sessions.size]).toEqual([[], [], 0]);

  const silent = bench.connect();
  silent.send(HELLO);
  expect(await silent.next('error')).toMatchObject({ details: '{"reason":"missing"}' });
});

test.each([
  [
    'throws',
    () => {
      throw new SpillwayError('token-expired', 'log in again', { details: { since: 5 } });
    },
  ],
  [
    'rejects with',
    () => Promise.reject(new SpillwayError('token-expired', 'log in again', { details: { since: 5 } })),
  ],
])('a SpillwayError that authenticate %s reaches the client', async (_, authenticate) => {
  const bench = new Bench({ authenticate });
  const client = bench.connect();
  client.send(HELLO);
  expect(await client.next('error')).toMatchObject({
    code: 'token-expired',
    message: 'log in again',
    details: '{"since":5}',
  });
  expect(await client.end()).toEqual({ code: CLOSE.unauthorized, reason: 'log in again' });
  expect(bench.logger.errors).toEqual([]);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('password of the data base');
    },
  ],
  ['rejects', () => Promise.reject(new Error('password of the data base'))],
])(
  'when authenticate %s for a reason of its own, the client learns nothing of it and may come again',
  async (_, authenticate) => {
    const bench = new Bench({ authenticate });
    const client = bench.connect();
    client.send(HELLO);
    expect(await client.next('error')).toMatchObject({
      code: 'internal',
      message: 'the token could not be checked',
    });
    expect(await client.end()).toEqual({ code: CLOSE.internal, reason: 'the token could not be checked' });
    expect(bench.logger.lines).toEqual(['error: authenticate failed']);
    expect(bench.logger.errors).toEqual([new Error('password of the data base')]);
  },
);

test('authenticate that never answers is not waited for longer than for HELLO itself', async () => {
  const bench = new Bench({ authenticate: () => new Promise(() => {}) });
  const client = bench.connect();
  bench.advance(4_999);
  client.send(HELLO);
  await settled();
  bench.advance(4_999);
  await settled();
  expect(client.ending).toBeUndefined();
  bench.advance(1);
  expect(await client.end()).toEqual({ code: CLOSE.internal, reason: 'the token was not checked in time' });
  expect(bench.sessions.size).toBe(0);
});

test.each(['accepts', 'fails'])(
  'a client that leaves while authenticate works stays gone when it %s',
  async (how) => {
    const answer = Promise.withResolvers<{ id: string }>();
    const bench = new Bench({ authenticate: () => answer.promise });
    const client = bench.connect();
    client.send(HELLO);
    await settled();
    client.pipe.close(CLOSE.normal, 'changed my mind');
    await settled();
    if (how === 'accepts') answer.resolve({ id: 'ada' });
    else answer.reject(new Error('too late for the client'));
    await settled();
    expect([bench.opened, bench.closed, client.kinds]).toEqual([[], [], []]);
    expect(bench.admission.connections).toBe(0);
    expect(bench.logger.lines).toEqual(how === 'fails' ? ['error: authenticate failed'] : []);
  },
);

test('an error of authenticate that does not fit an ERROR is still an answer', async () => {
  const bench = new Bench({
    authenticate: () => {
      throw new SpillwayError('x'.repeat(100), '\ud800'.repeat(10_000));
    },
  });
  const client = bench.connect();
  client.send(HELLO);
  expect(await client.next('error')).toMatchObject({ code: 'internal' });
  const { code, reason } = await client.end();
  expect(code).toBe(CLOSE.unauthorized);
  expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(1_024);
});

test('an application that closes the session as it opens has the last word', async () => {
  const bench = new Bench();
  bench.opened.push = (session) => {
    session.close('forbidden', 'not you');
    return 0;
  };
  const client = bench.connect();
  client.send(HELLO);
  expect(await client.end()).toEqual({ code: CLOSE.forbidden, reason: 'not you' });
  expect(client.kinds).toEqual(['welcome', 'close']);
  expect(decode(client.arrivals[1]!.bytes)).toEqual({
    kind: 'close',
    code: CLOSE.forbidden,
    reason: 'not you',
  });
  expect([bench.sessions.size, bench.sessions.totals().open]).toEqual([0, 0]);
});
