import { expect, test } from 'vitest';
import { Bench, settled, type TestClient } from '../compliance/fixture.ts';
import type { ChannelOptions } from './channel-rules.ts';

// Wildcard subscriptions of a session: what they bring, and what they may.

async function setUp(options: ChannelOptions = {}) {
  const bench = new Bench({ authenticate: (token) => ({ id: 'ada', level: token }) });
  bench.channel('arena/:room', options);
  const client = await bench.join();
  return { bench, client, session: bench.opened[0]! };
}

const codes = (client: TestClient) =>
  client.arrivals.flatMap(({ envelope }) => (envelope.kind === 'error' ? [envelope.code] : []));

test('a pattern is confirmed without a place, for it has many', async () => {
  const { client, session } = await setUp();
  expect(await client.subscribe('arena/+')).toMatchObject({
    epoch: '*',
    seq: 0,
    recovered: false,
    history: false,
  });
  expect([...session.subscriptions]).toEqual(['arena/+']);
});

test('authorize hears of no pattern, but of each channel once, when something is published there', async () => {
  const asked: string[] = [];
  const { bench, client } = await setUp({
    authorize: (action, { channel, params }) => {
      asked.push(`${action} ${channel}`);
      return params.room !== 'staff';
    },
  });
  await client.subscribe('arena/+');
  expect(asked).toEqual([]);
  for (let n = 0; n < 3; n++)
    for (const room of ['7', 'staff', '8']) bench.publish(`arena/${room}`, 'T', room);
  await settled();
  expect(asked).toEqual(['subscribe arena/7', 'subscribe arena/staff', 'subscribe arena/8']);
  expect(client.payloads).toEqual(['7', '8', '7', '8', '7', '8']);
});

test('what is published while authorize thinks comes after its yes, in order', async () => {
  const answer = Promise.withResolvers<boolean>();
  const { bench, client } = await setUp({ authorize: () => answer.promise });
  await client.subscribe('arena/#');
  for (let n = 0; n < 5; n++) bench.publish('arena/7', 'T', n);
  await settled();
  expect(client.payloads).toEqual([]);
  answer.resolve(true);
  await settled();
  bench.publish('arena/7', 'T', 5);
  await settled();
  expect(client.payloads).toEqual([0, 1, 2, 3, 4, 5]);
});

test('what is more than is held until then is named', async () => {
  const answer = Promise.withResolvers<boolean>();
  const { bench, client } = await setUp({ authorize: () => answer.promise });
  await client.subscribe('arena/#');
  for (let n = 0; n < 70; n++) bench.publish('arena/7', 'T', n);
  await settled();
  answer.resolve(true);
  expect(await client.next('gap')).toMatchObject({ channel: 'arena/7', from: 65, to: 70 });
  expect(client.payloads.length).toBe(64);
});

test('an authorize that fails is a no for now, and logged', async () => {
  let calls = 0;
  const { bench, client } = await setUp({
    authorize: () => {
      if (calls++ === 0) throw new Error('no database');
      return true;
    },
  });
  await client.subscribe('arena/+');
  for (const value of [1, 2]) {
    bench.publish('arena/7', 'T', value);
    await settled();
  }
  expect(client.payloads).toEqual([2]);
  expect(bench.logger.lines).toContain('error: authorize failed');
});

test('a rule may say that its hook understands patterns: then it is asked once', async () => {
  const asked: string[] = [];
  const { bench, client } = await setUp({
    wildcards: 'pattern',
    authorize: (_action, { channel, params }) => {
      asked.push(`${channel} ${params.room}`);
      return params.room === '+';
    },
  });
  await client.subscribe('arena/#');
  bench.publish('arena/7', 'T', 1);
  await settled();
  expect([asked, client.payloads]).toEqual([['arena/+ +'], [1]]);
});

test.each([
  ['the rule takes none', { wildcards: false }],
  ['its hook says no', { wildcards: 'pattern', authorize: () => false }],
] as const)('a pattern is refused where %s', async (_, options) => {
  const { client, session } = await setUp(options);
  client.send({ kind: 'subscribe', id: 's1', channel: '#' });
  expect(await client.next('error')).toMatchObject({ code: 'forbidden', id: 's1' });
  expect(session.subscriptions.size).toBe(0);
});

test('who is subscribed by name gets its events by that right, whatever a pattern would bring', async () => {
  let allowed = true;
  const { bench, client } = await setUp({ authorize: () => allowed });
  await client.subscribe('arena/7');
  allowed = false;
  await client.subscribe('arena/+');
  bench.publish('arena/7', 'T', 1);
  bench.publish('arena/8', 'T', 2);
  await settled();
  expect(client.payloads).toEqual([1]);
  await client.unsubscribe('arena/7');
  bench.publish('arena/7', 'T', 3);
  await settled();
  expect(client.payloads).toEqual([1]);
});

test('an event that a pattern still has to bring does not come twice to who recovers its channel by name', async () => {
  const { bench, client } = await setUp({ history: { size: 9, ttl: 60_000 } });
  await client.subscribe('arena/+');
  bench.publish('arena/7', 'T', 1);
  await settled();
  // In one packet's turn: stamped, and on its way through the broker.
  client.send({ kind: 'subscribe', id: 's1', channel: 'arena/7', since: { epoch: 'epoch-1', seq: 1 } });
  for (let n = 2; n < 8; n++) {
    await Promise.resolve();
    bench.publish('arena/7', 'T', n);
  }
  await settled();
  const after = client.arrivals.slice(client.kinds.lastIndexOf('subscribed') + 1);
  const seqs = after.flatMap(({ envelope }) => (envelope.kind === 'event' ? [envelope.seq] : []));
  expect(seqs).toEqual([2, 3, 4, 5, 6, 7]);
});

test('a pattern counts as one of the session’s subscriptions', async () => {
  const bench = new Bench({ limits: { subscriptionsPerSession: 2 } }).channel('a/:b');
  const client = await bench.join();
  await client.subscribe('a/1');
  await client.subscribe('a/+');
  client.send({ kind: 'subscribe', id: 's1', channel: '#' });
  expect(await client.next('error')).toMatchObject({ code: 'too-many-subscriptions', id: 's1' });
});

test('another user’s grants are asked for anew, channel by channel', async () => {
  const asked: unknown[] = [];
  const { bench, client } = await setUp({
    authorize: (_action, { channel, session }) => {
      asked.push([channel, session.user!.level]);
      return session.user!.level === undefined;
    },
  });
  await client.subscribe('arena/+');
  bench.publish('arena/7', 'T', 1);
  await settled();
  await (bench.opened[0] as unknown as { become(user: object): Promise<void> }).become({
    id: 'ada',
    level: 2,
  });
  bench.publish('arena/7', 'T', 2);
  await settled();
  expect(client.payloads).toEqual([1]);
  expect(asked).toEqual([
    ['arena/7', undefined],
    ['arena/7', 2],
  ]);
});

test('hooks that count members hear of no pattern, and presence neither', async () => {
  const heard: string[] = [];
  const { bench, client } = await setUp({
    presence: true,
    onSubscribe: ({ channel }) => void heard.push(`in ${channel}`),
    onUnsubscribe: ({ channel }) => void heard.push(`out ${channel}`),
  });
  await client.subscribe('arena/+');
  await client.subscribe('arena/7');
  await client.unsubscribe('arena/+');
  await client.unsubscribe('arena/7');
  expect(heard).toEqual(['in arena/7', 'out arena/7']);
  expect(bench.hub.stats.channels).toBe(0);
});

test('a session that ends leaves its patterns', async () => {
  const { bench, client } = await setUp();
  await client.subscribe('arena/+');
  bench.opened[0]!.close();
  expect(bench.hub.stats.channels).toBe(0);
  bench.publish('arena/7', 'T', 1);
  await settled();
  expect([client.payloads, codes(client)]).toEqual([[], []]);
});
