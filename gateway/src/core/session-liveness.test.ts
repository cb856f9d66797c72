import { CLOSE, encode } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled, type TestClient } from '../compliance/fixture.ts';

async function joined(): Promise<{ bench: Bench; client: TestClient }> {
  const bench = new Bench({ limits: { pingInterval: 10_000, idleTimeout: 30_000 } });
  return { bench, client: await bench.join() };
}

const pings = (client: TestClient): number => client.kinds.filter((kind) => kind === 'ping').length;

test('a silent client is pinged once per interval', async () => {
  const { bench, client } = await joined();
  bench.advance(9_999);
  await settled();
  expect(pings(client)).toBe(0);
  bench.advance(1);
  expect((await client.next('ping')).time).toBe(bench.clock.now());
  bench.advance(250);
  bench.advance(9_749);
  await settled();
  expect(pings(client)).toBe(1);
  bench.advance(1);
  await settled();
  expect(pings(client)).toBe(2);
});

test('a client that says something is not pinged', async () => {
  const { bench, client } = await joined();
  for (let second = 0; second < 60; second++) {
    bench.advance(1_000);
    if (second % 5 === 0) client.send({ kind: 'ping', time: 1 });
    await settled();
  }
  expect(pings(client)).toBe(0);
  expect(client.ending).toBeUndefined();
});

test('a connection that stays silent is closed, and its session waits for the client', async () => {
  const { bench, client } = await joined();
  bench.advance(29_999);
  await settled();
  expect(client.ending).toBeUndefined();
  bench.advance(1);
  expect(await client.end()).toEqual({
    code: CLOSE['idle-timeout'],
    reason: 'nothing was heard from the client',
  });
  expect([bench.closed, bench.moves]).toEqual([[], ['detached session-1']]);
  expect(bench.opened[0]!.connected).toBe(false);
});

test.each(['reliable', 'datagram', 'malformed datagram'])('a %s message is a sign of life', async (how) => {
  const { bench, client } = await joined();
  for (let times = 0; times < 3; times++) {
    bench.advance(29_000);
    if (how === 'reliable') client.send({ kind: 'pong', time: 0, now: 0 });
    else if (how === 'datagram') client.sendDatagram({ kind: 'pong', time: 0, now: 0 });
    else client.pipe.sendDatagram(new Uint8Array([0xff]));
    await settled();
  }
  expect(client.ending).toBeUndefined();
});

test('a pong gives the round trip', async () => {
  const { bench, client } = await joined();
  expect(bench.opened[0]!.stats().rtt).toBeUndefined();
  bench.advance(10_000);
  const { time } = await client.next('ping');
  bench.clock.advance(42);
  client.send({ kind: 'pong', time, now: 0 });
  await settled();
  expect(bench.opened[0]!.stats().rtt).toBe(42);
});

test('a pong that answers no ping, or an older one, measures nothing', async () => {
  const { bench, client } = await joined();
  client.send({ kind: 'pong', time: 1, now: 0 });
  client.send({ kind: 'pong', time: bench.clock.now(), now: 0 });
  bench.advance(10_000);
  const first = await client.next('ping');
  bench.advance(10_000);
  await client.next('ping');
  client.send({ kind: 'pong', time: first.time, now: 0 });
  await settled();
  expect(bench.opened[0]!.stats().rtt).toBeUndefined();
});

test('a client that does not answer pings but speaks is alive', async () => {
  const { bench, client } = await joined();
  bench.advance(10_000);
  await client.next('ping');
  client.sendDatagram({ kind: 'ping', time: 1 });
  await settled();
  bench.advance(29_999);
  await settled();
  expect(client.ending).toBeUndefined();
});

test('a client whose packets are acknowledged is pinged, so that it is told of them twice in a round trip', async () => {
  const bench = new Bench().channel('a');
  const client = await bench.join();
  const [head, event] = [
    Uint8Array.of(1),
    encode({
      kind: 'event',
      channel: 'a',
      type: 'T',
      delivery: 'unreliable',
      codec: 'bytes',
      payload: new Uint8Array(1),
    }),
  ];
  let number = 0;
  const packet = async () => {
    client.pipe.sendDatagram(Uint8Array.of(...head, ++number, event.length, ...event));
    await settled();
  };
  for (let n = 0; n < 3; n++) {
    await packet();
    bench.clock.advance(50);
  }
  const { time } = await client.next('ping');
  bench.clock.advance(50);
  client.send({ kind: 'pong', time, now: 0 });
  await settled();
  const acks = () => client.kinds.filter((kind) => kind === 'ack').length;
  const before = acks();
  await packet();
  expect(acks()).toBe(before + 1);
  await packet();
  bench.clock.advance(99);
  await settled();
  expect(acks()).toBe(before + 1);
  bench.clock.advance(1);
  await settled();
  // The first round trip may have waited for a lost packet.
  expect([acks(), pings(client)]).toEqual([before + 2, 2]);
});
