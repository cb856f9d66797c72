import { CLOSE, type Delivery, type Event, encode, joinPacket } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled, type TestClient } from '../compliance/fixture.ts';
import type { Limits } from './limits.ts';

async function joined(
  limits: Partial<Limits>,
): Promise<{ bench: Bench; client: TestClient; heard: TestClient }> {
  const bench = new Bench({ limits }).channel('a');
  const heard = await bench.join();
  await heard.subscribe('a');
  return { bench, client: await bench.join(), heard };
}

/** What the session of `client`, the second one, did not take. */
const dropped = (bench: Bench) => bench.opened[1]!.stats().dropped['rate-limited'];

/** With a key of its own a `latest` one supersedes no other. */
function event(delivery: Delivery, key?: string): Event {
  const payload = new TextEncoder().encode('1');
  return { kind: 'event', channel: 'a', type: 'T', delivery, codec: 'json', payload, key };
}

function flood(client: TestClient, count: number): void {
  for (let n = 0; n < count; n++) client.publish('a', 'T', n);
}

test('takes as many messages at once as the burst, then answers with an error each', async () => {
  const { bench, client, heard } = await joined({ messagesPerSecond: 10, messagesBurst: 5 });
  for (let n = 0; n < 7; n++) client.publish('a', 'T', n, n === 6 ? { id: 'mine' } : {});
  await settled();
  expect(heard.payloads).toEqual([0, 1, 2, 3, 4]);
  expect(await client.next('error')).toEqual({
    kind: 'error',
    code: 'rate-limited',
    message: 'this was over the rate and is lost',
    id: undefined,
    details: '{"channel":"a","type":"T"}',
  });
  expect(await client.next('error')).toMatchObject({ code: 'rate-limited', id: 'mine' });
  expect(dropped(bench)).toBe(2);
});

test('takes messages again at the sustained rate', async () => {
  const { bench, client, heard } = await joined({ messagesPerSecond: 10, messagesBurst: 5 });
  flood(client, 6);
  await settled();
  bench.clock.advance(100);
  flood(client, 2);
  await settled();
  expect(heard.payloads).toEqual([0, 1, 2, 3, 4, 0]);
});

test('each envelope of a batch counts', async () => {
  const { bench, client, heard } = await joined({ messagesPerSecond: 1, messagesBurst: 3 });
  const one = encode(event('unreliable'));
  client.pipe.send(joinPacket([one, one, one, one, one], 'binary'));
  await settled();
  expect(heard.payloads.length).toBe(3);
  expect(dropped(bench)).toBe(2);
});

test.each([
  ['in datagrams', 'unreliable', true],
  ['reliably, but unreliable by class', 'unreliable', false],
  ['reliably, of class latest', 'latest', false],
] as const)(
  'what comes %s is dropped over the rate, counted, without a word',
  async (_, delivery, isDatagram) => {
    const { bench, client, heard } = await joined({ messagesPerSecond: 10, messagesBurst: 5 });
    for (let n = 0; n < 300; n++) {
      if (isDatagram) client.sendDatagram(event(delivery, `${n}`));
      else client.send(event(delivery, `${n}`));
      if (n % 10 === 0) await settled();
    }
    await settled();
    expect(heard.payloads.length).toBe(5);
    expect(client.kinds).toEqual(['welcome']);
    expect(dropped(bench)).toBe(295);
    expect(client.ending).toBeUndefined();
  },
);

test('bytes have a rate of their own, with twice as many at once', async () => {
  const { bench, client, heard } = await joined({ bytesPerSecond: 100_000 });
  const large = 'x'.repeat(49_900);
  for (let n = 0; n < 5; n++) client.publish('a', 'T', large);
  await settled();
  expect(heard.payloads.length).toBe(4);
  expect(await client.next('error')).toMatchObject({ code: 'rate-limited' });
  bench.clock.advance(500);
  client.publish('a', 'T', large);
  await settled();
  expect(heard.payloads.length).toBe(5);
});

test('the largest message passes at once, however low the rate of bytes', async () => {
  const { client, heard } = await joined({ bytesPerSecond: 1_000, maxMessageBytes: 20_000 });
  client.publish('a', 'T', 'x'.repeat(19_000));
  await settled();
  expect(heard.payloads.length).toBe(1);
});

test('who floods on is closed', async () => {
  const { bench, client, heard } = await joined({ messagesPerSecond: 10, messagesBurst: 5 });
  flood(client, 106);
  expect(await client.end()).toEqual({
    code: CLOSE['rate-limited'],
    reason: 'the session kept sending over its rate',
  });
  expect(heard.payloads.length).toBe(5);
  expect(client.kinds.filter((kind) => kind === 'error').length).toBe(100);
  expect(bench.closed[0]![0]).toBe(CLOSE['rate-limited']);
});

test('a session that is over its rate now and then, for hours, is not closed for the sum of it', async () => {
  const { bench, client } = await joined({ messagesPerSecond: 10, messagesBurst: 5 });
  for (let times = 0; times < 20; times++) {
    flood(client, 55);
    await settled();
    bench.clock.advance(60_000);
  }
  expect(client.ending).toBeUndefined();
  expect(dropped(bench)).toBe(1_000);
});

test.each([
  ['a subscription', 'subscribe'],
  ['a request', 'request'],
] as const)('%s over the rate is answered by its id', async (_, kind) => {
  const { client } = await joined({ messagesPerSecond: 1, messagesBurst: 1 });
  client.publish('a', 'T', 1);
  if (kind === 'subscribe') client.send({ kind, id: 'mine', channel: 'a' });
  else client.request('X', 1, { id: 'mine' });
  expect(await client.next('error')).toMatchObject({ code: 'rate-limited', id: 'mine' });
});

test('definitions of names count, but are never lost: both ends number them', async () => {
  const { client, heard } = await joined({ messagesPerSecond: 10, messagesBurst: 1 });
  client.send({ kind: 'ping', time: 1 });
  client.send({ kind: 'names', routes: [{ number: 0, channel: 'a', type: 'T' }], keys: [] });
  expect(await client.next('named')).toEqual({ kind: 'named', count: 1 });
  for (let n = 0; n < 99; n++) client.send({ kind: 'names', routes: [], keys: [] });
  await settled();
  expect(client.ending).toBeUndefined();
  client.send({ kind: 'names', routes: [], keys: [] });
  expect((await client.end()).code).toBe(CLOSE['rate-limited']);
  expect(heard.ending).toBeUndefined();
});

test('a farewell over the rate is heard', async () => {
  const { bench, client } = await joined({ messagesPerSecond: 10, messagesBurst: 1 });
  client.send({ kind: 'ping', time: 1 }, { kind: 'close', code: CLOSE.normal, reason: 'bye' });
  await settled();
  bench.advance(500);
  expect(await client.end()).toEqual({ code: CLOSE.normal, reason: 'bye' });
});

test('one client’s flood takes nothing from another’s rate', async () => {
  const { bench, client, heard } = await joined({ messagesPerSecond: 10, messagesBurst: 5 });
  const other = await bench.join();
  flood(client, 50);
  flood(other, 5);
  await settled();
  expect(heard.payloads.length).toBe(10);
});
