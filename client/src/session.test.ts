import { CLOSE, encode } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { RequestError } from './errors.ts';
import { rest } from './testing/test-clock.ts';
import { over, RUNGS, record, rejection } from './testing/test-over.ts';
import { World } from './testing/test-world.ts';

describe.each(RUNGS)('a session over %s', (rung) => {
  test('publishes and receives on a channel', async () => {
    const [session, peer] = await over(rung);
    const arena = session.channel<{ STATE: { x: number }; INPUT: string }>('arena/7');
    const seen: unknown[] = [];
    arena.on('STATE', (payload, meta) => seen.push([payload.x, meta.seq, meta.ts]));
    const subscribed = arena.subscribe();
    await rest();
    await subscribed;
    expect(peer.of('subscribe')).toMatchObject([{ channel: 'arena/7' }]);
    peer.event('arena/7', 'STATE', { x: 3 }, { seq: 1, ts: 5 });
    peer.event('arena/7', 'OTHER', { x: 4 }, { seq: 2, ts: 6 });
    expect(arena.publish('INPUT', 'left')).toBe(true);
    await rest();
    expect(seen).toEqual([[3, 1, 5]]);
    expect(peer.of('event')).toMatchObject([
      { channel: 'arena/7', type: 'INPUT', delivery: 'reliable', codec: 'json' },
    ]);
  });

  test('asks and is answered', async () => {
    const [session, peer] = await over(rung);
    const reply = session.request<object, { id: number }>('JOIN', { name: 'ann' }, { channel: 'arena/7' });
    await rest();
    const [request] = peer.of('request');
    expect(request).toMatchObject({ type: 'JOIN', channel: 'arena/7' });
    const payload = new TextEncoder().encode('{"id":7}');
    peer.send({ kind: 'response', id: request!.id, more: false, codec: 'json', payload });
    expect(await reply).toEqual({ id: 7 });
  });

  test('goes on after a loss: the same session, its subscriptions with it', async () => {
    const [session, peer, world] = await over(rung);
    const states = record(session, 'state');
    const { id } = session;
    const arena = session.channel('arena/7');
    const seen: unknown[] = [];
    arena.on('STATE', (payload) => seen.push(payload));
    await Promise.all([arena.subscribe(), rest()]);
    peer.cut();
    await rest();
    await world.clock.advance(250);
    const second = world.peers.find((other) => other !== peer)!;
    expect(second.of('subscribe')).toEqual([]);
    second.event('arena/7', 'STATE', 1, { seq: 1, ts: 5 });
    await rest();
    expect(seen).toEqual([1]);
    expect(states).toEqual(['reconnecting', 'open']);
    expect(session.id).toBe(id);
    expect(session.stats().resumes).toBe(1);
  });

  test('closes with code normal, and leaves no timer and no listener', async () => {
    const [session, peer, world] = await over(rung);
    const closed = record(session, 'close');
    const arena = session.channel('arena/7');
    await Promise.all([arena.subscribe(), rest()]);
    const pending = rejection(session.request('SLOW'));
    const closing = session.close();
    expect(session.state).toBe('closed');
    await world.clock.advance(1_000);
    await closing;
    expect((await pending).code).toBe('closed');
    expect(peer.closed).toEqual({ code: CLOSE.normal, reason: '' });
    expect(closed).toEqual([{ code: CLOSE.normal, name: 'normal', reason: '', error: undefined }]);
    expect(world.clock.pending).toBe(0);
    expect(world.watchers.size).toBe(0);
    for (const { onopen, onmessage, onclose } of world.fakeSockets) {
      expect([onopen, onmessage, onclose]).toEqual([null, null, null]);
    }
  });

  test('sends what was published before it closes', async () => {
    const [session, peer, world] = await over(rung);
    session.channel('arena/7').publish('LAST', 'words');
    const closing = session.close();
    await world.clock.advance(1_000);
    await closing;
    expect(peer.of('event')).toMatchObject([{ type: 'LAST' }]);
  });

  test('closes even if the far end never confirms', async () => {
    const [session, , world] = await over(rung);
    world.confirmsClose = false;
    const closing = session.close();
    await world.clock.advance(3_000);
    await closing;
    expect(world.clock.pending).toBe(0);
  });

  test('takes the code from CLOSE where the transport’s own close has none', async () => {
    const [session, peer] = await over(rung);
    const closed = record(session, 'close');
    peer.send({ kind: 'close', code: CLOSE.forbidden, reason: 'banned' });
    await rest();
    peer.cut();
    await rest();
    expect(closed).toMatchObject([{ name: 'forbidden', reason: 'banned' }]);
  });

  test('ends on a code that forbids to reconnect', async () => {
    const [session, peer, world] = await over(rung);
    const closed = record(session, 'close');
    peer.close(CLOSE.forbidden, 'banned');
    await rest();
    expect(closed).toEqual([
      { code: CLOSE.forbidden, name: 'forbidden', reason: 'banned', error: undefined },
    ]);
    expect(session.state).toBe('closed');
    expect(world.clock.pending).toBe(0);
  });

  test('closes on bytes that are no envelope, with an error', async () => {
    const [session, peer, world] = await over(rung);
    const errors = record(session, 'error') as RequestError[];
    const closed = record(session, 'close');
    peer.sendBytes(new Uint8Array([0xff, 1, 2]));
    await world.clock.advance(100);
    expect(peer.closed?.code).toBe(CLOSE['unsupported-version']);
    expect(errors).toMatchObject([{ code: 'protocol-error' }]);
    expect(closed).toMatchObject([{ code: CLOSE['unsupported-version'], error: { code: 'protocol-error' } }]);
    expect(session.state).toBe('closed');
  });

  test('closes on an envelope that only clients send', async () => {
    const [, peer, world] = await over(rung);
    peer.send({ kind: 'subscribe', id: '1', channel: 'a' });
    await world.clock.advance(100);
    expect(peer.closed?.code).toBe(CLOSE['protocol-error']);
  });

  test('answers pings and acknowledges names', async () => {
    const [, peer] = await over(rung);
    peer.send({ kind: 'ping', time: 77 });
    peer.send({ kind: 'names', routes: [{ number: 3, channel: 'arena/7', type: 'STATE' }], keys: [] });
    await rest();
    expect(peer.of('pong')).toMatchObject([{ time: 77 }]);
    expect(peer.of('named')).toEqual([{ kind: 'named', count: 1 }]);
  });

  test('reads compact headers with the names that the gateway gave', async () => {
    const [session, peer] = await over(rung);
    const arena = session.channel('arena/7');
    const seen: unknown[] = [];
    arena.on('STATE', (payload, { ts, seq }) => seen.push([payload, ts, seq]));
    await Promise.all([arena.subscribe(), rest()]);
    peer.send({ kind: 'names', routes: [{ number: 3, channel: 'arena/7', type: 'STATE' }], keys: [] });
    const ts = 1_764_000_000_999;
    const payload = new TextEncoder().encode('5');
    const event = { kind: 'event', channel: 'arena/7', type: 'STATE', delivery: 'reliable' } as const;
    peer.sendBytes(encode({ ...event, codec: 'json', seq: 1, ts, payload }, 'binary', { route: 3 }));
    await rest();
    expect(seen).toEqual([[5, ts, 1]]);
  });

  test('sends compact headers once the gateway knows the names', async () => {
    const [session, peer] = await over(rung);
    const publish = () =>
      session.channel('arena/7').publish('INPUT', 1, { delivery: 'unreliable', key: 'p1' });
    publish();
    await rest();
    expect(peer.of('names')).toMatchObject([
      { routes: [{ channel: 'arena/7', type: 'INPUT' }], keys: [{ key: 'p1' }] },
    ]);
    const before = session.stats().bytesOut;
    publish();
    await rest();
    expect(session.stats().bytesOut - before).toBeLessThan(15);
    expect(peer.of('event')).toHaveLength(2);
    expect(peer.of('event')[1]).toMatchObject({ channel: 'arena/7', type: 'INPUT', key: 'p1' });
  });

  test('measures the round trip', async () => {
    const [session, , world] = await over(rung);
    expect(session.stats().rtt).toBe(0);
    expect(session.stats().transport).toBe(rung);
    world.manners = {};
  });

  test('notices a gateway that has fallen silent, and goes on over another connection', async () => {
    const [session, peer, world] = await over(rung);
    const states = record(session, 'state');
    await world.clock.advance(9_000);
    peer.manners.ping = false;
    await world.clock.advance(3_500);
    expect(states).toEqual([]);
    await world.clock.advance(200);
    expect(states).toEqual(['reconnecting', 'open']);
    expect(session.stats().resumes).toBe(1);
  });
});

describe('messages to this session alone', () => {
  test('come as message events', async () => {
    const [session, peer] = await over('websocket');
    const seen = record(session, 'message');
    peer.event('', 'GREETING', 'hello', { key: 'k' });
    await rest();
    expect(seen).toMatchObject([
      ['GREETING', 'hello', { channel: '', type: 'GREETING', key: 'k', codec: 'json' }],
    ]);
  });

  test('that come with WELCOME reach a listener added after connect', async () => {
    const world = new World();
    world.webtransport = 'missing';
    world.manners = { hello: false };
    const connecting = world.connect();
    await rest();
    const [peer] = world.sockets;
    peer!.welcome();
    peer!.event('', 'GREETING', 'hello');
    const session = await connecting;
    const seen = record(session, 'message');
    await world.clock.advance(0);
    expect(seen).toHaveLength(1);
  });

  test('that come with WELCOME and a close reach it as well, before the close', async () => {
    const world = new World();
    world.webtransport = 'missing';
    world.manners = { hello: false };
    const connecting = world.connect();
    await rest();
    const [peer] = world.sockets;
    peer!.welcome();
    peer!.event('', 'GOODBYE', 'no room');
    peer!.close(CLOSE.forbidden);
    const session = await connecting;
    const seen: string[] = [];
    session.on('message', (type) => seen.push(type));
    session.on('close', ({ name }) => seen.push(name));
    await world.clock.advance(0);
    expect(seen).toEqual(['GOODBYE', 'forbidden']);
  });
});

describe('events of a session', () => {
  test('gap and drain pass on what the gateway says', async () => {
    const [session, peer] = await over('websocket');
    const gaps = record(session, 'gap');
    const drains = record(session, 'drain');
    peer.send({ kind: 'gap', channel: 'arena/7', from: 3, to: 5 });
    peer.send({ kind: 'drain', within: 30_000 });
    await rest();
    expect(gaps).toEqual([{ channel: 'arena/7', from: 3, to: 5 }]);
    expect(drains).toEqual([{ within: 30_000 }]);
  });

  test('a publication that the gateway refused is an error event with its channel and type', async () => {
    const [session, peer] = await over('websocket');
    const errors = record(session, 'error');
    const details = '{"channel":"arena/7","type":"INPUT"}';
    peer.send({ kind: 'error', code: 'forbidden', message: 'not yours', details });
    await rest();
    expect(errors[0]).toBeInstanceOf(RequestError);
    expect(errors).toMatchObject([
      { code: 'forbidden', message: 'not yours', details: { channel: 'arena/7', type: 'INPUT' } },
    ]);
  });

  test('a listener that throws is reported, and the others still run', async () => {
    const [session, peer, world] = await over('websocket');
    const mistake = new Error('mine');
    session.on('message', () => {
      throw mistake;
    });
    const seen = record(session, 'message');
    peer.event('', 'A', 1);
    await rest();
    expect(seen).toHaveLength(1);
    expect(world.reported).toEqual([mistake]);
  });

  test('with a listener for errors it goes there, and an error of that one to the platform', async () => {
    const [session, peer, world] = await over('websocket');
    const first = new Error('first');
    const second = new Error('second');
    const errors: RequestError[] = [];
    session.channel('a').on('X', () => {
      throw first;
    });
    session.on('error', (error) => {
      errors.push(error);
      throw second;
    });
    await Promise.all([session.channel('a').subscribe(), rest()]);
    peer.event('a', 'X', 1);
    await rest();
    expect(errors).toMatchObject([{ code: 'listener-failed', cause: first }]);
    expect(world.reported).toEqual([second]);
  });

  test('off takes a listener away, and so does what on returned', async () => {
    const [session, peer] = await over('websocket');
    const seen: number[] = [];
    const one = () => seen.push(1);
    session.on('message', one);
    const off = session.on('message', () => seen.push(2));
    session.off('message', one);
    off();
    peer.event('', 'A', 1);
    await rest();
    expect(seen).toEqual([]);
  });

  test('a payload that its codec cannot read costs only itself', async () => {
    const [session, peer] = await over('websocket');
    const errors = record(session, 'error');
    const payload = new TextEncoder().encode('{not json');
    await Promise.all([session.channel('a').subscribe(), rest()]);
    session.channel('a').on('X', () => {});
    peer.send({ kind: 'event', channel: 'a', type: 'X', delivery: 'reliable', codec: 'json', payload });
    await rest();
    expect(errors).toMatchObject([{ code: 'bad-payload', details: { channel: 'a', type: 'X' } }]);
    expect(session.state).toBe('open');
    expect(session.stats().dropped).toEqual({ malformed: 1 });
  });
});

describe('statistics', () => {
  test('pings become frequent while somebody reads them', async () => {
    const [session, peer, world] = await over('websocket');
    await world.clock.advance(9_000);
    expect(peer.of('ping')).toHaveLength(1);
    session.stats();
    await world.clock.advance(3_000);
    expect(peer.of('ping')).toHaveLength(5);
    await world.clock.advance(30_000);
    expect(peer.of('ping').length).toBeLessThan(11);
  });

  test('jitter follows how much the time on the way varies', async () => {
    const [session, peer, world] = await over('websocket');
    await Promise.all([session.channel('a').subscribe(), rest()]);
    for (let count = 0; count < 40; count++) {
      await world.clock.advance(count % 2 === 0 ? 10 : 30);
      peer.event('a', 'X', 1, { delivery: 'unreliable', seq: count + 1, ts: 20 * count });
      await rest();
    }
    expect(session.stats().jitter).toBeGreaterThan(8);
    expect(session.stats().jitter).toBeLessThan(10);
  });

  test('missing counts what was stamped and never came', async () => {
    const [session, peer, world] = await over('websocket', {});
    peer.manners.subscribe = false;
    const subscribed = session.channel('a').subscribe();
    await rest();
    const { id } = peer.of('subscribe')[0]!;
    peer.event('a', 'X', 1, { seq: 101, ts: 1 });
    peer.send({
      kind: 'subscribed',
      id,
      channel: 'a',
      epoch: 'e',
      seq: 100,
      recovered: false,
      history: false,
    });
    await Promise.all([subscribed, rest()]);
    expect(session.stats().missing).toBe(0);
    peer.event('a', 'X', 1, { seq: 104, ts: 1 });
    await rest();
    expect(session.stats().missing).toBe(2);
    peer.event('a', 'X', 1, { seq: 103, ts: 1 });
    await rest();
    expect(session.stats().missing).toBe(1);
    peer.cut();
    await world.clock.advance(250);
    expect(session.stats().resumes).toBe(1);
    expect(session.stats().missing).toBe(1);
  });

  test('count messages and bytes in and out', async () => {
    const [session, peer] = await over('webtransport');
    const before = session.stats();
    session.channel('a').publish('X', new Uint8Array(100), { delivery: 'unreliable' });
    peer.event('', 'Y', 1, { delivery: 'unreliable' }, true);
    await rest();
    const after = session.stats();
    expect(after.datagramsOut - before.datagramsOut).toBe(1);
    expect(after.datagramsIn - before.datagramsIn).toBeGreaterThan(0);
    expect(after.bytesOut - before.bytesOut).toBeGreaterThan(100);
    expect(after.messagesIn).toBeGreaterThan(before.messagesIn);
  });
});

test('await using closes a session', async () => {
  const world = new World();
  const session = await world.session();
  const closing = session[Symbol.asyncDispose]();
  await world.clock.advance(100);
  await closing;
  expect(session.state).toBe('closed');
});

test('a json session speaks text and reads its own', async () => {
  const [session, peer] = await over('websocket', { encoding: 'json' });
  const seen = record(session, 'message');
  session.channel('a').publish('X', { y: 1 });
  peer.event('', 'Z', { w: 2 });
  await rest();
  expect(peer.of('event')).toMatchObject([{ channel: 'a', type: 'X' }]);
  expect(seen).toMatchObject([['Z', { w: 2 }, { type: 'Z' }]]);
});
