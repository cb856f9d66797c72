import { expect, test } from 'vitest';
import { Bench, settled, type TestClient } from '../compliance/fixture.ts';
import type { ChannelOptions } from './channel-rules.ts';

// What becomes of what a client publishes.

async function setUp(options: ChannelOptions, bench = new Bench()) {
  bench.channel('arena/:room', options);
  const [client, other] = [await bench.join(), await bench.join()];
  await other.subscribe('arena/7');
  return { bench, client, other };
}

/** What the client was told, in order: receipts, answers and errors. */
function told(client: TestClient): string[] {
  return client.arrivals.flatMap(({ envelope }) => {
    switch (envelope.kind) {
      case 'receipt':
        return envelope.receipts.map(({ id, outcome }) => `${id} ${outcome}`);
      case 'response':
        return [`${envelope.id} answer ${new TextDecoder().decode(envelope.payload)}`];
      case 'error':
        return [`${envelope.id} ${envelope.code}`];
      default:
        return [];
    }
  });
}

test.each([
  ['at once', (payload: unknown) => ({ stamp: { by: 'gateway' }, answer: payload })],
  ['later', async (payload: unknown) => ({ stamp: { by: 'gateway' }, answer: payload })],
])('a decision %s changes what goes out, and answers who asked', async (_, decide) => {
  const { client, other } = await setUp({ onPublish: ({ payload }) => decide(payload) });
  client.publish('arena/7', 'T', { by: 'me', n: 1 }, { id: 'p1' });
  client.publish('arena/7', 'T', { n: 2 });
  await settled();
  expect(other.payloads).toEqual([
    { by: 'gateway', n: 1 },
    { n: 2, by: 'gateway' },
  ]);
  expect(told(client).filter((line) => line !== 'p1 received')).toEqual(['p1 answer {"by":"me","n":1}']);
});

test('a decision may give another class, key and type', async () => {
  const { other, client } = await setUp({
    onPublish: (_message, { session }) => ({ delivery: 'latest', key: session.id, type: 'SEEN' }),
  });
  client.publish('arena/7', 'T', 1);
  expect(await other.next('event')).toMatchObject({
    type: 'SEEN',
    key: 'session-1',
    delivery: 'latest',
    seq: 1,
  });
});

test('what a decision does not touch goes out byte by byte', async () => {
  const { other, client } = await setUp({ onPublish: () => ({ key: 'k' }) });
  const payload = new TextEncoder().encode('{ "big" : 12345678901234567890 }');
  client.publish('arena/7', 'T', payload, { codec: 'json' });
  const event = await other.next('event');
  expect([...event.payload]).toEqual([...payload]);
});

test('a decision that cannot be carried out publishes nothing, and is the server’s fault', async () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const decisions = [{ type: '$x' }, { answer: cyclic }, { stamp: { cyclic } }];
  const { bench, client } = await setUp({ onPublish: () => decisions.shift()! });
  for (const id of ['p1', 'p2', 'p3']) client.publish('arena/7', 'T', {}, { id });
  await settled();
  expect(told(client)).toEqual(['p1 internal', 'p2 internal', 'p3 internal']);
  expect(bench.hub.stats.published).toBe(0);
});

test('a stamp needs an object to be set in', async () => {
  const { bench, client } = await setUp({ onPublish: () => ({ stamp: { a: 1 } }) });
  for (const value of [1, [1], null, Uint8Array.of(1)])
    client.publish('arena/7', 'T', value, { id: 'p', codec: value instanceof Uint8Array ? 'bytes' : 'json' });
  await settled();
  expect(told(client)).toEqual(Array(4).fill('p bad-payload'));
  expect(bench.hub.stats.published).toBe(0);
});

test('a channel may keep from a publisher what it publishes itself', async () => {
  const { client, other } = await setUp({ echo: false });
  await client.subscribe('arena/7');
  client.publish('arena/7', 'T', 'mine', { id: 'p1' });
  other.publish('arena/7', 'T', 'yours');
  await settled();
  expect([client.payloads, other.payloads]).toEqual([['yours'], ['mine']]);
  expect(told(client)).toEqual(['p1 delivered']);
});

test('a rate is a session’s on all channels of a rule, and its excess is told by class', async () => {
  const { bench, client, other } = await setUp({ limits: { messagesPerSecond: 2 } });
  for (let n = 0; n < 4; n++) client.publish('arena/7', 'T', n, { id: `a${n}` });
  client.publish('arena/8', 'T', 4, { id: 'b', delivery: 'latest' });
  client.publish('arena/8', 'T', 5, { id: 'c' });
  other.publish('arena/7', 'T', 'another session');
  await settled();
  expect(told(client).sort()).toEqual([
    'a0 delivered',
    'a1 delivered',
    'a2 delivered',
    'a3 delivered',
    'b dropped',
    'c rate-limited',
  ]);
  expect(other.payloads).toEqual([0, 1, 2, 3, 'another session']);
  expect(bench.opened[0]!.stats().dropped['rate-limited']).toBe(2);
  bench.clock.advance(1_000);
  for (let n = 0; n < 3; n++) client.publish('arena/7', 'T', n);
  await settled();
  expect(other.payloads.length).toBe(7);
});

test('a channel has a rate for all sessions together, which who may not publish does not use up', async () => {
  const { bench, client, other } = await setUp({
    limits: { totalPerSecond: 2 },
    authorize: (action, { session }) => action === 'subscribe' || session.id !== 'session-1',
  });
  for (let n = 0; n < 10; n++) client.publish('arena/7', 'T', n);
  for (let n = 0; n < 5; n++) other.publish('arena/7', 'T', n);
  for (let n = 0; n < 5; n++) other.publish('arena/8', 'T', n);
  await settled();
  expect([other.payloads, bench.hub.stats.published]).toEqual([[0, 1, 2, 3], 8]);
  // The server itself is not bound by it.
  bench.publish('arena/7', 'T', 'server');
  await settled();
  expect(other.payloads.at(-1)).toBe('server');
});

test('a payload has a bound on its channel, up to and with it', async () => {
  const { client } = await setUp({ limits: { messageBytes: 4 } });
  client.publish('arena/7', 'T', 'ab', { id: 'fits' });
  client.publish('arena/7', 'T', 'abc', { id: 'more' });
  await settled();
  expect(told(client).sort()).toEqual(['fits delivered', 'more message-too-large']);
});

test("a client publishes nothing whose type begins with '$'", async () => {
  const { bench, client } = await setUp({});
  for (const type of ['$join', '$', '$anything']) client.publish('arena/7', type, 1, { id: type });
  await settled();
  expect(told(client)).toEqual(['$join bad-type', '$ bad-type', '$anything bad-type']);
  expect(bench.hub.stats.published).toBe(0);
});
