import { CLOSE } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { ConnectError } from './errors.ts';
import { rest } from './testing/test-clock.ts';
import { over, record, rejection } from './testing/test-over.ts';
import { World } from './testing/test-world.ts';

describe('while there is no connection', () => {
  test('what must arrive waits in order, latest as its newest value, and all goes out on the next one', async () => {
    const [session, peer, world] = await over('websocket');
    peer.cut();
    await rest();
    const arena = session.channel('arena/7');
    expect(arena.publish('A', 1)).toBe(true);
    expect(arena.publish('STATE', 1, { delivery: 'latest', key: 'p1' })).toBe(true);
    expect(arena.publish('B', 2, { delivery: 'unordered' })).toBe(true);
    expect(arena.publish('STATE', 2, { delivery: 'latest', key: 'p1' })).toBe(true);
    await world.clock.advance(250);
    const events = world.gateway.sessions[0]!.events.map(
      ({ type, payload }) => type + new TextDecoder().decode(payload),
    );
    expect(events.toSorted()).toEqual(['A1', 'B2', 'STATE2']);
    expect(session.stats().dropped).toEqual({ superseded: 1 });
  });

  test('unreliable messages are dropped', async () => {
    const [session, peer, world] = await over('websocket');
    peer.cut();
    await rest();
    expect(session.channel('a').publish('X', 1, { delivery: 'unreliable' })).toBe(false);
    expect(session.stats().dropped).toEqual({ backlog: 1 });
    await world.clock.advance(250);
    expect(world.gateway.sessions[0]!.events).toEqual([]);
  });

  test('past the bound what must arrive is refused, with an error', async () => {
    const [session, peer] = await over('websocket', { maxQueuedBytes: 300 });
    const errors = record(session, 'error');
    peer.cut();
    await rest();
    const arena = session.channel('a');
    const payload = new Uint8Array(80);
    for (const type of ['R1', 'R2', 'R3']) expect(arena.publish(type, payload)).toBe(true);
    expect(session.stats().pending).toBeGreaterThan(240);
    expect(arena.publish('R4', payload)).toBe(false);
    expect(errors).toMatchObject([{ code: 'queue-full', details: { channel: 'a', type: 'R4' } }]);
    expect((await rejection(session.request('Q', payload))).code).toBe('queue-full');
  });
});

describe('reconnecting', () => {
  test('waits longer each time, up to the limit, and gives up after maxAttempts', async () => {
    const reconnect = { minDelay: 100, maxDelay: 400, maxAttempts: 4 };
    const [session, peer, world] = await over('websocket', { reconnect });
    world.random = () => 0.999;
    const closed = record(session, 'close');
    world.websocket = 'refuse';
    peer.cut();
    await rest();
    const times: number[] = [];
    const start = world.clock.now();
    while (session.state !== 'closed') {
      const before = world.sockets.length;
      await world.clock.advance(1);
      if (world.sockets.length > before) times.push(Math.round(world.clock.now() - start));
    }
    expect(times).toEqual([100, 300, 700, 1_099]);
    expect(closed).toMatchObject([{ name: 'transport-lost', error: { code: 'unreachable' } }]);
    expect((closed[0] as { error: unknown }).error).toBeInstanceOf(ConnectError);
    expect(world.clock.pending).toBe(0);
  });

  test('counts only failures in a row', async () => {
    const reconnect = { minDelay: 10, maxDelay: 10, maxAttempts: 2 };
    const [session, , world] = await over('websocket', { reconnect });
    for (let round = 0; round < 4; round++) {
      world.websocket = 'refuse';
      world.sockets.at(-1)!.cut();
      await world.clock.advance(5);
      world.websocket = 'answer';
      await world.clock.advance(10);
      expect(session.state).toBe('open');
    }
  });

  test('leaves nothing where the session is closed as soon as it is back', async () => {
    const [session, peer, world] = await over('websocket');
    session.on('state', (state) => {
      if (state === 'open') void session.close();
    });
    peer.cut();
    await world.clock.advance(3_000);
    expect(session.state).toBe('closed');
    expect(world.clock.pending).toBe(0);
    expect(world.watchers.size).toBe(0);
  });

  test('begins at once after a connection that held for a second', async () => {
    const [session, peer, world] = await over('websocket');
    await world.clock.advance(500);
    peer.cut();
    await rest();
    expect(world.sockets).toHaveLength(2);
    expect(session.state).toBe('open');
  });

  test('that begins at once asks for no document, and gives WebTransport no head start', async () => {
    const world = new World();
    const session = await world.session();
    await world.clock.advance(1_000);
    world.webtransport = 'silent';
    world.sessions[0]!.cut();
    await rest();
    expect(world.fetched).toHaveLength(1);
    expect(world.sessions).toHaveLength(2);
    expect(session.transport.name).toBe('websocket');
    expect(session.stats().resumes).toBe(1);
  });

  test('waits a little after a connection that did not hold, so that a gateway in trouble is not stormed', async () => {
    const [, peer, world] = await over('websocket');
    await world.clock.advance(500);
    peer.cut();
    await rest();
    world.sockets[1]!.cut();
    await rest();
    expect(world.sockets).toHaveLength(2);
    await world.clock.advance(250);
    expect(world.sockets).toHaveLength(3);
  });

  test('begins anew with short delays after a connection that held', async () => {
    const [, peer, world] = await over('websocket', { reconnect: { minDelay: 100, maxDelay: 100_000 } });
    world.random = () => 0.999;
    peer.cut();
    await world.clock.advance(100);
    expect(world.sockets).toHaveLength(2);
    world.sockets[1]!.cut();
    await world.clock.advance(199);
    expect(world.sockets).toHaveLength(2);
    await world.clock.advance(1);
    expect(world.sockets).toHaveLength(3);
    await world.clock.advance(10_000);
    world.sockets[2]!.cut();
    await world.clock.advance(100);
    expect(world.sockets).toHaveLength(4);
  });

  test('stops when the gateway refuses for good', async () => {
    const [session, peer, world] = await over('websocket');
    const closed = record(session, 'close');
    world.manners = { hello: false };
    peer.cut();
    await world.clock.advance(250);
    world.sockets[1]!.close(CLOSE.unauthorized, 'who are you');
    await rest();
    expect(closed).toMatchObject([{ code: CLOSE.unauthorized, reason: 'who are you' }]);
    expect(session.state).toBe('closed');
    expect(world.clock.pending).toBe(0);
  });

  test('goes on where HELLO came too late: the machine may have slept', async () => {
    const [session, peer, world] = await over('websocket');
    world.manners = { hello: false };
    peer.cut();
    await world.clock.advance(250);
    world.manners = {};
    world.sockets[1]!.close(CLOSE['hello-timeout'], 'no HELLO in time');
    await world.clock.advance(500);
    expect(session.state).toBe('open');
    expect(session.stats().resumes).toBe(1);
  });

  test('goes on by what the gateway offered last while it cannot be asked', async () => {
    const [session, peer, world] = await over('webtransport');
    const { document } = world;
    world.document = new TypeError('Failed to fetch');
    world.webtransport = 'fail';
    peer.cut();
    await world.clock.advance(20_000);
    expect(session.state).toBe('reconnecting');
    expect(world.sessions.length).toBeGreaterThan(2);
    expect(world.sessions.at(-1)!.url).toBe(peer.url);
    world.document = document;
    world.webtransport = 'answer';
    await world.clock.advance(15_000);
    expect(session.state).toBe('open');
  });

  test('outlives a gateway that offers nothing usable for a while', async () => {
    const [session, peer, world] = await over('webtransport');
    const { document } = world;
    world.document = { protocol: 1, transports: {} };
    peer.cut();
    await world.clock.advance(1_000);
    expect(session.state).toBe('reconnecting');
    world.document = document;
    await world.clock.advance(15_000);
    expect(session.state).toBe('open');
  });

  test('does not happen where it is switched off', async () => {
    const [session, peer, world] = await over('websocket', { reconnect: false });
    const closed = record(session, 'close');
    peer.cut();
    await rest();
    expect(session.state).toBe('closed');
    expect(closed).toMatchObject([{ name: 'transport-lost' }]);
    expect(world.clock.pending).toBe(0);
  });

  test('ends at once when the session is closed meanwhile', async () => {
    const [session, peer, world] = await over('websocket');
    peer.cut();
    await rest();
    await session.close();
    expect(world.clock.pending).toBe(0);
    await world.clock.advance(60_000);
    expect(world.sockets).toHaveLength(1);
  });
});
