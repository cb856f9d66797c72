import { expect, test } from 'vitest';
import { seededRandom } from '../../shared/random.ts';
import { Network } from './conditions.ts';
import { slowFetch } from './fetch.ts';
import { TestTime } from './test-time.ts';

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function open(answer: () => Response) {
  const network = new Network(seededRandom(3));
  network.conditions = { delay: 50, jitter: 0, loss: 0 };
  const time = new TestTime();
  let asked = 0;
  const real: typeof fetch = () => {
    asked += 1;
    return Promise.resolve(answer());
  };
  return { fetch: slowFetch(real, { network, ...time }), time, asked: () => asked };
}

test('a request is late, and its answer is', async () => {
  const { fetch, time, asked } = open(() => new Response('yes', { status: 201, headers: { 'x-y': 'z' } }));
  let came: Response | undefined;
  void fetch('/').then((response) => {
    came = response;
  });
  await turns();
  expect(asked()).toBe(0);
  time.pass(50);
  await turns();
  expect([asked(), came]).toEqual([1, undefined]);
  time.pass(50);
  await turns();
  expect(came?.status).toBe(201);
  expect(came?.headers.get('x-y')).toBe('z');
  const text = came!.text();
  await turns();
  time.pass(50);
  expect(await text).toBe('yes');
});

test('a reader that has enough ends the answer', async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    cancel() {
      isCancelled = true;
    },
  });
  const { fetch, time } = open(() => new Response(body));
  const asked = fetch('/');
  for (let way = 0; way < 2; way += 1) {
    await turns();
    time.pass(50);
  }
  const response = await asked;
  await response.body!.cancel();
  expect(isCancelled).toBe(true);
});

test('an answer in parts is late part by part', async () => {
  const sent = new TransformStream<Uint8Array, Uint8Array>();
  const { fetch, time } = open(() => new Response(sent.readable));
  const asked = fetch('/');
  for (let way = 0; way < 2; way += 1) {
    await turns();
    time.pass(50);
  }
  const reader = (await asked).body!.getReader();
  const writer = sent.writable.getWriter();
  for (const byte of [1, 2]) {
    await writer.write(new Uint8Array([byte]));
    const next = reader.read();
    await turns();
    time.pass(50);
    expect((await next).value).toEqual(new Uint8Array([byte]));
  }
});
