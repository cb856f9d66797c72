import { CLOSE } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import type { TransportInfo } from './api.ts';
import type { SessionCore } from './session.ts';
import { rest } from './testing/test-clock.ts';
import { record } from './testing/test-over.ts';
import { World } from './testing/test-world.ts';

/** A session on WebSocket of a client that may use both, because WebTransport was silent. */
async function low(options = {}): Promise<[SessionCore, World]> {
  const world = new World();
  world.webtransport = 'silent';
  const session = await world.session(options);
  await world.clock.advance(4_000);
  expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'udp-blocked' }]);
  world.webtransport = 'answer';
  return [session, world];
}

describe('climbing', () => {
  test('WebTransport is tried again after probeInterval, and takes the session over', async () => {
    const [session, world] = await low({ race: { probeInterval: 60_000 } });
    const { id } = session;
    await world.clock.advance(55_000);
    expect(world.sessions).toHaveLength(1);
    await world.clock.advance(5_000);
    expect(session.transport).toEqual({ name: 'webtransport', reasons: [] });
    expect(session.id).toBe(id);
    expect(world.sockets[0]!.closed?.code).toBe(CLOSE.normal);
    expect(session.stats().resumes).toBe(1);
  });

  test('a failed try only tells the reason anew, is remembered, and comes again', async () => {
    const [session, world] = await low({ race: { probeInterval: 60_000 } });
    world.webtransport = 'fail';
    const transports = record(session, 'transport');
    await world.clock.advance(60_000);
    const reasons = [{ transport: 'webtransport', reason: 'handshake-failed' }];
    expect(transports).toEqual([{ name: 'websocket', reasons }]);
    expect(session.state).toBe('open');
    expect((await world.session()).transport.reasons).toEqual([
      { transport: 'webtransport', reason: 'remembered' },
    ]);
    world.webtransport = 'answer';
    await world.clock.advance(60_000);
    expect(session.transport.name).toBe('webtransport');
  });

  test('begins at once when WebTransport turns out to work, only later than the other', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const session = await world.session();
    expect(session.transport.name).toBe('websocket');
    await world.clock.advance(500);
    world.webtransport = 'answer';
    world.fakeSessions[0]!.open();
    await world.clock.advance(0);
    expect(session.transport).toEqual({ name: 'webtransport', reasons: [] });
    expect(session.stats().resumes).toBe(1);
  });

  test('after a reconnect does so as well, and tells nothing before it is connected', async () => {
    const world = new World();
    const session = await world.session();
    await world.clock.advance(1_000);
    const transports = record(session, 'transport');
    // WebSocket is open first and says HELLO; by the time of its WELCOME WebTransport is open, too.
    world.manners = { hello: false };
    world.webtransport = 'silent';
    world.sessions[0]!.cut();
    await rest();
    world.manners = {};
    world.webtransport = 'answer';
    world.fakeSessions[1]!.open();
    await rest();
    world.sockets[0]!.welcome();
    await world.clock.advance(0);
    expect(session.transport).toEqual({ name: 'webtransport', reasons: [] });
    for (const { name, reasons } of transports as TransportInfo[])
      expect(reasons.map(({ transport }) => transport)).toEqual(name === 'websocket' ? ['webtransport'] : []);
  });

  test('begins when the network may be another, at most once in ten seconds', async () => {
    const [session, world] = await low();
    world.webtransport = 'fail';
    for (let second = 0; second < 25; second++) {
      world.wake(second % 2 === 0);
      await world.clock.advance(1_000);
    }
    // The first dial of all, and three.
    expect(world.sessions).toHaveLength(4);
    world.webtransport = 'answer';
    await world.clock.advance(10_000);
    world.wake();
    await world.clock.advance(0);
    expect(session.transport.name).toBe('webtransport');
  });

  test.each([
    ['not allowed', { transports: ['websocket'] as const }, () => {}],
    [
      'not there',
      {},
      (world: World) => {
        world.webtransport = 'missing';
      },
    ],
    [
      'known not to hold',
      {},
      (world: World) => {
        world.userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
      },
    ],
  ])('is not tried where WebTransport is %s', async (_, options, prepare) => {
    const world = new World();
    prepare(world);
    const session = await world.session({ race: { probeInterval: 1_000 }, ...options });
    world.wake();
    await world.clock.advance(20_000);
    expect(world.fetched).toHaveLength(1);
    expect(session.transport.name).toBe('websocket');
  });

  test('is not tried where the gateway keeps no sessions: it would cost this one', async () => {
    const world = new World();
    world.manners = { resume: false };
    world.webtransport = 'silent';
    await world.session({ race: { probeInterval: 10_000 } });
    await world.clock.advance(60_000);
    expect(world.sessions).toHaveLength(1);
  });

  test('stays below where the gateway would begin another session', async () => {
    const [session, world] = await low({ race: { probeInterval: 60_000 } });
    const { id } = session;
    const errors = record(session, 'error');
    world.gateway.forget();
    await world.clock.advance(61_000);
    expect(session.transport.name).toBe('websocket');
    expect(session.id).toBe(id);
    expect(errors).toEqual([]);
    expect(world.sessions[1]!.closed?.code).toBe(CLOSE.normal);
  });

  test('that is under way when the connection is lost makes way for a dial over all', async () => {
    const [session, world] = await low({ race: { probeInterval: 60_000 } });
    world.webtransport = 'silent';
    await world.clock.advance(57_000);
    expect(world.sessions).toHaveLength(2);
    expect(world.sessions[1]!.closed).toBeUndefined();
    world.websocket = 'silent';
    world.sockets[0]!.cut();
    await rest();
    expect(session.state).toBe('reconnecting');
    expect(world.sessions[1]!.closed).toBeDefined();
    expect(world.sockets).toHaveLength(2);
  });

  test('that fails is remembered anew', async () => {
    const [, world] = await low({ race: { probeInterval: 590_000 } });
    world.webtransport = 'fail';
    await world.clock.advance(620_000);
    expect((await world.session()).transport.reasons).toEqual([
      { transport: 'webtransport', reason: 'remembered' },
    ]);
  });

  test('rests where Chromium would hold the next handshake back', async () => {
    const [, world] = await low();
    for (let failure = 0; failure < 12; failure++) world.throttle.failed(world.clock.now());
    world.wake();
    await world.clock.advance(0);
    expect(world.sessions).toHaveLength(1);
  });

  test('is not planned with a probeInterval of 0', async () => {
    const [, world] = await low({ race: { probeInterval: 0 } });
    await world.clock.advance(600_000);
    expect(world.sessions).toHaveLength(1);
  });
});

describe('a gateway that drains', () => {
  test('is left at a random time before its end, and the old connection stays until then', async () => {
    const world = new World();
    const session = await world.session();
    world.random = () => 0.5;
    world.sessions[0]!.send({ kind: 'drain', within: 10_000 });
    await world.clock.advance(3_999);
    expect(world.sessions).toHaveLength(1);
    await world.clock.advance(1);
    expect(world.sessions).toHaveLength(2);
    expect(session.state).toBe('open');
    expect(world.gateway.sessions[0]!.carrier).toBe(world.sessions[1]);
  });

  test('is left never later than eight tenths of the time', async () => {
    const world = new World();
    await world.session();
    world.random = () => 0.999;
    world.sessions[0]!.send({ kind: 'drain', within: 10_000 });
    await world.clock.advance(8_000);
    expect(world.sessions).toHaveLength(2);
  });

  test('that refuses to be moved to is used until it closes, then the session waits a little', async () => {
    const world = new World();
    const session = await world.session();
    world.webtransport = 'fail';
    world.websocket = 'refuse';
    world.sessions[0]!.send({ kind: 'drain', within: 10_000 });
    await world.clock.advance(9_000);
    expect(session.state).toBe('open');
    world.webtransport = 'answer';
    const before = world.sessions.length;
    world.sessions[0]!.close(CLOSE['going-away']);
    await rest();
    expect(session.state).toBe('reconnecting');
    expect(world.sessions).toHaveLength(before);
    await world.clock.advance(250);
    expect(session.state).toBe('open');
  });
});

describe('a connection that stands still', () => {
  test('is given up with reason stalled: WebSocket at once, and WebTransport only if that fails', async () => {
    const world = new World();
    const session = await world.session();
    const { id } = session;
    const [peer] = world.sessions;
    peer!.silent = true;
    session.channel('a').publish('X', 1);
    await world.clock.advance(3_050);
    expect(session.transport.name).toBe('webtransport');
    await world.clock.advance(100);
    expect(session.transport).toEqual({
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'stalled' }],
    });
    expect(session.id).toBe(id);
    expect(world.sessions).toHaveLength(1);
    expect(world.sockets[0]!.hello!.reasons).toEqual([{ transport: 'webtransport', reason: 'stalled' }]);
    expect(world.gateway.sessions[0]!.events).toHaveLength(1);
  });

  test('is remembered, for later sessions too', async () => {
    const world = new World();
    const session = await world.session();
    world.sessions[0]!.silent = true;
    session.channel('a').publish('X', 1);
    await world.clock.advance(3_200);
    expect((await world.session()).transport).toEqual({
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'stalled' }],
    });
  });

  test('is noticed in about four seconds by a client that only listens', async () => {
    const world = new World();
    const session = await world.session();
    const [peer] = world.sessions;
    await world.clock.advance(5_000);
    for (let count = 0; count < 10; count++) {
      peer!.event('', 'X', count, { delivery: 'unreliable' }, true);
      await world.clock.advance(100);
    }
    peer!.silent = true;
    await world.clock.advance(3_500);
    expect(session.transport.name).toBe('webtransport');
    await world.clock.advance(600);
    expect(session.transport.name).toBe('websocket');
  });

  test('is tried last of all where WebSocket fails', async () => {
    const world = new World();
    const session = await world.session();
    world.websocket = 'refuse';
    world.sessions[0]!.silent = true;
    session.channel('a').publish('X', 1);
    await world.clock.advance(3_200);
    expect(session.transport).toEqual({ name: 'webtransport', reasons: [] });
    expect(session.stats().resumes).toBe(1);
  });

  test('is known by stallTimeout', async () => {
    const world = new World();
    const session = await world.session({ stallTimeout: 8_000 });
    world.sessions[0]!.silent = true;
    session.channel('a').publish('X', 1);
    await world.clock.advance(8_000);
    expect(session.transport.name).toBe('webtransport');
    await world.clock.advance(200);
    expect(session.transport.name).toBe('websocket');
  });
});
