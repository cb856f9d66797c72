import type { Codec } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled } from '../compliance/fixture.ts';
import { SpillwayError } from './errors.ts';
import type { RequestContext } from './request-handlers.ts';

const json = (payload: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(payload));

test.each(['binary', 'json'] as const)(
  'a request in %s is answered by a RESPONSE with its id',
  async (encoding) => {
    const bench = new Bench();
    bench.handlers.add('ADD', {}, (payload) => {
      const { a, b } = payload as { a: number; b: number };
      return { sum: a + b };
    });
    const client = await bench.join({ encoding });
    client.request('ADD', { a: 1, b: 2 }, { id: 'r1' });
    const { id, more, codec, payload } = await client.next('response');
    expect({ id, more, codec, value: json(payload) }).toEqual({
      id: 'r1',
      more: false,
      codec: 'json',
      value: { sum: 3 },
    });
  },
);

test('a handler is told the session and the channel', async () => {
  const bench = new Bench();
  const told: RequestContext[] = [];
  bench.handlers.add('WHO', {}, (_, context) => void told.push(context));
  const client = await bench.join();
  client.request('WHO', 1, { channel: 'arena/7', id: 'r1' });
  expect((await client.next('response')).payload.length).toBe(0);
  expect(told).toMatchObject([{ session: bench.opened[0], channel: 'arena/7', id: 'r1' }]);
});

test('bytes are answered by bytes, and cbor by cbor where the gateway knows it', async () => {
  const cbor = {
    encode: (value: unknown) => new TextEncoder().encode(`cbor ${JSON.stringify(value)}`),
    decode: (payload: Uint8Array) => JSON.parse(new TextDecoder().decode(payload).slice('cbor '.length)),
  };
  const bench = new Bench({ cbor });
  bench.handlers.add('ECHO', {}, (payload) => payload);
  const client = await bench.join();
  client.request('ECHO', new Uint8Array([7]), { codec: 'bytes' });
  expect(await client.next('response')).toMatchObject({ codec: 'bytes', payload: new Uint8Array([7]) });
  client.request('ECHO', cbor.encode({ x: 1 }), { codec: 'cbor' });
  expect(await client.next('response')).toMatchObject({ codec: 'cbor', payload: cbor.encode({ x: 1 }) });
});

test('a SpillwayError of a handler reaches the client whole', async () => {
  const bench = new Bench();
  bench.handlers.add('JOIN', {}, () => {
    throw new SpillwayError('room-full', 'no place left', { details: { places: 4 } });
  });
  const client = await bench.join();
  client.request('JOIN', 1, { id: 'r1' });
  expect(await client.next('error')).toEqual({
    kind: 'error',
    code: 'room-full',
    message: 'no place left',
    details: '{"places":4}',
    id: 'r1',
  });
  expect(bench.logger.errors).toEqual([]);
});

test('any other error is logged, and the client learns only that there was one', async () => {
  const bench = new Bench();
  const failure = new TypeError('secret of the data base');
  bench.handlers.add('JOIN', {}, () => Promise.reject(failure));
  const client = await bench.join();
  client.request('JOIN', 1, { id: 'r1' });
  expect(await client.next('error')).toEqual({
    kind: 'error',
    code: 'internal',
    message: 'the server failed to handle this',
    details: undefined,
    id: 'r1',
  });
  expect(bench.logger.errors).toEqual([failure]);
});

test('a request that nobody answers is an error', async () => {
  const client = await new Bench().join();
  client.request('NOPE', 1, { id: 'r1' });
  expect(await client.next('error')).toMatchObject({ code: 'unknown-request', id: 'r1' });
});

test('a payload that is not what it claims to be is the client’s fault, and no line in the log', async () => {
  const bench = new Bench();
  bench.handlers.add('JOIN', {}, () => 1);
  const client = await bench.join();
  client.request('JOIN', new TextEncoder().encode('{"x":'), { codec: 'json', id: 'r1' });
  expect(await client.next('error')).toMatchObject({ code: 'bad-payload', id: 'r1' });
  expect(bench.logger.errors).toEqual([]);
});

test.each<[fault: string, result: unknown, codec: Codec]>([
  ['is no JSON', 10n, 'json'],
  ['is too large', 'x'.repeat(70_000), 'json'],
  ['is no cbor', { x: 1 }, 'cbor'],
])(
  'a result that %s is the handler’s fault: logged, and hidden from the client',
  async (_, result, codec) => {
    const bench = new Bench();
    bench.handlers.add('JOIN', {}, () => result);
    const client = await bench.join();
    client.request('JOIN', new TextEncoder().encode('1'), { codec, id: 'r1' });
    expect(await client.next('error')).toMatchObject({ code: 'internal', id: 'r1' });
    expect(bench.logger.errors).toMatchObject([{ cause: { name: 'SpillwayError' } }]);
  },
);

test.each([
  ['details that are no JSON', new SpillwayError('x', 'y', { details: 10n })],
  ['details that go in circles', new SpillwayError('x', 'y', { details: circle() })],
  ['more details than an ERROR holds', new SpillwayError('x', 'y', { details: 'x'.repeat(20_000) })],
  ['a code that is too long', new SpillwayError('x'.repeat(65), 'y')],
  ['no code', new SpillwayError('', 'y')],
  ['a message that is too long', new SpillwayError('x', 'y'.repeat(5_000))],
  ['a message that is no text', new SpillwayError('x', '\ud800')],
])('an error with %s is answered all the same, and logged', async (_, error) => {
  const bench = new Bench().channel('a', { onPublish: () => Promise.reject(error) });
  bench.channel('b', {
    onPublish: () => {
      throw error;
    },
  });
  bench.handlers.add('JOIN', {}, () => {
    throw error;
  });
  const client = await bench.join();
  client.request('JOIN', 1, { id: 'r1' });
  client.publish('a', 'T', 1, { id: 'r2' });
  client.publish('b', 'T', 1, { id: 'r3' });
  const ids = [await client.next('error'), await client.next('error'), await client.next('error')];
  expect(ids.map(({ id }) => id).sort()).toEqual(['r1', 'r2', 'r3']);
  for (const answer of ids) expect(answer).toMatchObject({ code: 'internal' });
  expect(bench.logger.lines).toEqual(Array(3).fill('error: an error cannot be sent'));
  expect(client.ending).toBeUndefined();
});

test('so many requests at a time and no more; one that ends makes room', async () => {
  const bench = new Bench({ limits: { requestsPerSession: 2 } });
  const ends: (() => void)[] = [];
  bench.handlers.add('WAIT', {}, () => new Promise<void>((resolve) => ends.push(resolve)));
  const client = await bench.join();
  for (const id of ['r1', 'r2', 'r3']) client.request('WAIT', 1, { id });
  expect(await client.next('error')).toMatchObject({ code: 'too-many-requests', id: 'r3' });
  ends[0]!();
  expect(await client.next('response')).toMatchObject({ id: 'r1' });
  client.request('WAIT', 1, { id: 'r4' });
  await settled();
  expect(ends.length).toBe(3);
});

test('requests do not wait for each other', async () => {
  const bench = new Bench();
  const slow = Promise.withResolvers<void>();
  bench.handlers.add('SLOW', {}, () => slow.promise);
  bench.handlers.add('QUICK', {}, () => 1);
  const client = await bench.join();
  client.request('SLOW', 1, { id: 'slow' });
  client.request('QUICK', 1, { id: 'quick' });
  expect(await client.next('response')).toMatchObject({ id: 'quick' });
  slow.resolve();
  expect(await client.next('response')).toMatchObject({ id: 'slow' });
});

test('a client that is gone gets no answer, and the log gets the failure', async () => {
  const bench = new Bench();
  const slow = Promise.withResolvers<void>();
  bench.handlers.add('SLOW', {}, () => slow.promise);
  const client = await bench.join();
  client.request('SLOW', 1);
  await settled();
  client.pipe.close(4000, '');
  await settled();
  const { messagesOut } = bench.opened[0]!.stats();
  const failure = new Error('for the log');
  slow.reject(failure);
  await settled();
  expect(bench.logger.errors).toEqual([failure]);
  expect(bench.opened[0]!.stats().messagesOut).toBe(messagesOut);
  expect(client.kinds).toEqual(['welcome']);
});

test('a request that comes again is not done again, and an id is free in another session', async () => {
  const bench = new Bench();
  let calls = 0;
  bench.handlers.add('PAY', {}, () => ++calls);
  const client = await bench.join();
  for (let i = 0; i < 2; i++) {
    client.request('PAY', 1, { id: 'r1' });
    expect(json((await client.next('response')).payload)).toBe(1);
  }
  const other = await bench.join();
  other.request('PAY', 1, { id: 'r1' });
  expect(json((await other.next('response')).payload)).toBe(2);
});

test('a cancel reaches the handler, also one that overtakes its request', async () => {
  const bench = new Bench();
  const signals: AbortSignal[] = [];
  bench.handlers.add('WAIT', {}, (_, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  const client = await bench.join();
  client.request('WAIT', 1, { id: 'r1' });
  await settled();
  client.send({ kind: 'cancel', id: 'r1' }, { kind: 'cancel', id: 'r2' });
  expect(await client.next('error')).toMatchObject({ code: 'aborted', id: 'r1' });
  client.request('WAIT', 1, { id: 'r2' });
  expect(await client.next('error')).toMatchObject({ code: 'aborted', id: 'r2' });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test('parts wait while the client does not acknowledge, and never cost it the session', async () => {
  const bench = new Bench({ limits: { sendBudgetSoft: 20_000, sendBudgetHard: 40_000 } });
  let produced = 0;
  bench.handlers.add('EXPORT', {}, async function* () {
    while (produced++ < 10) yield 'x'.repeat(10_000);
  });
  const client = await bench.join({ acks: false });
  client.request('EXPORT', 1);
  await settled();
  expect(produced).toBe(2);
  expect(client.ending).toBeUndefined();
  client.send({ kind: 'ack', lanes: [{ lane: 0, count: 1 }] });
  await settled();
  expect(produced).toBe(3);
});

test('a client that earns more refusals than its rate allows is closed, whatever it asks for', async () => {
  const bench = new Bench({ limits: { errorsPerSecond: 1 } }).channel('open').channel('closed', {
    authorize: () => false,
  });
  const client = await bench.join();
  const mistakes = [
    () => client.request('NOPE', 1),
    () => client.publish('none', 'T', 1),
    () => client.publish('closed', 'T', 1),
    () => client.send({ kind: 'subscribe', id: 's', channel: 'closed' }),
    () => client.send({ kind: 'subscribe', id: 's', channel: 'none' }),
  ];
  for (let n = 0; n < 10; n++) mistakes[n % mistakes.length]!();
  await settled();
  expect(client.ending).toBeUndefined();
  bench.advance(1_000);
  mistakes[0]!();
  await settled();
  expect(client.ending).toBeUndefined();
  mistakes[0]!();
  expect((await client.end()).code).toBe(4504);
});

test('what an application refuses by codes of its own is never too much', async () => {
  const bench = new Bench({ limits: { errorsPerSecond: 1 } });
  bench.handlers.add('JOIN', {}, () => {
    throw new SpillwayError('room-full', 'no place left');
  });
  const client = await bench.join();
  for (let n = 0; n < 50; n++) client.request('JOIN', 1);
  await settled();
  expect(client.ending).toBeUndefined();
});

function circle(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}
