import { CLOSE, type Kind } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { MemoryBroker } from '../brokers/memory.ts';
import { Bench, settled, type TestClient } from '../compliance/fixture.ts';
import { ResumingClient } from '../compliance/resuming-client.ts';
import type { ChannelContext, ChannelOptions } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';

/** A broker that takes subscriptions only when it is told to. */
class SlowBroker extends MemoryBroker {
  readonly waiting: { readonly channel: string; take(): void; refuse(): void }[] = [];

  override async subscribe(channel: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waiting.push({ channel, take: resolve, refuse: () => reject(new Error('connection lost')) });
    await promise;
    await super.subscribe(channel);
  }
}

/** Answers of hooks that come when the test says so, and what was asked. */
function decisions<T>(): { ask: () => Promise<T>; answers: PromiseWithResolvers<T>[] } {
  const answers: PromiseWithResolvers<T>[] = [];
  return {
    answers,
    ask() {
      const answer = Promise.withResolvers<T>();
      answers.push(answer);
      return answer.promise;
    },
  };
}

/** A promise of another making: awaitable, but no instance of Promise. */
function thenable<T>(value: T): Promise<T> {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is
  return { then: (fulfilled: (value: T) => void) => void fulfilled(value) } as unknown as Promise<T>;
}

const count = (client: TestClient, kind: Kind): number => client.kinds.filter((one) => one === kind).length;

async function setUp(options: ChannelOptions = {}, pattern = 'arena/:room') {
  const bench = new Bench().channel(pattern, options);
  const client = await bench.join();
  return { bench, client, session: bench.opened[0]! };
}

// Subscribing

test('a subscription is confirmed with the place where it begins, before the first event', async () => {
  const { bench, client } = await setUp();
  const other = await bench.join();
  expect(await other.subscribe('arena/7')).toMatchObject({
    channel: 'arena/7',
    epoch: 'epoch-1',
    seq: 0,
    recovered: false,
  });
  bench.publish('arena/7', 'T', 'before');
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await Promise.resolve();
  for (let n = 0; n < 20; n++) {
    bench.publish('arena/7', 'T', n);
    await Promise.resolve();
  }
  const { id, seq } = await client.next('subscribed');
  const { seq: first } = await client.next('event');
  expect([id, first]).toEqual(['s1', seq + 1]);
  expect(client.kinds.indexOf('subscribed')).toBeLessThan(client.kinds.indexOf('event'));
  await settled();
  expect(client.payloads.at(-1)).toBe(19);
  expect(client.payloads.length).toBe(21 - seq);
});

test('subscribing again is answered again, and changes nothing else', async () => {
  const asked: string[] = [];
  const { bench, client, session } = await setUp({
    authorize: (action) => asked.push(action) > 0,
    onSubscribe: () => void asked.push('onSubscribe'),
  });
  await client.subscribe('arena/7');
  bench.publish('arena/7', 'T', 1);
  await client.next('event');
  expect(await client.subscribe('arena/7')).toMatchObject({ epoch: 'epoch-1', seq: 1 });
  bench.publish('arena/7', 'T', 2);
  await settled();
  expect(client.payloads).toEqual([1, 2]);
  expect(asked).toEqual(['subscribe', 'onSubscribe']);
  expect([...session.subscriptions]).toEqual(['arena/7']);
});

test('a channel that is not declared does not exist', async () => {
  const { client } = await setUp();
  client.send({ kind: 'subscribe', id: 's1', channel: 'lobby' });
  expect(await client.next('error')).toMatchObject({ code: 'unknown-channel', id: 's1' });
  client.publish('lobby', 'T', 1, { id: 'p1' });
  expect(await client.next('error')).toMatchObject({ code: 'unknown-channel', id: 'p1' });
  client.publish('lobby', 'T', 1);
  expect(await client.next('error')).toMatchObject({
    id: undefined,
    details: '{"channel":"lobby","type":"T"}',
  });
});

test('a publication about no channel is refused, whatever patterns there are', async () => {
  const { bench, client } = await setUp({}, ':any');
  bench.channel('#');
  client.publish('', 'T', 1, { id: 'p1' });
  expect(await client.next('error')).toMatchObject({ code: 'bad-channel', id: 'p1' });
});

test.each([
  ['at once', () => false],
  ['later', async () => false],
  ['through another kind of promise', () => thenable(false)],
])('authorize that says no %s keeps the client out', async (_, authorize) => {
  const { bench, client, session } = await setUp({ authorize });
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  expect(await client.next('error')).toMatchObject({ code: 'forbidden', id: 's1' });
  client.publish('arena/7', 'T', 1, { id: 'p1' });
  expect(await client.next('error')).toMatchObject({ code: 'forbidden', id: 'p1' });
  expect([session.subscriptions.size, bench.hub.stats]).toEqual([
    0,
    { channels: 0, published: 0, delivered: 0 },
  ]);
});

test.each([
  ['at once', () => true],
  ['later', async () => true],
  ['through another kind of promise', () => thenable(true)],
])('authorize that says yes %s lets the client in', async (_, authorize) => {
  const { client } = await setUp({ authorize });
  await client.subscribe('arena/7');
  client.publish('arena/7', 'T', 1);
  expect(await client.next('event')).toMatchObject({ seq: 1 });
});

test('authorize is told who, what and where', async () => {
  const asked: unknown[] = [];
  const { client, session } = await setUp({ authorize: (...question) => asked.push(question) > 0 });
  await client.subscribe('arena/7');
  client.publish('arena/7', 'T', 1);
  await settled();
  const context: ChannelContext = { session, channel: 'arena/7', params: { room: '7' } };
  expect(asked).toEqual([
    ['subscribe', context],
    ['publish', context],
  ]);
});

test('authorize is asked about publishing once per channel, as often as it says no', async () => {
  const asked: string[] = [];
  let allowed = false;
  const { client } = await setUp({
    authorize: (action, { channel }) => {
      asked.push(`${action} ${channel}`);
      return allowed;
    },
  });
  client.publish('arena/7', 'T', 1);
  client.publish('arena/7', 'T', 1);
  await settled();
  allowed = true;
  for (const channel of ['arena/7', 'arena/7', 'arena/8', 'arena/7']) client.publish(channel, 'T', 1);
  await settled();
  expect(asked).toEqual(['publish arena/7', 'publish arena/7', 'publish arena/7', 'publish arena/8']);
});

test('what authorize throws reaches the client as an error', async () => {
  const { bench, client } = await setUp({
    authorize: (_, { params }) => {
      throw params.room === '7' ? new SpillwayError('too-young', 'come back later') : new Error('secret');
    },
  });
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  expect(await client.next('error')).toMatchObject({
    code: 'too-young',
    message: 'come back later',
    id: 's1',
  });
  client.send({ kind: 'subscribe', id: 's2', channel: 'arena/8' });
  expect(await client.next('error')).toMatchObject({ code: 'internal', id: 's2' });
  expect(bench.logger.errors).toEqual([new Error('secret')]);
});

test('so many subscriptions and no more, those on their way included; one that ends makes room', async () => {
  const broker = new SlowBroker();
  const bench = new Bench({ limits: { subscriptionsPerSession: 2 }, broker }).channel('arena/:room');
  const client = await bench.join();
  for (const room of [1, 2, 3]) client.send({ kind: 'subscribe', id: `s${room}`, channel: `arena/${room}` });
  expect(await client.next('error')).toMatchObject({ code: 'too-many-subscriptions', id: 's3' });
  expect(broker.waiting.map(({ channel }) => channel)).toEqual(['arena/1', 'arena/2']);
  for (const { take } of broker.waiting) take();
  await client.next('subscribed');
  await client.next('subscribed');
  await client.subscribe('arena/1');
  client.send({ kind: 'subscribe', id: 's4', channel: 'arena/4' });
  expect(await client.next('error')).toMatchObject({ code: 'too-many-subscriptions', id: 's4' });
  await client.unsubscribe('arena/1');
  client.send({ kind: 'subscribe', id: 's5', channel: 'arena/5' });
  await settled();
  broker.waiting.at(-1)!.take();
  expect(await client.next('subscribed')).toMatchObject({ id: 's5' });
});

test('a broker that refuses is an error, and the client may try again', async () => {
  const broker = new SlowBroker();
  const bench = new Bench({ broker }).channel('arena/:room');
  const client = await bench.join();
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await settled();
  broker.waiting[0]!.refuse();
  expect(await client.next('error')).toMatchObject({ code: 'broker-unavailable', id: 's1' });
  expect([bench.opened[0]!.subscriptions.size, bench.hub.stats.channels]).toEqual([0, 0]);
  client.send({ kind: 'subscribe', id: 's2', channel: 'arena/7' });
  await settled();
  broker.waiting[1]!.take();
  expect(await client.next('subscribed')).toMatchObject({ id: 's2' });
});

// Hooks of a subscription

test('onSubscribe comes once the client has its answer, onUnsubscribe once it left, each once', async () => {
  const calls: string[] = [];
  const note =
    (name: string) =>
    ({ channel, params }: ChannelContext) =>
      void calls.push(`${name} ${channel} ${params.room}`);
  const { client } = await setUp({
    onSubscribe: (context) => {
      note('in')(context);
      context.session.send('SNAPSHOT', 1);
    },
    onUnsubscribe: note('out'),
  });
  await client.subscribe('arena/7');
  await client.next('event');
  expect(client.kinds).toEqual(['welcome', 'subscribed', 'names', 'event']);
  await client.subscribe('arena/7');
  await client.unsubscribe('arena/7');
  await client.unsubscribe('arena/7');
  await client.subscribe('arena/7');
  expect(calls).toEqual(['in arena/7 7', 'out arena/7 7', 'in arena/7 7']);
  client.pipe.close(CLOSE.normal, '');
  await settled();
  expect(calls).toEqual(['in arena/7 7', 'out arena/7 7', 'in arena/7 7', 'out arena/7 7']);
});

test.each([
  [
    'throw',
    () => {
      throw new Error('oops');
    },
  ],
  ['reject', () => Promise.reject(new Error('oops'))],
])('hooks that %s are logged, and the client does not notice', async (_, hook) => {
  const { bench, client } = await setUp({ onSubscribe: hook, onUnsubscribe: hook });
  await client.subscribe('arena/7');
  await client.unsubscribe('arena/7');
  await client.subscribe('arena/7');
  client.pipe.close(CLOSE.normal, '');
  await settled();
  expect(bench.logger.lines.filter((line) => line.startsWith('error'))).toEqual([
    'error: onSubscribe failed',
    'error: onUnsubscribe failed',
    'error: onSubscribe failed',
    'error: onUnsubscribe failed',
  ]);
  expect(count(client, 'error')).toBe(0);
  expect(bench.hub.stats.channels).toBe(0);
});

test('what comes behind an asynchronous hook of a subscription waits for it', async () => {
  const entered = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const calls: string[] = [];
  const { client } = await setUp({
    onSubscribe: () => {
      calls.push('in');
      return entered.promise;
    },
    onPublish: ({ type }) => void calls.push(type),
    onUnsubscribe: () => {
      calls.push('out');
      return left.promise;
    },
  });
  await client.subscribe('arena/7');
  client.publish('arena/7', 'ONE', 1);
  client.send({ kind: 'unsubscribe', id: 'u1', channel: 'arena/7' });
  client.publish('arena/7', 'TWO', 1);
  await settled();
  expect(calls).toEqual(['in']);
  entered.resolve();
  await client.next('response');
  expect(calls).toEqual(['in', 'ONE', 'out']);
  left.resolve();
  await settled();
  expect(calls).toEqual(['in', 'ONE', 'out', 'TWO']);
});

// Unsubscribing

test('after unsubscribe nothing comes, and the lane is closed', async () => {
  const { bench, client, session } = await setUp();
  await client.subscribe('arena/7');
  bench.publish('arena/7', 'T', 1);
  await client.next('event');
  bench.publish('arena/7', 'T', 'under way');
  client.send({ kind: 'unsubscribe', id: 'u1', channel: 'arena/7' });
  const { id, payload } = await client.next('response');
  expect([id, payload.length, session.subscriptions.size]).toEqual(['u1', 0, 0]);
  const heard = client.payloads.length;
  bench.publish('arena/7', 'T', 2);
  await settled();
  expect(client.payloads.length).toBe(heard);
  expect(bench.hub.stats.channels).toBe(0);
  // A lane that has ended is announced anew, under another number.
  await client.subscribe('arena/7');
  bench.publish('arena/7', 'T', 3);
  await client.next('event');
  const lanes = client.arrivals.map(({ envelope }) => envelope).filter(({ kind }) => kind === 'lane');
  expect(lanes).toEqual([
    { kind: 'lane', lane: 1, channel: 'arena/7', count: 0 },
    { kind: 'lane', lane: 1, channel: '', count: 2 },
    { kind: 'lane', lane: 2, channel: 'arena/7', count: 0 },
  ]);
});

test('leaving what one is not in is answered as well', async () => {
  const { client } = await setUp();
  expect((await client.unsubscribe('arena/7')).payload.length).toBe(0);
  expect((await client.unsubscribe('lobby')).payload.length).toBe(0);
});

test('subscribe and unsubscribe in one breath end unsubscribed', async () => {
  const { bench, client, session } = await setUp({ authorize: async () => true });
  client.send({ kind: 'subscribe', id: '1', channel: 'arena/7' });
  client.send({ kind: 'unsubscribe', id: '2', channel: 'arena/7' });
  await client.next('response');
  expect(client.kinds).toEqual(['welcome', 'subscribed', 'response']);
  expect([session.subscriptions.size, bench.hub.stats.channels]).toEqual([0, 0]);
});

// Publishing

test('a publication reaches every subscriber, its publisher too, without the publisher’s id', async () => {
  const { bench, client } = await setUp();
  const other = await bench.join();
  for (const each of [client, other]) await each.subscribe('arena/7');
  client.publish('arena/7', 'CHAT', { text: 'hi' }, { id: 'secret', key: 'p1', delivery: 'unordered' });
  for (const each of [client, other]) {
    expect(await each.next('event')).toMatchObject({
      channel: 'arena/7',
      type: 'CHAT',
      delivery: 'unordered',
      key: 'p1',
      seq: 1,
      ts: bench.clock.now(),
      id: undefined,
    });
  }
});

test('one need not be subscribed to publish', async () => {
  const { bench, client } = await setUp();
  const other = await bench.join();
  await other.subscribe('arena/7');
  client.publish('arena/7', 'T', 1);
  await other.next('event');
  await settled();
  expect(client.payloads).toEqual([]);
});

test('onPublish sees payload, meta and context', async () => {
  const seen: unknown[] = [];
  const { client, session } = await setUp({ onPublish: (...all) => void seen.push(all) });
  client.publish('arena/7', 'CHAT', { text: 'hi' }, { id: 'm1', key: 'p1', delivery: 'latest' });
  await settled();
  const meta = { channel: 'arena/7', type: 'CHAT', delivery: 'latest', codec: 'json', key: 'p1', id: 'm1' };
  expect(seen).toEqual([
    [
      { type: 'CHAT', payload: { text: 'hi' }, meta },
      { session, channel: 'arena/7', params: { room: '7' } },
    ],
  ]);
});

test.each([
  ['at once', (type: string) => type !== 'SECRET'],
  ['later', async (type: string) => type !== 'SECRET'],
  ['through another kind of promise', (type: string) => thenable(type !== 'SECRET')],
])('what onPublish consumes %s is not fanned out, and is no error', async (_, verdict) => {
  const { bench, client } = await setUp({ onPublish: ({ type }) => verdict(type) });
  await client.subscribe('arena/7');
  for (const type of ['SECRET', 'CHAT', 'SECRET', 'CHAT']) client.publish('arena/7', type, 1);
  await settled();
  expect(bench.hub.stats.published).toBe(2);
  expect([count(client, 'event'), count(client, 'error')]).toEqual([2, 0]);
});

test('what onPublish throws refuses the publication with its code', async () => {
  const { bench, client } = await setUp({
    onPublish: ({ type }) => {
      if (type === 'RUDE') throw new SpillwayError('rude', 'be nice', { details: { words: 1 } });
      if (type === 'BUG') throw new Error('secret');
      if (type === 'LATER') return Promise.reject(new SpillwayError('rude', 'be nice'));
      return undefined;
    },
  });
  for (const type of ['RUDE', 'BUG', 'LATER']) client.publish('arena/7', type, 1, { id: type });
  client.publish('arena/7', 'LATER', 1);
  expect(await client.next('error')).toMatchObject({ code: 'rude', id: 'RUDE', details: '{"words":1}' });
  expect(await client.next('error')).toMatchObject({ code: 'internal', id: 'BUG' });
  expect(await client.next('error')).toMatchObject({ code: 'rude', id: 'LATER' });
  expect(await client.next('error')).toMatchObject({
    code: 'rude',
    id: undefined,
    details: '{"channel":"arena/7","type":"LATER"}',
  });
  expect(bench.hub.stats.published).toBe(0);
  expect(bench.logger.errors).toEqual([new Error('secret')]);
});

test('a payload that onPublish cannot be given is refused', async () => {
  const { client } = await setUp({ onPublish: () => {} });
  client.publish('arena/7', 'T', new TextEncoder().encode('{'), { codec: 'json', id: 'p1' });
  expect(await client.next('error')).toMatchObject({ code: 'bad-payload', id: 'p1' });
});

test('asynchronous hooks keep the order of a channel, and hold up no other', async () => {
  const { ask, answers } = decisions<void>();
  const { client } = await setUp({ onPublish: (_, { params }) => (params.room === '7' ? ask() : undefined) });
  for (const channel of ['arena/7', 'arena/8']) await client.subscribe(channel);
  for (const n of [1, 2, 3]) client.publish('arena/7', 'T', n);
  client.publish('arena/8', 'T', 'quick');
  await settled();
  expect([client.payloads, answers.length]).toEqual([['quick'], 1]);
  for (let n = 0; n < 3; n++) {
    answers[n]!.resolve();
    await settled();
  }
  expect(client.payloads).toEqual(['quick', 1, 2, 3]);
});

test('a publication waits for the subscription before it', async () => {
  const { ask, answers } = decisions<boolean>();
  const { client } = await setUp({ authorize: (action) => action === 'publish' || ask() });
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  client.publish('arena/7', 'T', 'mine');
  await settled();
  answers[0]!.resolve(true);
  expect(await client.next('subscribed')).toMatchObject({ seq: 0 });
  expect(await client.next('event')).toMatchObject({ seq: 1 });
});

test('what waits for hooks is bounded: reliable ones learn of it, others are dropped and counted', async () => {
  const { ask, answers } = decisions<void>();
  const bench = new Bench({ limits: { pendingPerSession: 3, subscriptionsPerSession: 3 } });
  bench.channel('arena/:room', { onPublish: ask });
  const client = await bench.join();
  for (let n = 0; n < 4; n++) client.publish('arena/7', 'T', n, { id: `p${n}` });
  client.publish('arena/8', 'T', 4);
  client.publish('arena/7', 'T', 5, { delivery: 'unreliable' });
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/9' });
  expect(await client.next('error')).toMatchObject({ code: 'overloaded', id: 'p3' });
  expect(await client.next('error')).toMatchObject({
    code: 'overloaded',
    details: '{"channel":"arena/8","type":"T"}',
  });
  expect(await client.next('error')).toMatchObject({ code: 'overloaded', id: 's1' });
  expect(bench.opened[0]!.stats().dropped.backlog).toBe(4);
  for (let n = 0; n < 3; n++) {
    answers[n]!.resolve();
    await settled();
  }
  expect(bench.hub.stats.published).toBe(3);
  await client.subscribe('arena/7');
});

// Sessions that close in the middle

test.each(['allowed', 'refused', 'failed'])(
  'a session that closes while authorize decides leaves nothing behind: %s',
  async (how) => {
    const { ask, answers } = decisions<boolean>();
    const calls: string[] = [];
    const { bench, client } = await setUp({
      authorize: ask,
      onSubscribe: () => void calls.push('in'),
      onUnsubscribe: () => void calls.push('out'),
    });
    client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
    client.publish('arena/8', 'T', 1);
    client.publish('arena/8', 'T', 2);
    await settled();
    client.pipe.close(CLOSE.normal, '');
    await settled();
    for (const answer of answers) {
      if (how === 'failed') answer.reject(new SpillwayError('late', 'too late'));
      else answer.resolve(how === 'allowed');
    }
    await settled();
    expect(calls).toEqual([]);
    expect(bench.hub.stats.channels).toBe(0);
    expect([bench.sessions.size, bench.admission.connections]).toEqual([0, 0]);
    // The publication was made while the session lived; what stood behind it was not.
    expect(bench.hub.stats.published).toBe(how === 'allowed' ? 1 : 0);
    expect(answers.length).toBe(2);
  },
);

test('a session that closes while the broker subscribes leaves nothing behind, at once', async () => {
  const broker = new SlowBroker();
  const calls: string[] = [];
  const bench = new Bench({ broker }).channel('arena/:room', {
    onSubscribe: () => void calls.push('in'),
    onUnsubscribe: () => void calls.push('out'),
  });
  const client = await bench.join();
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await settled();
  expect(bench.hub.stats.channels).toBe(1);
  client.pipe.close(CLOSE.normal, '');
  await settled();
  expect(bench.hub.stats.channels).toBe(0);
  broker.waiting[0]!.take();
  await settled();
  expect([calls, bench.hub.stats.channels, bench.opened[0]!.subscriptions.size]).toEqual([[], 0, 0]);
});

test('a session that its confirmation finds too slow was never in', async () => {
  const calls: string[] = [];
  const bench = new Bench({ limits: { sendBudgetSoft: 500, sendBudgetHard: 500 } });
  bench.channel('arena/:room', {
    onSubscribe: () => void calls.push('in'),
    onUnsubscribe: () => void calls.push('out'),
  });
  const client = await bench.join();
  client.pipe.pause();
  bench.opened[0]!.send('FILL', new Uint8Array(440));
  client.send({ kind: 'subscribe', id: 's'.repeat(64), channel: `arena/${'x'.repeat(200)}` });
  await settled();
  expect(bench.closed.length).toBe(1);
  expect([calls, bench.hub.stats.channels]).toEqual([[], 0]);
});

test('a session that its own hook closes is out at once', async () => {
  const calls: string[] = [];
  const { bench, client } = await setUp({
    onSubscribe: ({ session }) => {
      calls.push('in');
      session.close('forbidden');
    },
    onUnsubscribe: () => void calls.push('out'),
  });
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await client.end();
  await settled();
  expect([calls, bench.hub.stats.channels]).toEqual([['in', 'out'], 0]);
});

test('a subscription that waits for the broker while its user changes is asked for again', async () => {
  const broker = new SlowBroker();
  const bench = new Bench({ broker, authenticate: (token) => ({ id: 'ada', role: token ?? '' }) });
  bench.channel('arena/:room', { authorize: (_, { session }) => session.user?.role === 'admin' });
  const client = new ResumingClient(bench, { token: 'admin' });
  client.connect();
  await settled();
  client.control({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await settled();
  client.connect({ token: 'player' });
  await settled();
  broker.waiting[0]!.take();
  await settled();
  expect(client.all('error')).toMatchObject([{ code: 'forbidden', id: 's1' }]);
  expect([client.all('subscribed'), bench.opened[0]!.subscriptions.size, bench.hub.stats.channels]).toEqual([
    [],
    0,
    0,
  ]);
});
