import { CLOSE, encode, joinPacket, type Outcome } from '@spillway/envelope';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { rest } from './testing/test-clock.ts';
import { over, RUNGS, record, rejection } from './testing/test-over.ts';
import { LIMITS, type Peer } from './testing/test-peer.ts';

/** The gateway says what became of everything that asked. */
function confirm(peer: Peer, outcome: Outcome = 'delivered'): void {
  const ids = peer.session!.events.flatMap(({ id }) => (id === undefined ? [] : [id]));
  peer.send({ kind: 'receipt', receipts: ids.map((id) => ({ id, outcome })) });
}

describe.each(RUNGS)('a receipt over %s', (rung) => {
  test.each(['reliable', 'unordered', 'latest', 'unreliable'] as const)(
    'of a %s message comes when the gateway has published it, not when it has it',
    async (delivery) => {
      const [session, peer] = await over(rung);
      const receipt = session.channel('a').publish('X', 1, { delivery, receipt: true });
      let settled = false;
      receipt.finally(() => {
        settled = true;
      });
      await rest();
      expect(peer.session!.events).toMatchObject([{ type: 'X', delivery }]);
      expect(settled).toBe(false);
      confirm(peer);
      await rest();
      expect(await receipt).toBe('delivered');
    },
  );

  test('says dropped where the network lost it for good', async () => {
    const [session, peer, world] = await over(rung);
    peer.silent = true;
    const receipt = session.channel('a').publish('X', 1, { delivery: 'unreliable', receipt: true });
    await rest();
    peer.silent = false;
    peer.cut();
    await world.clock.advance(250);
    expect(await receipt).toBe('dropped');
  });
});

describe('a receipt', () => {
  test('says superseded where a newer value took the place', async () => {
    const [session, peer, world] = await over('websocket');
    const channel = session.channel('a');
    const publish = (value: number) => channel.publish('X', value, { delivery: 'latest', receipt: true });
    const receipts = [publish(1), publish(2)];
    expect(await receipts[0]).toBe('superseded');
    await rest();
    confirm(peer);
    expect(await receipts[1]).toBe('delivered');
    peer.cut();
    await rest();
    const away = [publish(3), publish(4)];
    expect(await away[0]).toBe('superseded');
    await world.clock.advance(250);
    confirm(world.sockets[1]!);
    expect(await away[1]).toBe('delivered');
  });

  test('says expired where it grew too old while there was no connection', async () => {
    const [session, peer, world] = await over('websocket');
    peer.cut();
    await rest();
    const options = { delivery: 'latest', maxAge: 50, receipt: true } as const;
    const receipt = session.channel('a').publish('X', 1, options);
    await world.clock.advance(250);
    expect(await receipt).toBe('expired');
    expect(session.stats().dropped).toEqual({ expired: 1 });
  });

  test('says dropped where it is larger than a datagram and may not have a stream', async () => {
    const [session] = await over('webtransport');
    const payload = new Uint8Array(5_000);
    const options = { delivery: 'unreliable', oversize: 'drop', receipt: true } as const;
    expect(await session.channel('a').publish('X', payload, options)).toBe('dropped');
    expect(session.stats().dropped).toEqual({ oversize: 1 });
  });

  test('says dropped of an unreliable message without a connection', async () => {
    const [session, peer] = await over('websocket');
    peer.cut();
    await rest();
    const options = { delivery: 'unreliable', receipt: true } as const;
    expect(await session.channel('a').publish('X', 1, options)).toBe('dropped');
  });

  test('says gap where the session was lost, also of what had come but was not confirmed', async () => {
    const [session, peer, world] = await over('websocket');
    const channel = session.channel('a');
    const came = channel.publish('X', 1, { receipt: true });
    await rest();
    peer.silent = true;
    const lost = channel.publish('X', 2, { receipt: true });
    await rest();
    peer.silent = false;
    world.gateway.forget();
    peer.cut();
    await rest();
    const waits = channel.publish('X', 3, { receipt: true });
    await world.clock.advance(250);
    expect(await Promise.all([came, lost])).toEqual(['gap', 'gap']);
    confirm(world.sockets[1]!);
    expect(await waits).toBe('delivered');
  });

  test('rejects with the gateway’s answer where it refuses', async () => {
    const [session, peer] = await over('websocket');
    const errors = record(session, 'error');
    const failed = rejection(session.channel('a').publish('X', 1, { receipt: true }));
    await rest();
    const { id } = peer.session!.events[0]!;
    peer.send({ kind: 'error', id, code: 'forbidden', message: 'not yours' });
    expect((await failed).code).toBe('forbidden');
    expect(errors).toEqual([]);
  });

  test('rejects where the message was not taken, without an error event', async () => {
    const [session, , world] = await over('websocket');
    const errors = record(session, 'error');
    const channel = session.channel('a');
    const large = channel.publish('X', new Uint8Array(LIMITS.maxMessageBytes), { receipt: true });
    expect((await rejection(large)).code).toBe('message-too-large');
    await expect(channel.publish('X', 1n, { receipt: true })).rejects.toMatchObject({ code: 'bad-json' });
    const pending = rejection(channel.publish('X', 1, { receipt: true }));
    const closing = session.close();
    expect((await pending).code).toBe('closed');
    expect((await rejection(channel.publish('X', 1, { receipt: true }))).code).toBe('closed');
    expect(errors).toEqual([]);
    await world.clock.advance(3_000);
    await closing;
  });

  test('is a promise only for who asks', async () => {
    const [session] = await over('websocket');
    const channel = session.channel<{ X: number }>('a');
    const options = { delivery: 'latest' } as const;
    expectTypeOf(channel.publish('X', 1)).toEqualTypeOf<boolean>();
    expectTypeOf(channel.publish('X', 1, options)).toEqualTypeOf<boolean>();
    const receipt = channel.publish('X', 1, { receipt: true });
    expectTypeOf(receipt).toEqualTypeOf<Promise<Outcome>>();
    receipt.catch(() => {});
  });
});

describe('publish', () => {
  test('says when there is no more room, and drained when there is again', async () => {
    const [session, peer, world] = await over('websocket');
    peer.session!.acknowledges = false;
    const channel = session.channel('a');
    const payload = new Uint8Array(10_000);
    let count = 1;
    while (channel.publish('X', payload)) count++;
    expect(count).toBe(7);
    let drained = false;
    const waiting = channel.drained().then(() => {
      drained = true;
    });
    await rest();
    expect(drained).toBe(false);
    expect(session.stats().unacknowledged).toBeGreaterThan(65_536);
    peer.session!.acknowledges = true;
    channel.publish('X', payload);
    await rest();
    await waiting;
    expect(session.stats().unacknowledged).toBe(0);
    await channel.drained();
    await world.clock.advance(0);
  });

  test('drained waits for the next connection as well', async () => {
    const [session, peer, world] = await over('websocket');
    peer.cut();
    await rest();
    const channel = session.channel('a');
    const payload = new Uint8Array(10_000);
    while (channel.publish('X', payload));
    const waiting = channel.drained();
    await world.clock.advance(250);
    await waiting;
    expect(world.gateway.sessions[0]!.events).toHaveLength(7);
  });

  test('drained rejects when the session closes', async () => {
    const [session, peer, world] = await over('websocket');
    peer.session!.acknowledges = false;
    const channel = session.channel('a');
    while (channel.publish('X', new Uint8Array(10_000)));
    const failed = rejection(channel.drained());
    const closing = session.close();
    expect((await failed).code).toBe('closed');
    expect((await rejection(channel.drained())).code).toBe('closed');
    await world.clock.advance(3_000);
    await closing;
  });

  test('refuses over a mebibyte that nobody has acknowledged, with queue-full', async () => {
    const [session, peer] = await over('websocket');
    const errors = record(session, 'error');
    peer.session!.acknowledges = false;
    const channel = session.channel('a');
    const payload = new Uint8Array(60_000);
    for (let count = 0; count < 20 && errors.length === 0; count++) channel.publish('X', payload);
    expect(errors).toMatchObject([{ code: 'queue-full', details: { channel: 'a', type: 'X' } }]);
    await rest();
    expect(peer.session!.events).toHaveLength(17);
    expect((await rejection(session.request('Q', payload))).code).toBe('queue-full');
    // Names as well would be one more thing that nobody takes.
    const names = peer.of('names').length;
    channel.publish('X', payload, { delivery: 'latest', key: 'p1' });
    await rest();
    expect(peer.of('names')).toHaveLength(names);
    expect(session.state).toBe('open');
  });

  test('of what is larger than the gateway takes is refused, with an error', async () => {
    const [session, peer] = await over('websocket');
    const errors = record(session, 'error');
    expect(session.channel('a').publish('X', new Uint8Array(LIMITS.maxMessageBytes))).toBe(false);
    expect(errors).toMatchObject([{ code: 'message-too-large' }]);
    await rest();
    expect(peer.of('event')).toEqual([]);
  });

  test('many times in a turn makes one packet', async () => {
    const [session, peer] = await over('websocket');
    const channel = session.channel('a');
    const before = peer.arrivals.length;
    for (let key = 0; key < 10; key++) channel.publish('X', key, { delivery: 'latest', key: `p${key}` });
    expect(session.stats().pending).toBeGreaterThan(0);
    const wrote: number[] = [];
    const take = peer.take.bind(peer);
    peer.take = (bytes, way) => {
      wrote.push(bytes.length);
      take(bytes, way);
    };
    await rest();
    expect(peer.session!.events).toHaveLength(10);
    // The names, and one packet.
    expect(peer.arrivals.length).toBeGreaterThan(before + 10);
    expect(wrote.length).toBeLessThanOrEqual(11);
  });

  test('may wait for company as long as maxDelay', async () => {
    const [session, peer, world] = await over('websocket', { maxDelay: 20 });
    session.channel('a').publish('X', 1, { delivery: 'latest' });
    await world.clock.advance(19);
    expect(peer.session!.events).toEqual([]);
    await world.clock.advance(1);
    expect(peer.session!.events).toHaveLength(1);
    session.channel('a').publish('X', 2, { delivery: 'latest' });
    const closing = session.close();
    await world.clock.advance(3_000);
    await closing;
    expect(peer.of('event')).toHaveLength(2);
    expect(world.clock.pending).toBe(0);
  });
});

test('what comes is acknowledged, and nothing is said when nothing comes', async () => {
  const [session, peer, world] = await over('websocket');
  await Promise.all([session.channel('a').subscribe(), rest()]);
  const before = peer.of('ack').length;
  peer.event('a', 'X', 1, { seq: 1, ts: 1 });
  await world.clock.advance(250);
  expect(peer.of('ack')).toHaveLength(before + 1);
  await world.clock.advance(5_000);
  expect(peer.of('ack')).toHaveLength(before + 1);
  expect(peer.session!.sender.stats.retained).toBe(0);
});

test('packets are acknowledged as often as the shortest ping says, where nothing else tells the round trip', async () => {
  const [, peer, world] = await over('webtransport');
  const packets = () => peer.of('ack').length;
  const send = (number: number) => {
    const payload = new TextEncoder().encode('1');
    const event = {
      kind: 'event',
      channel: 'a',
      type: 'X',
      delivery: 'unreliable',
      codec: 'json',
      payload,
    } as const;
    const { encoding } = peer;
    peer.sendBytes(joinPacket([encode(event, encoding)], encoding, number), true);
  };
  send(1);
  await rest();
  const before = packets();
  send(2);
  await world.clock.advance(6);
  expect(packets()).toBe(before + 1);
});

test('an event that must arrive does not count where it comes in a datagram', async () => {
  const [session, peer] = await over('webtransport');
  const seen = record(session, 'message');
  peer.event('', 'X', 1, {}, true);
  peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 }, true);
  await rest();
  expect(seen).toEqual([]);
  expect(session.stats().dropped).toEqual({ malformed: 2 });
  peer.event('', 'X', 2, { delivery: 'unreliable' }, true);
  await rest();
  expect(seen).toHaveLength(1);
});

test('a listener that closes the session hears nothing more of the same packet', async () => {
  const [session, peer, world] = await over('websocket');
  const seen = record(session, 'message');
  session.on('message', () => void session.close());
  const payload = new TextEncoder().encode('1');
  const event = {
    kind: 'event',
    channel: '',
    type: 'X',
    delivery: 'reliable',
    codec: 'json',
    payload,
  } as const;
  peer.sendBytes(joinPacket([encode(event), encode(event)], 'binary'));
  await world.clock.advance(3_000);
  expect(seen).toHaveLength(1);
});

test('a page that goes says so at once', async () => {
  const [session, peer, world] = await over('websocket');
  const closed = record(session, 'close');
  world.leave();
  await rest();
  expect(session.state).toBe('closed');
  expect(peer.of('close')).toMatchObject([{ code: CLOSE.normal }]);
  expect(closed).toMatchObject([{ name: 'normal' }]);
  expect(world.watchers.size).toBe(0);
});

describe('a page that comes back', () => {
  test('asks at once, and goes on over another connection without an answer in two seconds', async () => {
    const [session, peer, world] = await over('websocket');
    await world.clock.advance(5_000);
    const pings = peer.of('ping').length;
    world.wake();
    await rest();
    expect(peer.of('ping')).toHaveLength(pings + 1);
    await world.clock.advance(3_000);
    expect(session.stats().resumes).toBe(0);
    peer.silent = true;
    world.wake();
    await world.clock.advance(1_900);
    expect(session.stats().resumes).toBe(0);
    await world.clock.advance(300);
    expect(session.stats().resumes).toBe(1);
  });

  test('dials at once where it was waiting to, once a second at most', async () => {
    const [session, peer, world] = await over('websocket', {
      reconnect: { minDelay: 60_000, maxDelay: 60_000 },
    });
    world.websocket = 'silent';
    peer.cut();
    await world.clock.advance(2_000);
    expect(world.sockets).toHaveLength(1);
    for (let event = 0; event < 30; event++) {
      world.wake(true);
      await world.clock.advance(100);
    }
    expect(world.sockets).toHaveLength(4);
    world.websocket = 'answer';
    await world.clock.advance(1_000);
    world.wake();
    await rest();
    expect(session.state).toBe('open');
    expect(session.stats().resumes).toBe(1);
  });

  test('after sleep is not closed for timers that are late', async () => {
    const [session, , world] = await over('websocket');
    session.channel('a').publish('X', 1);
    await world.clock.sleep(3_600_000);
    await world.clock.advance(5_000);
    expect(session.stats().resumes).toBe(0);
    expect(session.state).toBe('open');
  });
});
