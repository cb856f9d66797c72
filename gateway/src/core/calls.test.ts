import type { Codec, Envelope } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, type BenchOptions, settled, type TestClient } from '../compliance/fixture.ts';
import type { RequestError } from './request-error.ts';
import type { SessionHandle } from './session-handle.ts';

async function joined(
  options: BenchOptions = {},
): Promise<{ bench: Bench; client: TestClient; session: SessionHandle }> {
  const bench = new Bench(options);
  const client = await bench.join();
  return { bench, client, session: bench.opened[0]! };
}

function response(id: string, value: unknown, more = false, codec: Codec = 'json'): Envelope {
  return { kind: 'response', id, more, codec, payload: new TextEncoder().encode(JSON.stringify(value)) };
}

const code = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'answered',
    (error: RequestError) => `${error.name} ${error.code}`,
  );

test('a request to the client goes out, and its answer comes back', async () => {
  const { client, session } = await joined();
  const answer = session.request('ADD', [1, 2]);
  const request = await client.next('request');
  expect(request).toMatchObject({ type: 'ADD', channel: '', codec: 'json' });
  client.send(response('other', 9), response(request.id, 3), response(request.id, 4));
  expect(await answer).toBe(3);
  expect(client.ending).toBeUndefined();
});

test('an answer that is no answer fails the request', async () => {
  const { client, session } = await joined();
  const asked = [session.request('A'), session.request('B')].map(code);
  const [first, second] = [await client.next('request'), await client.next('request')];
  client.send({ kind: 'response', id: first.id, more: false, codec: 'json', payload: Uint8Array.of(0x7b) });
  client.send({ kind: 'error', id: second.id, code: 'busy', message: '', details: '[1]' });
  expect(await Promise.all(asked)).toEqual(['RequestError bad-payload', 'RequestError busy']);
});

test('bytes of an answer are the application’s own', async () => {
  const { client, session } = await joined();
  const answer = session.request('BYTES');
  const { id } = await client.next('request');
  client.send({ kind: 'response', id, more: false, codec: 'bytes', payload: Uint8Array.of(1, 2) });
  const bytes = (await answer) as Uint8Array;
  expect(bytes).toEqual(Uint8Array.of(1, 2));
  expect(bytes.buffer.byteLength).toBe(2);
});

test('what cannot be sent rejects, and nobody is asked', async () => {
  const { bench, client, session } = await joined();
  await expect(session.request('A', 10n)).rejects.toMatchObject({ code: 'bad-payload' });
  await expect(session.request('x'.repeat(65))).rejects.toMatchObject({ code: 'bad-value' });
  expect(() => session.stream('A', 10n)).toThrow(expect.objectContaining({ code: 'bad-payload' }));
  await settled();
  expect(client.kinds).toEqual(['welcome']);
  expect(bench.clock.timers).toBe(0);
});

test('no timer and no listener outlive the answer', async () => {
  const { bench, client, session } = await joined();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    removeEventListener.apply(signal, args as never);
  };
  // The ACK of what the client says has a timer of its own.
  client.send(response('none', 1));
  await settled();
  const { timers } = bench.clock;
  const answer = session.request('A', 1, { signal });
  const { id } = await client.next('request');
  expect([listeners, bench.clock.timers]).toEqual([1, timers + 1]);
  client.send(response(id, 1));
  await answer;
  expect([listeners, bench.clock.timers]).toEqual([0, timers]);
});

test('an answer that does not come in time is cancelled, one without a bound is waited for', async () => {
  const { bench, client, session } = await joined();
  const asked = code(session.request('A'));
  const endless = session.request('B', 1, { timeout: Number.POSITIVE_INFINITY });
  const [first, second] = [await client.next('request'), await client.next('request')];
  bench.clock.advance(9_999);
  await settled();
  expect(client.kinds).not.toContain('cancel');
  bench.clock.advance(1);
  expect(await asked).toBe('RequestError timeout');
  expect(await client.next('cancel')).toMatchObject({ id: first.id });
  client.send(response(second.id, 'late'));
  expect(await endless).toBe('late');
});

test('a client that is away is asked when it is back, and its answer is lost with the session', async () => {
  const { bench, client, session } = await joined();
  client.pipe.cut();
  await settled();
  const asked = code(session.request('A', 1, { timeout: Number.POSITIVE_INFINITY }));
  session.close();
  expect(await asked).toBe('RequestError closed');
  expect(await code(session.request('A'))).toBe('RequestError closed');
  expect(bench.logger.errors).toEqual([]);
});

test('an answer over the client’s rate is lost, and the request fails at once', async () => {
  const { client, session } = await joined({ limits: { messagesPerSecond: 1, messagesBurst: 1 } });
  const asked = [session.request('A'), session.request('B')].map(code);
  for (const id of ['1', '2']) client.send(response(id, id));
  expect(await Promise.all(asked)).toEqual(['answered', 'RequestError rate-limited']);
  await settled();
  expect(client.kinds).not.toContain('error');
});

test('a stream tells what was read, and is cancelled where the loop is left or too much comes', async () => {
  const { client, session } = await joined();
  const stream = session.stream<number>('COUNT');
  const { id } = await client.next('request');
  for (let i = 0; i < 17; i++) client.send(response(id, i, true));
  await settled();
  for (let i = 0; i < 16; i++) expect(await stream.next()).toEqual({ done: false, value: i });
  expect(await client.next('taken')).toMatchObject({ id, count: 16 });
  await stream.return?.();
  expect(await client.next('cancel')).toMatchObject({ id });
  const other = session.stream('COUNT');
  const next = await client.next('request');
  for (let i = 0; i < 33; i++) client.send(response(next.id, i, true));
  expect(await client.next('cancel')).toMatchObject({ id: next.id });
  for (let i = 0; i < 32; i++) await other.next();
  await expect(other.next()).rejects.toMatchObject({ code: 'overrun' });
});

test('an error of a client without an id is a protocol error', async () => {
  const { client } = await joined();
  client.send({ kind: 'error', code: 'x', message: '' });
  expect((await client.end()).code).toBe(4001);
});
