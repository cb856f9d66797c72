import { CLOSE, type Envelope, encode, joinPacket, NOTHING_RECEIVED } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { Bench, settled, type TestClient, type TestClientOptions } from '../compliance/fixture.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PING: Envelope = { kind: 'ping', time: 5 };

async function joined(
  encoding: 'binary' | 'json' = 'binary',
  options: TestClientOptions = {},
): Promise<{ bench: Bench; client: TestClient }> {
  const bench = new Bench().channel('arena/:room');
  return { bench, client: await bench.join({ encoding, ...options }) };
}

const PIPE = { maxDatagramSize: 0 };

const MALFORMED: readonly (readonly [string, Uint8Array, string])[] = [
  ['no bytes', new Uint8Array(0), 'truncated'],
  ['an unknown kind', new Uint8Array([0x3f]), 'unknown-kind'],
  ['a cut envelope', encode(PING).subarray(0, 1), 'truncated'],
  ['bytes behind the last field', new Uint8Array([...encode(PING), 0]), 'trailing-bytes'],
  ['a number longer than needed', new Uint8Array([encode(PING)[0]!, 0x85, 0x00]), 'bad-varint'],
  ['a route that was never defined', encode(event(), 'binary', { route: 5 }), 'unknown-name'],
  ['a batch of nothing', new Uint8Array([0]), 'bad-value'],
];

function event(): Extract<Envelope, { kind: 'event' }> {
  const payload = new Uint8Array(1);
  return { kind: 'event', channel: 'arena/7', type: 'T', delivery: 'unreliable', codec: 'bytes', payload };
}

describe.each(MALFORMED)('%s', (_, wrong, code) => {
  test('closes the session when it came reliably, and says why', async () => {
    const { bench, client } = await joined();
    client.pipe.send(wrong);
    const ending = await client.end();
    expect(ending.code).toBe(CLOSE['protocol-error']);
    expect(ending.reason).toMatch(new RegExp(`^${code}: .+`));
    expect(bench.closed).toEqual([[ending.code, ending.reason]]);
  });

  test('is counted and dropped when it came as a datagram', async () => {
    const { bench, client } = await joined();
    client.pipe.sendDatagram(wrong);
    client.send(PING);
    expect(await client.next('pong')).toMatchObject({ time: 5 });
    expect(bench.opened[0]!.stats().dropped.malformed).toBe(1);
  });
});

test('an envelope of another version closes the session as unsupported, in the middle of it too', async () => {
  const { client } = await joined();
  client.pipe.send(new Uint8Array([(2 << 5) | 7, 5]));
  expect((await client.end()).code).toBe(CLOSE['unsupported-version']);
});

test.each([
  {
    kind: 'welcome',
    session: 's',
    resumed: false,
    time: 0,
    received: NOTHING_RECEIVED,
    limits: new Bench().limits,
  },
  { kind: 'subscribed', id: '1', channel: 'a', epoch: 'e', seq: 0, recovered: false, history: false },
  { kind: 'gap', channel: 'a', from: 1, to: 2 },
  { kind: 'receipt', receipts: [] },
  { kind: 'drain', within: 1 },
  { kind: 'error', code: 'x', message: '' },
] satisfies Envelope[])('a client does not send $kind', async (envelope) => {
  const { client } = await joined();
  client.send(envelope);
  expect((await client.end()).code).toBe(CLOSE['protocol-error']);
});

test.each([
  { kind: 'subscribe', id: '1', channel: 'arena/7' },
  { kind: 'unsubscribe', id: '1', channel: 'arena/7' },
  { kind: 'request', id: '1', channel: '', type: 'T', codec: 'bytes', payload: new Uint8Array(0) },
  { kind: 'names', routes: [], keys: [] },
  { kind: 'named', count: 0 },
  { kind: 'lane', lane: 1, channel: 'arena/7', count: 0 },
  { kind: 'number', number: 1 },
  { ...event(), delivery: 'reliable' },
  { ...event(), delivery: 'unordered' },
  { kind: 'close', code: 4000, reason: '' },
] satisfies Envelope[])('$kind may not travel in a datagram: it is dropped', async (envelope) => {
  const { bench, client } = await joined();
  client.sendDatagram(envelope);
  client.send(PING);
  await client.next('pong');
  expect(client.kinds).toEqual(['welcome', 'pong']);
  expect(bench.opened[0]!.stats().dropped.malformed).toBe(1);
});

test.each([
  ['binary', encode(PING, 'json')],
  ['json', encode(PING, 'binary')],
] as const)('a session that began in %s goes on in it', async (encoding, other) => {
  const { bench, client } = await joined(encoding);
  client.pipe.sendDatagram(other);
  await settled();
  expect(bench.opened[0]!.stats().dropped.malformed).toBe(1);
  client.pipe.send(other);
  expect(await client.end()).toEqual({
    code: CLOSE['protocol-error'],
    reason: `bad-value: this session speaks ${encoding} since its HELLO`,
  });
});

test('text that is wrong closes with a reason that fits, however much of it is quoted', async () => {
  const { client } = await joined('json');
  client.pipe.send(bytes(`{"v":1,"kind":"ping","time":1,"${'€'.repeat(10_000)}":1}`));
  const { code, reason } = await client.end();
  expect(code).toBe(CLOSE['protocol-error']);
  expect(bytes(reason).length).toBeLessThanOrEqual(1_024);
  expect(client.kinds.at(-1)).toBe('close');
});

test.each(['binary', 'json'] as const)('the envelopes of a %s batch are taken in order', async (encoding) => {
  const { client } = await joined(encoding);
  const pings = [1, 2, 3].map((time) => encode({ kind: 'ping', time }, encoding));
  client.pipe.send(joinPacket(pings, encoding));
  for (const time of [1, 2, 3]) expect(await client.next('pong')).toMatchObject({ time });
});

test('what stood in a batch before the fault has been taken', async () => {
  const { client } = await joined();
  client.pipe.send(new Uint8Array([...joinPacket([encode(PING), encode(PING)], 'binary'), 1, 0x3f]));
  expect((await client.end()).code).toBe(CLOSE['protocol-error']);
  expect(client.kinds).toEqual(['welcome', 'pong', 'pong', 'close']);
});

test('in a pipe nothing of a batch is taken after the envelope that closed the session', async () => {
  const { bench, client } = await joined('binary', PIPE);
  let requests = 0;
  bench.handlers.add('COUNT', {}, () => requests++);
  const close = encode({ kind: 'close', code: CLOSE.normal, reason: 'bye' });
  const count = { id: '1', channel: '', type: 'COUNT', codec: 'bytes', payload: new Uint8Array(0) } as const;
  client.pipe.send(joinPacket([close, encode(PING), encode({ kind: 'request', ...count })], 'binary'));
  expect(await client.end()).toEqual({ code: CLOSE.normal, reason: 'bye' });
  expect(client.kinds).toEqual(['welcome', 'close']);
  expect(bench.closed).toEqual([[CLOSE.normal, 'bye']]);
  expect(requests).toBe(0);
});

test('with streams of their own, lanes that are slower than CLOSE are heard until the client closes', async () => {
  const { bench, client } = await joined();
  await client.subscribe('arena/7');
  client.send({ kind: 'close', code: CLOSE.normal, reason: 'bye' });
  client.send({ ...event(), delivery: 'reliable' });
  expect(await client.next('event')).toMatchObject({ type: event().type });
  expect(client.ending).toBeUndefined();
  client.pipe.cut();
  await settled();
  expect(bench.closed).toEqual([[CLOSE.normal, 'bye']]);
});

test('a client that says CLOSE and does not is closed', async () => {
  const { bench, client } = await joined();
  client.send({ kind: 'close', code: CLOSE.normal, reason: 'bye' });
  await settled();
  bench.advance(499);
  expect(client.ending).toBeUndefined();
  bench.advance(1);
  expect(await client.end()).toEqual({ code: CLOSE.normal, reason: 'bye' });
});

test('a close code of the client that is in no table is a lost transport', async () => {
  const { bench, client } = await joined('binary', PIPE);
  client.send({ kind: 'close', code: 4999, reason: '' });
  expect((await client.end()).code).toBe(CLOSE['transport-lost']);
  expect(bench.moves).toEqual(['detached session-1']);
});

test('a message over the largest size closes with its own code', async () => {
  const { client } = await joined();
  client.pipe.send(encode({ ...event(), delivery: 'reliable', payload: new Uint8Array(65_536) }));
  expect((await client.end()).code).toBe(CLOSE['message-too-large']);
});

test('PING is answered at once, with both clocks, in a datagram or reliably', async () => {
  const { bench, client } = await joined();
  client.send({ kind: 'ping', time: 123 });
  expect(await client.next('pong')).toEqual({ kind: 'pong', time: 123, now: bench.clock.now() });
  client.sendDatagram({ kind: 'ping', time: 456 });
  expect(await client.next('pong')).toMatchObject({ time: 456 });
});

test('lanes of the client’s own, and its acknowledgements, are taken without a word', async () => {
  const { client } = await joined();
  client.send(
    { kind: 'lane', lane: 1, channel: 'arena/7', count: 0 },
    { kind: 'ack', lanes: [{ lane: 0, count: 0 }] },
    PING,
  );
  await client.next('pong');
  expect(client.kinds).toEqual(['welcome', 'pong']);
});
