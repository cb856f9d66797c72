import { CLOSE, decode, type Event, encode } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled, type TestClient } from '../compliance/fixture.ts';

/** Are these bytes an event in its compact form? Bit 4 of the flags (SPEC.md). */
const isCompact = (bytes: Uint8Array): boolean => (bytes[1]! & 0x10) !== 0;

async function subscribed(bench: Bench, options?: Parameters<Bench['join']>[0]): Promise<TestClient> {
  const client = await bench.join(options);
  await client.subscribe('arena/7');
  return client;
}

function state(given: Partial<Event> = {}): Event {
  const payload = new TextEncoder().encode('{"x":1}');
  const head = {
    kind: 'event',
    channel: 'arena/7',
    type: 'STATE',
    delivery: 'reliable',
    codec: 'json',
  } as const;
  return { ...head, payload, ...given };
}

test('names are spelled out until the client said NAMED, from then on numbers stand for them', async () => {
  const bench = new Bench().channel('arena/:room');
  const client = await subscribed(bench);
  const publish = () => bench.publish('arena/7', 'STATE', { x: 1 }, { key: 'p1' });
  publish();
  publish();
  const early = [await client.nextArrival('event'), await client.nextArrival('event')];
  expect(early.map(({ bytes }) => isCompact(bytes))).toEqual([false, false]);
  expect(client.kinds.filter((kind) => kind === 'names').length).toBe(1);
  client.acknowledgeNames();
  await settled();
  publish();
  const late = await client.nextArrival('event');
  expect(isCompact(late.bytes)).toBe(true);
  expect(late.envelope).toEqual({ ...early[1]!.envelope, seq: 3 });
  expect(late.bytes.length - late.envelope.payload.length).toBeLessThanOrEqual(12);
});

test('every subscriber gets the same bytes, in whichever form', async () => {
  const bench = new Bench().channel('arena/:room');
  const [one, two, three] = [await subscribed(bench), await subscribed(bench), await subscribed(bench)];
  const text = await subscribed(bench, { encoding: 'json' });
  const moreText = await subscribed(bench, { encoding: 'json' });
  bench.publish('arena/7', 'STATE', 1);
  const [first, second] = [await one.nextArrival('event'), await two.nextArrival('event')];
  expect(second.bytes).toBe(first.bytes);
  expect((await moreText.nextArrival('event')).bytes).toBe((await text.nextArrival('event')).bytes);
  await three.nextArrival('event');
  for (const client of [one, two]) client.acknowledgeNames();
  await settled();
  bench.publish('arena/7', 'STATE', 2);
  const [third, fourth] = [await one.nextArrival('event'), await two.nextArrival('event')];
  const fifth = await three.nextArrival('event');
  expect([third, fourth, fifth].map(({ bytes }) => isCompact(bytes))).toEqual([true, true, false]);
  expect(fourth.bytes).toBe(third.bytes);
  expect(fifth.envelope).toEqual(third.envelope);
});

test('binary and text say the same', async () => {
  const bench = new Bench().channel('arena/:room');
  const binary = await subscribed(bench);
  const text = await subscribed(bench, { encoding: 'json' });
  bench.publish('arena/7', 'STATE', { x: 1 }, { key: 'p1', delivery: 'latest' });
  const { envelope } = await binary.nextArrival('event');
  expect((await text.nextArrival('event')).envelope).toEqual(envelope);
  expect(text.kinds).not.toContain('names');
});

test('a client may claim no definitions that it was not sent', async () => {
  const client = await new Bench().join();
  client.send({ kind: 'named', count: 1 });
  expect((await client.end()).code).toBe(CLOSE['protocol-error']);
});

test('a client may use its own numbers as soon as it is told NAMED', async () => {
  const bench = new Bench().channel('arena/:room');
  const other = await subscribed(bench);
  const client = await bench.join();
  client.send({
    kind: 'names',
    routes: [{ number: 7, channel: 'arena/7', type: 'STATE' }],
    keys: [{ number: 3, key: 'p1' }],
  });
  expect(await client.next('named')).toEqual({ kind: 'named', count: 1 });
  client.pipe.send(encode(state({ key: 'p1' }), 'binary', { route: 7, key: 3 }));
  expect(await other.next('event')).toMatchObject({ channel: 'arena/7', type: 'STATE', key: 'p1', seq: 1 });
});

test('the numbers of one client mean nothing for another, and not the gateway’s either', async () => {
  const bench = new Bench().channel('arena/:room');
  const [client, other] = [await subscribed(bench), await subscribed(bench)];
  client.send({ kind: 'names', routes: [{ number: 50, channel: 'arena/7', type: 'STATE' }], keys: [] });
  await client.next('named');
  bench.publish('arena/7', 'STATE', 1);
  await settled();
  for (const route of [50, bench.book.route('arena/7', 'STATE')]) {
    other.pipe.sendDatagram(encode(state(), 'binary', { route }));
  }
  await settled();
  expect(bench.opened[1]!.stats().dropped.malformed).toBe(2);
  expect(bench.hub.stats.published).toBe(1);
});

test('a number keeps its meaning', async () => {
  const client = await new Bench().join();
  const define = (type: string) =>
    client.send({ kind: 'names', routes: [{ number: 1, channel: 'arena/7', type }], keys: [] });
  define('STATE');
  define('STATE');
  expect(await client.next('named')).toMatchObject({ count: 1 });
  expect(await client.next('named')).toMatchObject({ count: 2 });
  define('CHAT');
  expect((await client.end()).code).toBe(CLOSE['protocol-error']);
});

test('a client may define as many names as it was told, and no more', async () => {
  const client = await new Bench({ limits: { maxNames: 3 } }).join();
  const define = (...numbers: number[]) =>
    client.send({ kind: 'names', routes: [], keys: numbers.map((number) => ({ number, key: `${number}` })) });
  define(1, 2, 3);
  await client.next('named');
  define(4);
  expect((await client.end()).code).toBe(CLOSE['protocol-error']);
});

test('the gateway keeps to the client’s limit too: what is past it stays spelled out', async () => {
  const bench = new Bench({ limits: { maxNames: 2 } }).channel('arena/:room');
  const client = await subscribed(bench);
  for (let round = 0; round < 2; round++) {
    for (const type of ['A', 'B', 'C']) bench.publish('arena/7', type, 1);
    await settled();
    client.acknowledgeNames();
    await settled();
  }
  const forms = client.arrivals.filter(({ envelope }) => envelope.kind === 'event');
  expect(forms.map(({ bytes }) => isCompact(bytes))).toEqual([false, false, false, true, true, false]);
});

test('a stamp that a client writes itself reaches nobody', async () => {
  const bench = new Bench().channel('arena/:room', {
    onPublish: ({ meta }) => void seen.push(meta),
  });
  const seen: unknown[] = [];
  const client = await bench.join();
  client.send({ kind: 'names', routes: [{ number: 0, channel: 'arena/7', type: 'STATE' }], keys: [] });
  await client.next('named');
  client.pipe.send(encode(state({ seq: 9, ts: 1 }), 'binary', { route: 0 }));
  await settled();
  expect(seen).toEqual([
    { channel: 'arena/7', type: 'STATE', delivery: 'reliable', codec: 'json', key: undefined, id: undefined },
  ]);
});

test('payloads pass through as they came, in either encoding', async () => {
  const bench = new Bench().channel('arena/:room');
  const binary = await subscribed(bench);
  const text = await subscribed(bench, { encoding: 'json' });
  const raw = Uint8Array.from({ length: 256 }, (_, index) => index);
  text.publish('arena/7', 'RAW', raw, { codec: 'bytes' });
  await settled();
  binary.publish('arena/7', 'RAW', raw, { codec: 'cbor' });
  await settled();
  text.send(decode(encode(state({ payload: new TextEncoder().encode('{"n":12345678901234567890}') }))));
  for (const client of [binary, text]) {
    expect([...(await client.next('event')).payload]).toEqual([...raw]);
    expect(await client.next('event')).toMatchObject({ codec: 'cbor', payload: raw });
    expect(new TextDecoder().decode((await client.next('event')).payload)).toBe('{"n":12345678901234567890}');
  }
});
