import { CLOSE, encode, frame } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { rest } from '../testing/test-clock.ts';
import { fakeWebTransport } from '../testing/test-webtransport.ts';
import { World } from '../testing/test-world.ts';
import type { Receiver } from './transport.ts';
import { webtransport } from './webtransport.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const PING = encode({ kind: 'ping', time: 1 });
const announce = (lane: number, channel = `c${lane}`): Uint8Array =>
  encode({ kind: 'lane', lane, channel, count: 0 });

/** An open transport on a fake session, and what its receiver was told. */
async function open(world = new World()) {
  const log: unknown[] = [];
  const receiver: Receiver = {
    opened: () => log.push('opened'),
    receive: (packet, reliable) => log.push([text(packet), reliable]),
    violation: (message) => log.push(['violation', message]),
    closed: (code, reason) => log.push(['closed', code, reason]),
  };
  world.manners = { hello: false, subscribe: false, ping: false, names: false };
  const transport = webtransport(fakeWebTransport(world), 'https://x/wt', [], world.clock)(receiver);
  await rest();
  const [session] = world.fakeSessions;
  return { world, transport, session: session!, peer: session!.peer, log };
}

describe('sending', () => {
  test('lane 0 is the control stream, each other lane a stream of its own', async () => {
    const { transport, session, peer } = await open();
    transport.write(PING, 0);
    for (const lane of [1, 2]) {
      transport.write(announce(lane), lane);
      transport.write(PING, lane);
      transport.write(PING, lane);
    }
    await rest();
    expect(session.streams).toBe(2);
    const ways = peer.arrivals.map(({ way, envelope }) => `${way} ${envelope.kind}`).sort();
    expect(ways).toEqual(['c1 lane', 'c1 ping', 'c1 ping', 'c2 lane', 'c2 ping', 'c2 ping', 'control ping']);
  });

  test('lanes beyond 64 open ones share the control stream, and stay on it', async () => {
    const { transport, session, peer } = await open();
    for (let lane = 1; lane <= 65; lane++) transport.write(announce(lane), lane);
    await rest();
    expect(session.streams).toBe(64);
    transport.closeLane(1);
    await rest();
    transport.write(PING, 65);
    transport.write(announce(66), 66);
    await rest();
    expect(session.streams).toBe(65);
    const ways = peer.arrivals.slice(65).map(({ way, envelope }) => `${way} ${envelope.kind}`);
    expect(ways.sort()).toEqual(['c66 lane', 'control ping']);
    expect(peer.arrivals.filter(({ way }) => way === 'control')).toHaveLength(2);
  });

  test('a lane that has ended ends its stream, and gives its place back when that is done', async () => {
    const world = new World();
    const { transport, session, log } = await open(world);
    for (let lane = 1; lane <= 64; lane++) transport.write(announce(lane), lane);
    await rest();
    const gate = Promise.withResolvers<void>();
    world.streamGate = gate.promise;
    transport.write(announce(64, ''), 64);
    transport.closeLane(64);
    transport.write(announce(65), 65);
    await rest();
    expect(session).toMatchObject({ streams: 64, ended: 0 });
    gate.resolve();
    await rest();
    expect(session.ended).toBe(1);
    transport.write(announce(66), 66);
    await rest();
    expect(session.streams).toBe(65);
    await world.clock.advance(1_000);
    expect(log).toEqual(['opened']);
  });

  test('a lane on the control stream ends without ending that', async () => {
    const { transport, session, peer } = await open();
    for (let lane = 1; lane <= 65; lane++) transport.write(announce(lane), lane);
    transport.closeLane(65);
    transport.write(PING, 0);
    await rest();
    expect(session.ended).toBe(0);
    expect(peer.of('ping')).toHaveLength(1);
  });

  test('datagrams go out up to the size that the session takes now', async () => {
    const { transport, session, peer } = await open();
    expect(transport.maxDatagramSize).toBe(1_200);
    expect(transport.sendDatagram(PING)).toBe(true);
    await rest();
    session.datagrams.maxDatagramSize = 1;
    expect(transport.maxDatagramSize).toBe(1);
    expect(transport.sendDatagram(PING)).toBe(false);
    await rest();
    expect(peer.arrivals).toMatchObject([{ way: 'datagram' }]);
  });

  test('a burst of datagrams in one turn is taken, up to a bound; then there is no room', async () => {
    const world = new World();
    const gate = Promise.withResolvers<void>();
    world.datagramGate = gate.promise;
    const { transport, peer } = await open(world);
    const taken = Array.from({ length: 100 }, () => transport.sendDatagram(PING));
    expect(taken.filter(Boolean)).toHaveLength(64);
    gate.resolve();
    await rest();
    expect(peer.arrivals).toHaveLength(64);
    expect(transport.sendDatagram(PING)).toBe(true);
  });

  test('a message goes on a stream of its own, frame by frame, which ends after it', async () => {
    const { transport, session, peer } = await open();
    const first = transport.openMessage([PING, PING]);
    const second = transport.openMessage([PING]);
    expect(first).toMatchObject({ done: false });
    await rest();
    expect(first).toMatchObject({ done: true });
    expect(second).toMatchObject({ done: true });
    expect(session).toMatchObject({ streams: 2, ended: 2, reset: 0 });
    expect(peer.arrivals.map(({ way }) => way)).toEqual(['message', 'message', 'message']);
    expect(transport.backlog).toBe(0);
  });

  test('a message that is reset is not sent any further, and no longer counts', async () => {
    const world = new World();
    const { transport, session, peer, log } = await open(world);
    world.streamGate = new Promise(() => {});
    const message = transport.openMessage([PING]);
    await rest();
    message!.reset();
    await rest();
    expect(message).toMatchObject({ done: false });
    expect(session).toMatchObject({ ended: 0, reset: 1 });
    expect(peer.arrivals).toEqual([]);
    expect(transport.backlog).toBe(0);
    await world.clock.advance(1_000);
    expect(log).toEqual(['opened']);
  });

  test('a message reset before its stream could open counts no more, and is reset when it opens', async () => {
    const { transport, session, peer } = await open();
    session.noCredit = true;
    const message = transport.openMessage([PING]);
    await rest();
    expect(transport.backlog).toBe(frame(PING).length);
    message!.reset();
    expect(transport.backlog).toBe(0);
    session.grant();
    await rest();
    expect(session).toMatchObject({ streams: 1, ended: 0, reset: 1 });
    expect(peer.arrivals).toEqual([]);
  });

  test('messages without stream credit are bounded, and count as backlog', async () => {
    const { transport, session, peer } = await open();
    session.noCredit = true;
    const taken = Array.from({ length: 40 }, () => transport.openMessage([PING]));
    expect(taken.filter(Boolean)).toHaveLength(32);
    expect(transport.backlog).toBe(32 * frame(PING).length);
    taken[0]!.reset();
    expect(transport.openMessage([PING])).toBeUndefined();
    session.grant();
    await rest();
    expect(transport.openMessage([PING])).toBeDefined();
    await rest();
    expect(peer.arrivals).toHaveLength(32);
  });

  test('backlog is what the engine has not taken', async () => {
    const world = new World();
    const gate = Promise.withResolvers<void>();
    world.streamGate = gate.promise;
    const { transport } = await open(world);
    transport.write(PING, 0);
    await rest();
    expect(transport.backlog).toBe(frame(PING).length);
    gate.resolve();
    await rest();
    expect(transport.backlog).toBe(0);
  });
});

describe('receiving', () => {
  test('frames of every stream, and datagrams, in any cut', async () => {
    const { session, log } = await open();
    const stream = session.openStream();
    const framed = frame(bytes('hello'));
    stream.enqueue(framed.slice(0, 3));
    stream.enqueue(framed.slice(3));
    session.peer.sendBytes(bytes('unreliable'), true);
    session.peer.sendBytes(bytes('control'));
    await rest();
    expect(log).toEqual(
      expect.arrayContaining(['opened', ['hello', true], ['unreliable', false], ['control', true]]),
    );
    expect(log).toHaveLength(4);
  });

  test('a stream that ends or is reset between frames is nothing special', async () => {
    const { session, log } = await open();
    const ended = session.openStream();
    ended.enqueue(frame(bytes('a')));
    ended.close();
    const reset = session.openStream();
    reset.enqueue(frame(bytes('b')));
    await rest();
    reset.error(new Error('reset'));
    await rest();
    expect(log).toEqual(['opened', ['a', true], ['b', true]]);
  });

  test('a stream that ends inside a frame is a violation', async () => {
    const { session, log } = await open();
    const stream = session.openStream();
    stream.enqueue(frame(bytes('abc')).slice(0, 2));
    stream.close();
    await rest();
    expect(log[1]).toEqual(['violation', 'a stream ended inside a frame']);
  });

  test('a frame of absurd size is a violation, and nothing is read after it', async () => {
    const { session, log } = await open();
    const stream = session.openStream();
    stream.enqueue(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x7f]));
    await rest();
    session.peer.sendBytes(bytes('late'));
    await rest();
    expect(log).toHaveLength(2);
    expect(log[1]).toMatchObject(['violation', expect.stringContaining('16777216')]);
  });
});

describe('ending', () => {
  test('the code and reason of the far end come through; code 0 is a lost transport', async () => {
    const first = await open();
    first.session.end(4_005, 'origin');
    await rest();
    expect(first.log.at(-1)).toEqual(['closed', 4_005, 'origin']);
    const second = await open();
    second.session.end(0, '');
    await rest();
    expect(second.log.at(-1)).toEqual(['closed', CLOSE['transport-lost'], '']);
  });

  test('after a close of ours comes closed, once, with our code, and no timer is left', async () => {
    const { transport, world, session, log } = await open();
    transport.close(CLOSE.normal, 'bye');
    transport.close(CLOSE.internal, 'again');
    transport.write(PING, 0);
    expect(transport.sendDatagram(PING)).toBe(false);
    await world.clock.advance(1_000);
    expect(session.peer.closed).toEqual({ code: CLOSE.normal, reason: 'bye' });
    expect(session.peer.arrivals).toEqual([]);
    expect(log).toEqual(['opened', ['closed', CLOSE.normal, 'bye']]);
    expect(world.clock.pending).toBe(0);
  });

  test('a close waits for what was written, but not for ever', async () => {
    const world = new World();
    const gate = Promise.withResolvers<void>();
    world.streamGate = gate.promise;
    const { transport, session, peer } = await open(world);
    transport.write(PING, 0);
    transport.close(CLOSE.normal, '');
    await world.clock.advance(300);
    expect(peer.closed).toBeUndefined();
    gate.resolve();
    await rest();
    await world.clock.advance(50);
    expect(peer.closed).toBeDefined();
    expect(peer.arrivals).toHaveLength(1);

    const stuck = new World();
    stuck.streamGate = new Promise(() => {});
    const other = await open(stuck);
    other.transport.write(PING, 0);
    other.transport.close(CLOSE.normal, '');
    await stuck.clock.advance(500);
    expect(other.peer.closed).toBeDefined();
    expect(session.peer).toBe(peer);
  });

  test('a control stream that breaks off ends the session, unless that has an end of its own to tell', async () => {
    const { world, session, log } = await open();
    session.breakControl();
    await world.clock.advance(99);
    expect(session.peer.closed).toBeUndefined();
    await world.clock.advance(1);
    await world.clock.advance(100);
    expect(log.at(-1)).toEqual(['closed', CLOSE['transport-lost'], 'a stream broke']);

    const other = await open();
    other.session.breakControl();
    await rest();
    other.session.end(4_003, 'unauthorized');
    await rest();
    expect(other.log.at(-1)).toEqual(['closed', 4_003, 'unauthorized']);
    expect(other.world.clock.pending).toBe(0);
  });

  test('a handshake that fails is closed with its cause', async () => {
    const world = new World();
    world.webtransport = 'fail';
    const { log } = await open(world);
    expect(log).toEqual([['closed', CLOSE['transport-lost'], '']]);
  });

  test('a close before the handshake is done does not wait for the engine', async () => {
    const world = new World();
    world.webtransport = 'silent';
    world.confirmsClose = false;
    const { transport, log } = await open(world);
    transport.close(CLOSE.normal, '');
    expect(log).toEqual([['closed', CLOSE.normal, '']]);
    expect(world.clock.pending).toBe(0);
  });
});
