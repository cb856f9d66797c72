import { CLOSE, encode } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { ConnectError } from './errors.ts';
import type { SessionCore } from './session.ts';
import { rest } from './testing/test-clock.ts';
import { record, rejection } from './testing/test-over.ts';
import { World } from './testing/test-world.ts';

/** Publishes numbers 1 to `count`, one each turn, reliably and as `latest`, and listens to the same. */
async function traffic(world: World, session: SessionCore, during: () => unknown, count = 60) {
  const arena = session.channel<{ R: number; L: number }>('arena/7');
  const seen: { R: number[]; L: number[] } = { R: [], L: [] };
  arena.on('R', (payload) => seen.R.push(payload));
  arena.on('L', (payload) => seen.L.push(payload));
  await Promise.all([arena.subscribe(), rest()]);
  const [gateway] = world.gateway.sessions;
  const event = (type: 'R' | 'L', seq: number) => {
    const payload = new TextEncoder().encode(String(seq));
    const delivery = type === 'R' ? 'reliable' : 'latest';
    return { kind: 'event', channel: 'arena/7', type, delivery, codec: 'json', seq, ts: 1, payload } as const;
  };
  for (let number = 1; number <= count; number++) {
    arena.publish('R', number);
    arena.publish('L', number, { delivery: 'latest' });
    gateway!.publish(event('R', number));
    gateway!.publish(event('L', number));
    if (number === 20) during();
    await world.clock.advance(20);
  }
  await world.clock.advance(1_000);
  const sent = (type: string) =>
    gateway!.events
      .filter((one) => one.type === type)
      .map(({ payload }) => Number(new TextDecoder().decode(payload)));
  return { seen, sent: { R: sent('R'), L: sent('L') } };
}

const ALL = Array.from({ length: 60 }, (_, index) => index + 1);

describe('switchTo', () => {
  test('moves the same session: its id, its subscriptions and its requests in flight', async () => {
    const world = new World();
    const session = await world.session();
    const transports = record(session, 'transport');
    const states = record(session, 'state');
    const { id } = session;
    await Promise.all([session.channel('arena/7').subscribe(), rest()]);
    const reply = session.request('SLOW');
    await rest();
    await Promise.all([session.switchTo(['websocket']), rest()]);
    expect(session.transport).toEqual({
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'disabled' }],
    });
    const [peer] = world.sockets;
    expect(peer!.of('subscribe')).toEqual([]);
    const [request] = world.sessions[0]!.of('request');
    peer!.send({
      kind: 'response',
      id: request!.id,
      more: false,
      codec: 'bytes',
      payload: new Uint8Array([1]),
    });
    await rest();
    expect(await reply).toEqual(new Uint8Array([1]));
    expect(session.id).toBe(id);
    await world.clock.advance(1_000);
    expect(transports).toEqual([session.transport]);
    expect(states).toEqual([]);
  });

  test.each([
    ['down', ['webtransport'], ['websocket']],
    ['up', ['websocket'], ['webtransport']],
  ] as const)('%s loses nothing, doubles nothing, and latest goes on', async (_, from, to) => {
    const world = new World();
    const session = await world.session({ transports: from });
    const moved: Promise<void>[] = [];
    const { seen, sent } = await traffic(world, session, () => moved.push(session.switchTo(to)));
    await Promise.all(moved);
    expect(session.transport.name).toBe(to[0]);
    expect(seen.R).toEqual(ALL);
    expect(sent.R).toEqual(ALL);
    // In this world nothing takes time, so that not one value is missing.
    expect(seen.L).toEqual(ALL);
    expect(new Set(sent.L)).toEqual(new Set(ALL));
  });

  test('speaks on the new connection at once, before it closes the old one', async () => {
    const world = new World();
    const session = await world.session();
    await Promise.all([session.switchTo(['websocket']), rest()]);
    expect(world.sockets[0]!.received.map(({ kind }) => kind).slice(0, 2)).toEqual(['hello', 'ping']);
    expect(world.gateway.sessions[0]!.carrier).toBe(world.sockets[0]);
  });

  test('keeps everything as it is when the other list does not work', async () => {
    const world = new World();
    const session = await world.session();
    world.websocket = 'refuse';
    await expect(session.switchTo(['websocket'])).rejects.toMatchObject({ code: 'unreachable' });
    expect(session.state).toBe('open');
    expect(session.transport.name).toBe('webtransport');
    await Promise.all([session.channel('a').subscribe(), rest()]);
  });

  test('holds for later reconnects', async () => {
    const world = new World();
    const session = await world.session();
    await session.switchTo(['websocket']);
    world.sockets[0]!.cut();
    await world.clock.advance(250);
    expect(world.sockets).toHaveLength(2);
    expect(world.sessions).toHaveLength(1);
    expect(session.transport.name).toBe('websocket');
  });

  test('of a session that is reconnecting dials at once', async () => {
    const world = new World();
    const session = await world.session();
    world.webtransport = 'silent';
    world.sessions[0]!.cut();
    await rest();
    expect(session.state).toBe('reconnecting');
    await session.switchTo(['websocket']);
    expect(session.state).toBe('open');
    expect(session.stats().resumes).toBe(1);
  });

  test('gives up a dial that is under way for the old list', async () => {
    const world = new World();
    const session = await world.session();
    world.webtransport = 'silent';
    world.websocket = 'silent';
    world.sessions[0]!.cut();
    await world.clock.advance(1_000);
    expect(world.sockets).toHaveLength(1);
    world.websocket = 'refuse';
    await expect(session.switchTo(['websocket'])).rejects.toMatchObject({ code: 'unreachable' });
    expect(world.sockets[0]!.closed).toBeDefined();
    expect(world.sessions[1]!.closed).toBeDefined();
  });

  test('that fails while reconnecting leaves the session reconnecting', async () => {
    const world = new World();
    const session = await world.session();
    world.websocket = 'refuse';
    world.sessions[0]!.cut();
    await rest();
    await expect(session.switchTo(['websocket'])).rejects.toBeInstanceOf(ConnectError);
    await world.clock.advance(1_000);
    expect(session.state).toBe('open');
    expect(session.transport.name).toBe('webtransport');
  });

  test('a later call replaces one that is under way', async () => {
    const world = new World();
    const session = await world.session();
    world.websocket = 'silent';
    const first = session.switchTo(['websocket']);
    const failed = rejection(first);
    await rest();
    await session.switchTo(['webtransport']);
    expect((await failed).code).toBe('aborted');
    expect(world.gateway.sessions[0]!.carrier).toBe(world.sessions[1]);
  });

  test('is refused once the session is closed', async () => {
    const world = new World();
    const session = await world.session();
    const closing = session.close();
    await expect(session.switchTo(['websocket'])).rejects.toMatchObject({ code: 'closed' });
    await world.clock.advance(1_000);
    await closing;
  });
});

test('of two connections that open at once only one asks to resume', async () => {
  const world = new World();
  const session = await world.session();
  await world.clock.advance(1_000);
  world.manners = { hello: false };
  world.sessions[0]!.cut();
  await rest();
  const both = [world.sessions[1]!, world.sockets[0]!];
  const [first, ...none] = both.filter(({ hello }) => hello);
  expect(none).toEqual([]);
  const second = both.find((peer) => peer !== first)!;
  // Without an answer it is the other's turn after a second, and what comes then from the first is too late.
  await world.clock.advance(1_000);
  expect(second.hello?.resume?.token).toBe(first!.hello!.resume!.token);
  first!.welcome();
  second.welcome();
  await world.clock.advance(100);
  expect(first!.closed?.code).toBe(CLOSE['transport-lost']);
  expect(session.stats().resumes).toBe(1);
  expect(world.gateway.sessions[0]!.carrier).toBe(second);
});

test('bytes from the old connection are nothing any more once the new one carries', async () => {
  const world = new World();
  const session = await world.session();
  const seen = record(session, 'message');
  await Promise.all([session.switchTo(['websocket']), rest()]);
  const payload = new TextEncoder().encode('1');
  const event = {
    kind: 'event',
    channel: '',
    type: 'X',
    delivery: 'reliable',
    codec: 'json',
    payload,
  } as const;
  world.sessions[0]!.sendBytes(encode(event));
  await rest();
  expect(seen).toEqual([]);
});
