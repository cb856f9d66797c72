import { DELIVERIES, type Event, encode, joinPacket, type Receipt, readPacket } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, type BenchOptions, settled, type TestClient } from '../compliance/fixture.ts';
import { ResumingClient } from '../compliance/resuming-client.ts';
import type { ChannelOptions } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';
import type { SendOptions } from './session-handle.ts';

type Join = Parameters<Bench['join']>[0];

/** A client that is subscribed to `arena/7`. */
async function subscribed(options: BenchOptions = {}, join: Join = {}, rule: ChannelOptions = {}) {
  const bench = new Bench(options).channel('arena/:room', rule);
  const client = await bench.join(join);
  await client.subscribe('arena/7');
  return { bench, client, session: bench.opened[0]! };
}

/** A pipe, as a WebSocket is one: no datagrams. */
const PIPE = { maxDatagramSize: 0 };

const receipts = (client: TestClient) =>
  client.arrivals.flatMap(({ envelope }) => (envelope.kind === 'receipt' ? envelope.receipts : []));

/** How many events a packet holds. */
function size(bytes: Uint8Array): number {
  let events = 0;
  readPacket(bytes, undefined, () => events++);
  return events;
}

// Out

test('a latest message replaces the one still waiting for the socket', async () => {
  const { bench, client, session } = await subscribed({}, { ...PIPE, acks: false });
  const publish = (value: string) =>
    bench.publish('arena/7', 'STATE', value, { delivery: 'latest', key: value[0]! });
  for (let n = 0; n < 10; n++) {
    publish(`a${n}${'x'.repeat(1_500)}`);
    publish(`b${n}${'x'.repeat(1_500)}`);
    await settled();
  }
  expect(client.payloads.map((payload) => String(payload).slice(0, 2))).toEqual(['a0', 'b0']);
  expect(session.stats().dropped.superseded).toBe(16);
});

test('what may be dropped is in flight only as far as the client acknowledges it', async () => {
  const { bench, client, session } = await subscribed({}, { acks: false });
  for (let n = 0; n < 100; n++) {
    bench.publish('arena/7', 'STATE', 'x'.repeat(200), { delivery: 'unreliable' });
    await settled();
  }
  const { backlog, inFlight } = session.stats();
  expect(inFlight).toBeLessThan(4_000);
  expect(client.payloads.length).toBeLessThan(20);
  expect(backlog).toBeGreaterThan(15_000);
  // Reliable ones do not wait for that.
  bench.publish('arena/7', 'CHAT', 'hello');
  await settled();
  expect(client.payloads.at(-1)).toBe('hello');
});

test('a client that acknowledges gets all of it', async () => {
  const { bench, client, session } = await subscribed();
  for (let n = 0; n < 100; n++) {
    bench.publish('arena/7', 'STATE', n, { delivery: 'unreliable' });
    await settled();
  }
  expect(client.payloads.length).toBe(100);
  expect(session.stats()).toMatchObject({ backlog: 0, inFlight: 0 });
});

test.each([
  ['server', {}, { maxAge: 1_000 }],
  ['client', { maxAge: 1_000 }, {}],
])('what waits longer than the maxAge of its %s is dropped as expired', async (publisher, rule, drop) => {
  const { bench, client, session } = await subscribed({}, { ...PIPE, acks: false }, rule);
  const payload = new Uint8Array(2_000);
  const draft = { channel: 'arena/7', type: 'T', delivery: 'unreliable', codec: 'bytes', payload } as const;
  for (let n = 0; n < 4; n++) {
    if (publisher === 'server') bench.hub.publish(draft, drop);
    else client.send({ kind: 'event', ...draft });
  }
  await settled();
  bench.clock.advance(999);
  expect(session.stats().dropped.expired).toBe(0);
  bench.clock.advance(1);
  expect(session.stats().dropped.expired).toBe(2);
  expect(client.arrivals.filter(({ envelope }) => envelope.kind === 'event').length).toBe(2);
});

test('what is too big for a datagram goes on a stream of its own, or nowhere', async () => {
  const { bench, client, session } = await subscribed();
  const publish = (oversize?: 'stream' | 'drop') => {
    const draft = { channel: 'arena/7', type: 'T', delivery: 'unreliable', codec: 'bytes' } as const;
    bench.hub.publish({ ...draft, payload: new Uint8Array(2_000) }, { oversize });
  };
  publish();
  publish('drop');
  publish('stream');
  await settled();
  const events = client.arrivals.filter(({ envelope }) => envelope.kind === 'event');
  expect(events.map(({ reliable, lane }) => [reliable, lane < 0])).toEqual([
    [true, true],
    [true, true],
  ]);
  expect(session.stats().dropped.oversize).toBe(1);
});

test('what a client publishes is dropped as its channel says', async () => {
  const { bench, client, session } = await subscribed({}, {}, { oversize: 'drop' });
  client.publish('arena/7', 'T', 'x'.repeat(2_000), { delivery: 'unreliable' });
  await settled();
  expect([client.payloads, session.stats().dropped.oversize]).toEqual([[], 1]);
  expect(bench.hub.stats.published).toBe(1);
});

test('an unordered message travels apart from the lane, and arrives once', async () => {
  const { bench, client } = await subscribed();
  bench.publish('arena/7', 'T', 1, { delivery: 'unordered' });
  const { lane, reliable, bytes } = await client.nextArrival('event');
  expect([lane < 0, reliable, bytes[0]]).toEqual([true, true, 0]);
});

// Joining

test.each([
  ['datagram', {}],
  ['socket write', PIPE],
])('messages of one turn share a %s, and are in order', async (_, join) => {
  const { bench, client } = await subscribed({}, join);
  for (let n = 0; n < 20; n++) bench.publish('arena/7', 'STATE', n, { delivery: 'unreliable' });
  await settled();
  expect(client.payloads).toEqual(Array.from({ length: 20 }, (_, n) => n));
  const packets = new Set(
    client.arrivals.filter(({ envelope }) => envelope.kind === 'event').map(({ bytes }) => bytes),
  );
  expect([...packets].map(size)).toEqual([20]);
});

test('a reliable message does not wait for the turn to end, and overtakes none of its lane', async () => {
  const { bench, client } = await subscribed();
  for (let n = 0; n < 5; n++) {
    bench.publish('arena/7', 'CHAT', n);
    bench.publish('arena/7', 'STATE', `s${n}`, { delivery: 'unreliable' });
  }
  await settled();
  const [chat, states] = [client.payloads.slice(0, 5), client.payloads.slice(5)];
  expect(chat).toEqual([0, 1, 2, 3, 4]);
  expect(states).toEqual(['s0', 's1', 's2', 's3', 's4']);
});

test('messages wait for others as long as maxDelay allows', async () => {
  const { bench, client } = await subscribed({ maxDelay: 20 });
  const before = client.arrivals.length;
  for (let n = 0; n < 3; n++) {
    bench.publish('arena/7', 'STATE', n, { delivery: 'unreliable' });
    await settled();
    bench.clock.advance(6);
  }
  await settled();
  expect(client.arrivals.slice(before).filter(({ envelope }) => envelope.kind === 'event')).toEqual([]);
  bench.clock.advance(2);
  await settled();
  expect(client.payloads).toEqual([0, 1, 2]);
  const { bytes } = client.arrivals.find(({ envelope }) => envelope.kind === 'event')!;
  expect(size(bytes)).toBe(3);
});

// In

test('what comes is acknowledged, lanes and packets', async () => {
  const bench = new Bench().channel('arena/:room');
  const client = new ResumingClient(bench);
  client.connect();
  await settled();
  for (let n = 0; n < 5; n++) client.publish('arena/7', 'T', n, { id: `r${n}` });
  client.publish('arena/7', 'T', 0, { delivery: 'unordered', id: 'u' });
  client.publish('arena/7', 'STATE', 0, { delivery: 'latest', id: 'l' });
  client.publish('arena/7', 'STATE', 0, { delivery: 'unreliable', id: 'n' });
  await settled();
  bench.clock.advance(200);
  await settled();
  expect(client.sender.stats).toMatchObject({ retained: 0, inFlight: 0, pending: 0 });
  expect([...client.outcomes.values()]).toEqual(Array(8).fill('delivered'));
  expect(bench.hub.stats.published).toBe(8);
});

test('a client that says nothing is acknowledged nothing: no timer, no word', async () => {
  const { bench, client } = await subscribed();
  bench.clock.advance(200);
  await settled();
  const { length } = client.arrivals;
  expect(bench.clock.timers).toBe(0);
  bench.clock.advance(5_000);
  await settled();
  expect(client.arrivals.length).toBe(length);
});

test('an older latest message that comes late is dropped', async () => {
  const { bench, client } = await subscribed();
  const other = await bench.join();
  const state = (n: number): Event => {
    const payload = new TextEncoder().encode(`${n}`);
    return {
      kind: 'event',
      channel: 'arena/7',
      type: 'STATE',
      delivery: 'latest',
      codec: 'json',
      payload,
      id: `s${n}`,
    };
  };
  const packet = (number: number, n: number) => {
    const bytes = encode(state(n));
    return Uint8Array.of(1, number, bytes.length, ...bytes);
  };
  other.pipe.sendDatagram(packet(2, 2));
  other.pipe.sendDatagram(packet(1, 1));
  other.pipe.sendDatagram(packet(2, 2));
  await settled();
  expect(client.payloads).toEqual([2]);
  expect(receipts(other)).toEqual([
    { id: 's2', outcome: 'delivered' },
    { id: 's1', outcome: 'superseded' },
  ]);
});

test('acknowledgements are no messages of the client: they take nothing of its rate', async () => {
  const { bench, client } = await subscribed({ limits: { messagesPerSecond: 1, messagesBurst: 2 } });
  for (let n = 0; n < 200; n++) {
    bench.publish('arena/7', 'STATE', n, { delivery: 'unreliable' });
    await settled();
  }
  expect(client.payloads.length).toBe(200);
  client.publish('arena/7', 'CHAT', 'mine');
  await settled();
  expect([client.payloads.at(-1), client.ending]).toEqual(['mine', undefined]);
});

test('acknowledgements have a rate of their own, and who floods with them is closed', async () => {
  const { client } = await subscribed();
  for (let n = 0; n < 4_150; n++) client.send({ kind: 'ack', lanes: [] });
  expect((await client.end()).reason).toBe('the session kept sending over its rate');
});

test('what was never sent cannot be acknowledged', async () => {
  for (const about of [
    { lanes: [{ lane: 0, count: 99 }] },
    { lanes: [{ lane: 7, count: 0 }] },
    { lanes: [], unordered: { upTo: 1, beyond: [] } },
    { lanes: [], packets: { highest: 5, bits: new Uint8Array(0) } },
  ]) {
    const { client } = await subscribed();
    client.send({ kind: 'ack', ...about });
    expect((await client.end()).reason).toMatch(/^bad-value: /);
  }
});

test('a client that does not read is not answered without bound', async () => {
  const { client, session } = await subscribed({ limits: { sendBudgetSoft: 1_000, sendBudgetHard: 2_000 } });
  client.pipe.pause();
  for (let n = 0; n < 500; n++) client.send({ kind: 'ping', time: n });
  await settled();
  expect(session.stats().backlog).toBeLessThan(2_100);
});

test('a client that sends and does not read is not acknowledged without bound', async () => {
  const limits = { sendBudgetSoft: 500, sendBudgetHard: 1_000 };
  const { bench, client, session } = await subscribed({ limits }, PIPE);
  client.pipe.pause();
  for (let n = 0; n < 400; n++) {
    client.publish('arena/8', 'T', n);
    await new Promise((resolve) => setImmediate(resolve));
    bench.clock.advance(200);
  }
  await settled();
  expect([session.stats().backlog > 1_000, session.stats().backlog < 1_050]).toEqual([true, true]);
  client.pipe.resume();
  await settled();
  bench.clock.advance(1_000);
  await settled();
  expect(client.arrivals.at(-1)!.envelope).toMatchObject({ kind: 'ack', lanes: [{ lane: 0, count: 401 }] });
});

test('what comes twice is dropped, and costs who sends it on and on', async () => {
  const { bench, client } = await subscribed({ limits: { messagesPerSecond: 10, messagesBurst: 50 } });
  const again = () => {
    client.send({ kind: 'lane', lane: 0, channel: '', count: 1 });
    for (let n = 0; n < 40; n++) client.publish('arena/7', 'T', n);
  };
  again();
  await settled();
  expect(client.payloads.length).toBe(40);
  again();
  await settled();
  expect([client.payloads.length, client.ending]).toEqual([40, undefined]);
  for (let times = 0; times < 3; times++) again();
  expect((await client.end()).reason).toBe('the session kept sending over its rate');
  expect(bench.hub.stats.published).toBe(40);
});

test('definitions that come twice are taken once', async () => {
  const { client } = await subscribed();
  const names = { kind: 'names', routes: [{ number: 1, channel: 'arena/7', type: 'T' }], keys: [] } as const;
  client.send(names, { kind: 'lane', lane: 0, channel: '', count: 1 }, names);
  await settled();
  expect(client.kinds.filter((kind) => kind === 'named').length).toBe(1);
});

test('what a packet adds to the largest envelope is not held against it', async () => {
  const { bench, client } = await subscribed();
  const event = (size: number): Uint8Array =>
    encode({
      kind: 'event',
      channel: 'arena/7',
      type: 'T',
      delivery: 'unordered',
      codec: 'bytes',
      payload: new Uint8Array(size),
    });
  const overhead = event(60_000).length - 60_000;
  const number = encode({ kind: 'number', number: 1 });
  client.pipe.send(joinPacket([number, event(65_536 - overhead)], 'binary'));
  await settled();
  expect([bench.hub.stats.published, client.ending]).toEqual([1, undefined]);
});

// Receipts

test('who publishes with an id hears that it was published, after the hook that decides', async () => {
  const decided = Promise.withResolvers<void>();
  const { bench, client } = await subscribed({}, {}, { onPublish: () => decided.promise });
  client.publish('arena/7', 'T', 1, { id: 'p1' });
  client.publish('arena/7', 'T', 2);
  await settled();
  expect(receipts(client)).toEqual([{ id: 'p1', outcome: 'received' }]);
  decided.resolve();
  await settled();
  expect(receipts(client).slice(1)).toEqual([{ id: 'p1', outcome: 'delivered' }]);
  expect(bench.hub.stats.published).toBe(2);
});

test.each([
  ['at once', () => false],
  ['later', async () => false],
])('a publication that the application takes for itself %s is processed', async (_, onPublish) => {
  const { bench, client } = await subscribed({}, {}, { onPublish });
  client.publish('arena/7', 'T', 1, { id: 'p1' });
  await settled();
  expect(receipts(client)).toEqual([{ id: 'p1', outcome: 'processed' }]);
  expect(bench.hub.stats.published).toBe(0);
});

test('a publication that is refused is answered by an error, not a receipt', async () => {
  const onPublish = () => {
    throw new SpillwayError('too-fast', 'one at a time');
  };
  const { client } = await subscribed({}, {}, { onPublish });
  client.publish('arena/7', 'T', 1, { id: 'p1' });
  expect(await client.next('error')).toMatchObject({ id: 'p1', code: 'too-fast' });
  expect(receipts(client)).toEqual([]);
});

test('receipts of one turn share an envelope, and what may be dropped is told when it was', async () => {
  const { client } = await subscribed({ limits: { messagesPerSecond: 1, messagesBurst: 3 } });
  client.publish('arena/7', 'T', 1, { id: 'p1' });
  client.publish('arena/7', 'T', 2, { id: 'p2', delivery: 'unreliable' });
  client.publish('arena/7', 'T', 3, { id: 'p3', delivery: 'unreliable' });
  client.publish('arena/7', 'T', 4, { delivery: 'unreliable' });
  await settled();
  const told = client.arrivals.map(({ envelope }) => envelope).filter(({ kind }) => kind === 'receipt');
  expect(told.map((receipt) => (receipt as Receipt).receipts)).toEqual([
    [
      { id: 'p1', outcome: 'delivered' },
      { id: 'p2', outcome: 'delivered' },
      { id: 'p3', outcome: 'dropped' },
    ],
  ]);
});

test('what may be dropped is, and told as that, while too much waits for hooks', async () => {
  const limits = { pendingPerSession: 2, subscriptionsPerSession: 2 };
  const { client } = await subscribed({ limits }, {}, { onPublish: () => new Promise(() => {}) });
  for (const id of ['p1', 'p2', 'p3']) client.publish('arena/7', 'T', 1, { id, delivery: 'unreliable' });
  await settled();
  expect(receipts(client).filter(({ outcome }) => outcome !== 'received')).toEqual([
    { id: 'p3', outcome: 'dropped' },
  ]);
});

test.each(DELIVERIES)('a private %s message that arrived is told as delivered', async (delivery) => {
  const bench = new Bench();
  const client = await bench.join();
  const outcome = bench.opened[0]!.send('HINT', 1, { delivery, receipt: true });
  expect(await client.next('event')).toMatchObject({ id: undefined });
  expect(await outcome).toBe('delivered');
});

test('a private message that a newer one replaced, that waited too long or found no room is told as that', async () => {
  const bench = new Bench({ limits: { sendBudgetSoft: 5_000 } });
  await bench.join({ ...PIPE, acks: false });
  const [session] = bench.opened;
  const send = (options: SendOptions) =>
    session!.send('T', 'x'.repeat(2_000), { delivery: 'latest', ...options, receipt: true });
  // Two fill the window.
  void send({ key: 'first' });
  void send({ key: 'second' });
  await settled();
  const [older, newer] = [send({ key: 'a' }), send({ key: 'a', maxAge: 500 })];
  const crowd = [1, 2, 3].map(() => send({ delivery: 'unreliable' }));
  expect(await older).toBe('superseded');
  expect(await crowd[0]).toBe('dropped');
  bench.advance(500);
  expect(await newer).toBe('expired');
});

test('a private message that was owed when the session ended is told too', async () => {
  const bench = new Bench();
  await bench.join({ acks: false });
  const [session] = bench.opened;
  const owed = [
    session!.send('T', 1, { receipt: true }),
    session!.send('T', 1, { delivery: 'unreliable', receipt: true }),
  ];
  await settled();
  session!.close();
  expect(await Promise.all(owed)).toEqual(['gap', 'dropped']);
  expect(await session!.send('T', 1, { receipt: true })).toBe('dropped');
});

test('a private message that was too much has an outcome although it ends the session', async () => {
  const bench = new Bench({ limits: { sendBudgetSoft: 100, sendBudgetHard: 1_000, retainBudget: 1_000 } });
  await bench.join({ acks: false });
  const [session] = bench.opened;
  const outcome = session!.send('T', 'x'.repeat(2_000), { receipt: true });
  expect(await outcome).toBe('dropped');
  expect(bench.closed[0]![1]).toBe('the client reads too slowly');
});

test.each([
  { maxAge: 0 },
  { maxAge: Number.NaN },
  { maxAge: Number.POSITIVE_INFINITY },
  { oversize: 'split' as 'drop' },
])('%o is the caller’s error', async (options) => {
  const bench = new Bench();
  await bench.join();
  expect(() => bench.opened[0]!.send('T', 1, options)).toThrow(RangeError);
  expect(() => bench.channel('arena/:room', options)).toThrow(RangeError);
});

// Ends

test.each(['normal', 'internal'] as const)('no timer outlives a session that is closed: %s', async (code) => {
  const { bench, client, session } = await subscribed({}, { acks: false });
  for (let n = 0; n < 50; n++) bench.publish('arena/7', 'STATE', n, { delivery: 'latest', key: `${n}` });
  client.publish('arena/7', 'T', 1);
  await settled();
  expect(bench.clock.timers).toBeGreaterThan(0);
  session.close(code);
  expect(bench.clock.timers).toBe(0);
  await settled();
  bench.clock.advance(60_000);
  expect(bench.clock.timers).toBe(0);
});
