import { expect, test } from 'vitest';
import { seededRandom } from '../../shared/random.ts';
import { type Conditions, Network } from './conditions.ts';
import { TestTime } from './test-time.ts';
import { slowWebTransport } from './web-transport.ts';

/** As much of a session as is needed, with the far end in reach. */
class FakeWebTransport {
  static last: FakeWebTransport;
  readonly ready = Promise.resolve();
  readonly closed = new Promise<never>(() => {});
  readonly down = new TransformStream<Uint8Array, Uint8Array>();
  readonly up = new TransformStream<Uint8Array, Uint8Array>();
  readonly streams = new TransformStream<ReadableStream<Uint8Array>, ReadableStream<Uint8Array>>();
  readonly stream = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 99 });
  readonly incomingUnidirectionalStreams = this.streams.readable;
  readonly datagrams = {
    readable: this.down.readable,
    writable: this.up.writable,
    maxDatagramSize: 1200,
    incomingHighWaterMark: 1,
  };

  constructor() {
    FakeWebTransport.last = this;
  }

  createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
    return Promise.resolve(this.stream.writable);
  }
}

function open(conditions: Conditions) {
  const network = new Network(seededRandom(3));
  network.conditions = conditions;
  const time = new TestTime();
  const Slow = slowWebTransport(FakeWebTransport as unknown as typeof WebTransport, { network, ...time });
  return { session: new Slow('https://x'), real: FakeWebTransport.last, time, network };
}

/** Everything that comes out of a stream, as it comes. */
function collect(readable: ReadableStream<Uint8Array>): { came: number[]; ended: Promise<string> } {
  const came: number[] = [];
  const take = async (): Promise<string> => {
    for await (const bytes of readable) came.push(bytes[0]!);
    return 'ended';
  };
  return { came, ended: take().catch((error: unknown) => String(error)) };
}

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('datagrams are late in both directions, and some are lost', async () => {
  const { session, real, time, network } = open({ delay: 50, jitter: 0, loss: 0.2 });
  const [up, down] = [collect(real.up.readable), collect(session.datagrams.readable)];
  const [here, far] = [session.datagrams.writable.getWriter(), real.down.writable.getWriter()];
  for (let index = 0; index < 50; index += 1) {
    await here.write(new Uint8Array([index]));
    await far.write(new Uint8Array([index]));
  }
  await turns();
  time.pass(49);
  await turns();
  expect([up.came, down.came]).toEqual([[], []]);
  time.pass(1);
  await turns();
  expect(network.lost).toBeGreaterThan(5);
  expect(up.came.length + down.came.length + network.lost).toBe(100);
  expect(down.came.length).toBeLessThan(50);
  expect(up.came.length).toBeLessThan(50);
});

test('jitter lets datagrams overtake each other', async () => {
  const { session, real, time } = open({ delay: 10, jitter: 50, loss: 0 });
  const { came } = collect(real.up.readable);
  const writer = session.datagrams.writable.getWriter();
  for (let index = 0; index < 20; index += 1) await writer.write(new Uint8Array([index]));
  for (let ms = 0; ms < 60; ms += 1) {
    time.pass(1);
    await turns();
  }
  expect(came.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(came).not.toEqual(came.toSorted((one, other) => one - other));
});

test('a stream is late, whole and in order, to its end', async () => {
  const { session, real, time, network } = open({ delay: 50, jitter: 30, loss: 0.3 });
  const writer = (await session.createUnidirectionalStream()).getWriter();
  const { came, ended } = collect(real.stream.readable);
  for (let index = 0; index < 20; index += 1) await writer.write(new Uint8Array([index]));
  const closed = writer.close();
  time.pass(49);
  await turns();
  expect(came).toEqual([]);
  time.pass(10_000);
  await closed;
  expect(await ended).toBe('ended');
  expect(came).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(network.resent).toBeGreaterThan(0);
  expect(network.lost).toBe(0);
});

test('streams that come are late as well, and a reset is told', async () => {
  const { session, real, time } = open({ delay: 50, jitter: 0, loss: 0 });
  const streams = session.incomingUnidirectionalStreams.getReader();
  const sent = new TransformStream<Uint8Array, Uint8Array>();
  void real.streams.writable.getWriter().write(sent.readable);
  const { came, ended } = collect((await streams.read()).value!);
  const writer = sent.writable.getWriter();
  await writer.write(new Uint8Array([4]));
  await turns();
  expect(came).toEqual([]);
  time.pass(50);
  await turns();
  expect(came).toEqual([4]);
  await writer.abort('reset');
  expect(await ended).toBe('reset');
});

test('a session is there after the round trip of its handshake', async () => {
  const { session, time } = open({ delay: 50, jitter: 0, loss: 0 });
  let isReady = false;
  void session.ready.then(() => {
    isReady = true;
  });
  await turns();
  time.pass(50);
  await turns();
  expect(isReady).toBe(false);
  time.pass(50);
  await turns();
  expect(isReady).toBe(true);
});

test('what the client sets on the datagrams reaches the browser', () => {
  const { session, real } = open({ delay: 0, jitter: 0, loss: 0 });
  Reflect.set(session.datagrams, 'incomingHighWaterMark', 512);
  expect(real.datagrams.incomingHighWaterMark).toBe(512);
  expect(session.datagrams.maxDatagramSize).toBe(1200);
});
