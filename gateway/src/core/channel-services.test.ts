import { decode, type Envelope, jsonPayload, readPacket } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled, type TestClient } from '../compliance/fixture.ts';
import { ResumingClient } from '../compliance/resuming-client.ts';

// $history and $presence, as they are on the wire.

function bench(options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  return new Bench(options)
    .channel('log/:name', { history: { size: 100, ttl: 60_000 } })
    .channel('room/:name', { presence: { grace: 1_000 } })
    .channel('closed', {
      history: { size: 1, ttl: 1 },
      presence: true,
      authorize: (action) => action === 'subscribe',
    });
}

async function ask(client: TestClient, type: string, channel: string, value: unknown): Promise<Envelope> {
  client.request(type, value, { id: `r${client.arrivals.length}`, channel });
  await settled();
  return client.arrivals.findLast(
    ({ envelope }) => envelope.kind === 'response' || envelope.kind === 'error',
  )!.envelope;
}

function packet(answer: Envelope): Envelope[] {
  const envelopes: Envelope[] = [];
  if (answer.kind !== 'response') throw new Error(`${answer.kind}: ${JSON.stringify(answer)}`);
  readPacket(answer.payload, undefined, (envelope) => envelopes.push(envelope));
  return envelopes;
}

const json = (answer: Envelope): unknown =>
  answer.kind === 'response' ? JSON.parse(new TextDecoder().decode(answer.payload)) : answer;

test('a page is a packet: what there is to say of it, then its events as they were stored', async () => {
  const one = bench();
  const client = await one.join();
  for (const value of [1, 2, 3]) one.publish('log/a', 'T', value);
  const answer = await ask(client, '$history', 'log/a', { limit: 2 });
  expect(answer).toMatchObject({ kind: 'response', codec: 'bytes', more: false });
  const [about, ...events] = packet(answer);
  expect(json(about!)).toEqual({ epoch: 'epoch-1', seq: 3, forgotten: 0, next: 3 });
  const kept = one.hub.page('log/a', { limit: 2, maxBytes: 10_000 })!;
  expect(events).toEqual(kept.events.map(({ bytes }) => decode(bytes)));
});

test('in a session that speaks text it is a list of texts, without what is no JSON', async () => {
  const one = bench();
  const client = await one.join({ encoding: 'json' });
  one.publish('log/a', 'T', { a: 1 });
  one.publish('log/a', 'T', Uint8Array.of(1), { codec: 'json' });
  one.publish('log/a', 'T', Uint8Array.of(1), { codec: 'bytes' });
  const answer = await ask(client, '$history', 'log/a', {});
  expect(answer).toMatchObject({ codec: 'json' });
  expect(json(answer)).toMatchObject([
    { kind: 'response', payload: { epoch: 'epoch-1', seq: 3 } },
    { type: 'T', payload: { a: 1 }, meta: { seq: 1 } },
    { type: 'T', payload: 'AQ==', meta: { seq: 3, codec: 'bytes' } },
  ]);
  expect(one.opened[0]!.stats().dropped.malformed).toBe(1);
});

test('an empty page is its data alone', async () => {
  const one = bench();
  const client = await one.join();
  expect(packet(await ask(client, '$history', 'log/a', {})).map(json)).toEqual([{ seq: 0, forgotten: 0 }]);
  expect(one.hub.memory.channels).toBe(0);
});

test('a page fits into a message, whatever is asked for', async () => {
  const one = bench({ limits: { maxMessageBytes: 20_000 } });
  const client = await one.join();
  for (let n = 0; n < 20; n++) one.publish('log/a', 'T', 'x'.repeat(5_000));
  const answer = await ask(client, '$history', 'log/a', { limit: 1_000 });
  expect(answer.kind === 'response' && answer.payload.length).toBeLessThan(20_000);
  expect(packet(answer).length).toBe(4);
});

test.each([
  ['$history', 'log/a', { limit: 0 }, 'invalid-payload'],
  ['$history', 'log/a', { limit: '5' }, 'invalid-payload'],
  ['$history', 'log/a', { from: -1 }, 'invalid-payload'],
  ['$history', 'log/a', { reverse: 1 }, 'invalid-payload'],
  ['$history', 'log/a', 7, 'invalid-payload'],
  ['$history', 'log/a', { epoch: 'another' }, 'history-lost'],
  ['$history', 'room/a', {}, 'no-history'],
  ['$history', 'closed', {}, 'forbidden'],
  ['$history', 'nowhere', {}, 'unknown-channel'],
  ['$history', '', {}, 'bad-channel'],
  ['$presence', 'room/a', { watch: 1 }, 'invalid-payload'],
  ['$presence', 'room/a', { from: -1 }, 'invalid-payload'],
  ['$presence', 'room/a', { state: 1 }, 'not-present'],
  ['$presence', 'log/a', {}, 'no-presence'],
  ['$presence', 'closed', {}, 'forbidden'],
  ['$other', 'room/a', {}, 'unknown-request'],
])('%s of %s with %j is refused as %s', async (type, channel, value, code) => {
  const client = await bench().join();
  expect(await ask(client, type, channel, value)).toMatchObject({ kind: 'error', code });
});

test('a payload that is no JSON is refused as one', async () => {
  const client = await bench().join();
  const payload = new TextEncoder().encode('{');
  client.send({ kind: 'request', id: 'r', type: '$history', channel: 'log/a', codec: 'json', payload });
  expect(await client.next('error')).toMatchObject({ code: 'bad-payload', id: 'r' });
});

test('presence without watching is a look, once', async () => {
  const one = bench();
  const [client, other] = [await one.join(), await one.join()];
  await client.subscribe('room/a');
  await settled();
  expect(json(await ask(client, '$presence', 'room/a', {}))).toEqual({
    users: 1,
    members: [{ session: 'session-1' }],
  });
  await other.subscribe('room/a');
  await settled();
  expect(client.kinds).not.toContain('event');
});

test('a state and a look go in one', async () => {
  const one = bench();
  const client = await one.join();
  await client.subscribe('room/a');
  expect(json(await ask(client, '$presence', 'room/a', { state: [1] }))).toEqual({});
  expect(json(await ask(client, '$presence', 'room/a', { state: [2], watch: true }))).toEqual({
    users: 1,
    members: [{ session: 'session-1', state: [1] }],
  });
  expect(await client.next('event')).toMatchObject({ channel: 'room/a', type: '$update', seq: undefined });
  expect(client.payloads).toEqual([{ session: 'session-1', state: [2], alone: true }]);
});

test('requests about a channel wait for its subscription, which is asked about', async () => {
  const answer = Promise.withResolvers<boolean>();
  const one = new Bench().channel('slow', {
    presence: true,
    authorize: (action) => (action === 'subscribe' ? answer.promise : true),
  });
  const client = await one.join();
  client.send(
    { kind: 'subscribe', id: 's', channel: 'slow' },
    {
      kind: 'request',
      id: 'p',
      channel: 'slow',
      type: '$presence',
      codec: 'json',
      payload: jsonPayload({ state: 1 }),
    },
  );
  await settled();
  expect(client.kinds).not.toContain('error');
  answer.resolve(true);
  expect(await client.next('response')).toMatchObject({ id: 'p' });
});

test('a session watches as many channels as it may subscribe to', async () => {
  const client = await bench({ limits: { subscriptionsPerSession: 2 } }).join();
  for (const name of ['a', 'b', 'a']) await ask(client, '$presence', `room/${name}`, { watch: true });
  expect(await ask(client, '$presence', 'room/c', { watch: true })).toMatchObject({
    code: 'too-many-subscriptions',
  });
  await ask(client, '$presence', 'room/a', { watch: false });
  expect(await ask(client, '$presence', 'room/c', { watch: true })).toMatchObject({ kind: 'response' });
});

test('a session that is away is still there; one that ends leaves, after the grace', async () => {
  const one = bench();
  const [client, watcher] = [await one.join(), await one.join()];
  await client.subscribe('room/a');
  await settled();
  await ask(watcher, '$presence', 'room/a', { watch: true });
  client.pipe.close(4_507, 'lost');
  await settled();
  one.advance(10_000);
  await settled();
  expect(watcher.kinds).not.toContain('event');
  one.opened[0]!.close();
  await settled();
  one.advance(1_000);
  await settled();
  expect(watcher.payloads).toEqual([{ session: 'session-1', alone: true }]);
});

test('a watcher that ends is told nothing more, and holds nothing', async () => {
  const one = bench();
  const [client, watcher] = [await one.join(), await one.join()];
  await ask(watcher, '$presence', 'room/a', { watch: true });
  one.opened[1]!.close();
  await client.subscribe('room/a');
  await settled();
  expect(watcher.kinds).not.toContain('event');
});

test('who may not see a channel’s members any more is told so, and sees them no more', async () => {
  const one = new Bench({ authenticate: () => ({ id: 'ada' }) }).channel('room', {
    presence: true,
    authorize: (action, { session }) => action !== 'presence' || session.user!.level !== 'low',
  });
  const [client, watcher] = [await one.join(), await one.join()];
  await ask(watcher, '$presence', 'room', { watch: true });
  await (one.opened[1] as unknown as { become(user: object): Promise<void> }).become({
    id: 'ada',
    level: 'low',
  });
  expect(await watcher.next('error')).toMatchObject({
    id: undefined,
    code: 'forbidden',
    details: '{"channel":"room","type":"$presence"}',
  });
  await client.subscribe('room');
  await settled();
  expect(watcher.kinds).not.toContain('event');
});

test('many members come page by page, each as large as a message may be', async () => {
  const one = bench({ limits: { maxMessageBytes: 4_000, maxHelloBytes: 2_000 } });
  const clients = [];
  for (let n = 0; n < 30; n++) {
    const client = await one.join();
    clients.push(client);
    await client.subscribe('room/a');
    await ask(client, '$presence', 'room/a', { state: 'x'.repeat(400) });
  }
  const seen: unknown[] = [];
  let pages = 0;
  for (let from: number | undefined = 0; from !== undefined; pages++) {
    const answer = await ask(clients[0]!, '$presence', 'room/a', { watch: true, from });
    expect(answer.kind === 'response' && answer.payload.length).toBeLessThan(4_000);
    const page = json(answer) as { users: number; members: { session: string }[]; next?: number };
    expect(page.users).toBe(30);
    seen.push(...page.members.map(({ session }) => session));
    from = page.next;
  }
  expect(seen).toEqual(one.opened.map(({ id }) => id));
  expect(pages).toBeGreaterThan(4);
});

test('a watcher that was away for too much is told to ask again, once', async () => {
  const one = bench({ limits: { retainBudget: 300 } });
  const member = await one.join();
  const watcher = new ResumingClient(one);
  watcher.connect();
  await settled();
  const payload = jsonPayload({ watch: true });
  const request = {
    kind: 'request',
    id: 'r',
    channel: 'room/a',
    type: '$presence',
    codec: 'json',
    payload,
  } as const;
  watcher.control(request);
  watcher.flush();
  await settled();
  watcher.carrier!.pipe.cut();
  await settled();
  for (let n = 0; n < 10; n++) {
    await member.subscribe('room/a');
    await settled();
    await member.unsubscribe('room/a');
    one.advance(1_000);
    await settled();
  }
  watcher.connect();
  await settled();
  const types = watcher.events('room/a').map(({ type }) => type);
  expect(types.at(-1)).toBe('$reset');
  expect(types.filter((type) => type === '$reset')).toHaveLength(1);
  expect(types.length).toBeLessThan(10);
});
