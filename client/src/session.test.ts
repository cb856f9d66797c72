import { CLOSE, encode } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { ConnectError, RequestError } from './errors.ts';
import type { SessionCore } from './session.ts';
import { rest } from './testing/test-clock.ts';
import { LIMITS, type Peer } from './testing/test-peer.ts';
import { World } from './testing/test-world.ts';

const RUNGS = ['webtransport', 'websocket'] as const;

/** A session over one transport, and the gateway's end of it. */
async function over(rung: (typeof RUNGS)[number], options = {}): Promise<[SessionCore, Peer, World]> {
  const world = new World();
  const session = await world.session({ transports: [rung], ...options });
  await world.clock.advance(0);
  return [session, world.peers[0]!, world];
}

/** Cuts the connection as a network does. */
function cut(peer: Peer): void {
  peer.close(CLOSE['transport-lost']);
}

/** What the listeners of an event were called with. */
function record(session: SessionCore, name: Parameters<SessionCore['on']>[0]): unknown[] {
  const seen: unknown[] = [];
  session.on(name, (...args: unknown[]) => seen.push(args.length === 1 ? args[0] : args));
  return seen;
}

async function rejection(promise: Promise<unknown>): Promise<RequestError> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: RequestError) => error,
  );
}

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

  test('reconnects after a loss, renews its subscriptions and goes on', async () => {
    const [session, peer, world] = await over(rung);
    const states = record(session, 'state');
    const arena = session.channel('arena/7');
    const seen: unknown[] = [];
    arena.on('STATE', (payload) => seen.push(payload));
    await Promise.all([arena.subscribe(), rest()]);
    cut(peer);
    await rest();
    expect(session.state).toBe('reconnecting');
    await world.clock.advance(250);
    const second = world.peers.find((other) => other !== peer)!;
    expect(second.of('subscribe')).toMatchObject([{ channel: 'arena/7' }]);
    second.event('arena/7', 'STATE', 1, { seq: 1, ts: 5 });
    await rest();
    expect(seen).toEqual([1]);
    expect(states).toEqual(['reconnecting', 'open']);
    expect(session.id).not.toBe('');
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
    cut(peer);
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
    expect(session.stats().bytesOut - before).toBeLessThan(10);
    await rest();
    expect(peer.of('event')).toHaveLength(2);
    expect(peer.of('event')[1]).toMatchObject({ channel: 'arena/7', type: 'INPUT', key: 'p1' });
  });

  test('measures the round trip', async () => {
    const [session, , world] = await over(rung);
    expect(session.stats().rtt).toBe(0);
    expect(session.stats().transport).toBe(rung);
    world.manners = {};
  });

  test('notices a gateway that has fallen silent', async () => {
    const [session, peer, world] = await over(rung);
    peer.manners.ping = false;
    await world.clock.advance(29_000);
    expect(session.state).toBe('open');
    await world.clock.advance(11_000);
    await world.clock.advance(3_000);
    expect(peer.closed?.code).toBe(CLOSE['idle-timeout']);
    expect(world.peers.length).toBeGreaterThan(1);
    expect(session.state).toBe('open');
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

describe('requests', () => {
  test('fail with the gateway’s code and details', async () => {
    const [session, peer] = await over('websocket');
    const failed = rejection(session.request('JOIN'));
    await rest();
    const { id } = peer.of('request')[0]!;
    peer.send({ kind: 'error', id, code: 'room-full', message: 'sorry', details: '{"max":8}' });
    expect(await failed).toMatchObject({ code: 'room-full', message: 'sorry', details: { max: 8 } });
  });

  test('time out, and an answer after that is nobody’s', async () => {
    const [session, peer, world] = await over('websocket');
    const failed = rejection(session.request('JOIN', 1, { timeout: 300 }));
    await world.clock.advance(300);
    expect((await failed).code).toBe('timeout');
    const { id } = peer.of('request')[0]!;
    peer.send({ kind: 'response', id, more: false, codec: 'bytes', payload: new Uint8Array(0) });
    await rest();
    expect(session.state).toBe('open');
  });

  test('can be aborted, and leave no listener on the signal', async () => {
    const [session, peer] = await over('websocket');
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    const failed = rejection(session.request('JOIN', 1, { signal }));
    expect(listeners).toBe(1);
    controller.abort('enough');
    expect(await failed).toMatchObject({ code: 'aborted', cause: 'enough' });
    expect(listeners).toBe(0);
    expect((await rejection(session.request('LATE', 1, { signal }))).code).toBe('aborted');
    await rest();
    expect(peer.of('request').map(({ type }) => type)).toEqual(['JOIN']);
  });

  test('in flight when the connection is lost fail with connection-lost', async () => {
    const [session, peer] = await over('websocket');
    const failed = rejection(session.request('JOIN'));
    await rest();
    cut(peer);
    expect((await failed).code).toBe('connection-lost');
  });

  test('made while reconnecting are sent and answered afterwards', async () => {
    const [session, peer, world] = await over('websocket');
    cut(peer);
    await rest();
    const reply = session.request('JOIN');
    await world.clock.advance(250);
    const [, second] = world.sockets;
    const { id } = second!.of('request')[0]!;
    second!.send({ kind: 'response', id, more: false, codec: 'bytes', payload: new Uint8Array([1]) });
    expect(await reply).toEqual(new Uint8Array([1]));
  });

  test('that timed out while reconnecting are not sent', async () => {
    const [session, peer, world] = await over('websocket');
    world.websocket = 'refuse';
    cut(peer);
    await rest();
    const failed = rejection(session.request('JOIN', 1, { timeout: 100 }));
    await world.clock.advance(100);
    expect((await failed).code).toBe('timeout');
    world.websocket = 'answer';
    await world.clock.advance(60_000);
    expect(world.sockets.at(-1)!.hello).toBeDefined();
    expect(world.sockets.at(-1)!.of('request')).toEqual([]);
  });

  test('whose payload cannot be written reject', async () => {
    const [session] = await over('websocket');
    await expect(session.request('JOIN', 1n)).rejects.toMatchObject({ code: 'bad-json' });
    await expect(session.request('JOIN', 'x', { codec: 'cbor' })).rejects.toBeInstanceOf(TypeError);
  });

  test('larger than the gateway takes fail without being sent', async () => {
    const [session, peer] = await over('websocket');
    const failed = rejection(session.request('JOIN', new Uint8Array(LIMITS.maxMessageBytes)));
    expect((await failed).code).toBe('message-too-large');
    await rest();
    expect(peer.of('request')).toEqual([]);
  });
});

describe('while there is no connection', () => {
  test('messages wait, in order, and go out on the next one', async () => {
    const [session, peer, world] = await over('websocket');
    cut(peer);
    await rest();
    const arena = session.channel('arena/7');
    expect(arena.publish('A', 1)).toBe(true);
    expect(arena.publish('B', 2, { delivery: 'unreliable' })).toBe(true);
    await world.clock.advance(250);
    expect(world.sockets[1]!.of('event').map(({ type }) => type)).toEqual(['A', 'B']);
  });

  test('past the bound the oldest unreliable message goes first, and reliable ones are refused last', async () => {
    const [session, peer, world] = await over('websocket', { maxQueuedBytes: 300 });
    const errors = record(session, 'error');
    cut(peer);
    await rest();
    const arena = session.channel('a');
    const payload = new Uint8Array(80);
    expect(arena.publish('OLD', payload, { delivery: 'unreliable' })).toBe(true);
    expect(arena.publish('R1', payload)).toBe(true);
    expect(arena.publish('NEW', payload, { delivery: 'unreliable' })).toBe(true);
    expect(arena.publish('R2', payload)).toBe(true);
    expect(session.stats().dropped).toEqual({ backlog: 1 });
    expect(arena.publish('R3', payload)).toBe(true);
    expect(session.stats().dropped).toEqual({ backlog: 2 });
    expect(arena.publish('R4', payload)).toBe(false);
    expect(errors).toMatchObject([{ code: 'queue-full', details: { channel: 'a', type: 'R4' } }]);
    expect(arena.publish('LATE', payload, { delivery: 'unreliable' })).toBe(false);
    expect(session.stats().dropped).toEqual({ backlog: 3 });
    expect((await rejection(session.request('Q', payload))).code).toBe('queue-full');
    await world.clock.advance(250);
    expect(world.sockets[1]!.of('event').map(({ type }) => type)).toEqual(['R1', 'R2', 'R3']);
  });
});

describe('reconnecting', () => {
  test('waits longer each time, up to the limit, and gives up after maxAttempts', async () => {
    const reconnect = { minDelay: 100, maxDelay: 400, maxAttempts: 4 };
    const [session, peer, world] = await over('websocket', { reconnect });
    world.random = () => 0.999;
    const closed = record(session, 'close');
    world.websocket = 'refuse';
    cut(peer);
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

  test('begins anew with short delays after a connection that held', async () => {
    const [, peer, world] = await over('websocket', { reconnect: { minDelay: 100, maxDelay: 100_000 } });
    world.random = () => 0.999;
    cut(peer);
    await world.clock.advance(100);
    expect(world.sockets).toHaveLength(2);
    cut(world.sockets[1]!);
    await world.clock.advance(199);
    expect(world.sockets).toHaveLength(2);
    await world.clock.advance(1);
    expect(world.sockets).toHaveLength(3);
    await world.clock.advance(10_000);
    cut(world.sockets[2]!);
    await world.clock.advance(100);
    expect(world.sockets).toHaveLength(4);
  });

  test('stops when the gateway refuses for good', async () => {
    const [session, peer, world] = await over('websocket');
    const closed = record(session, 'close');
    world.manners = { hello: false };
    cut(peer);
    await world.clock.advance(250);
    world.sockets[1]!.close(CLOSE.unauthorized, 'who are you');
    await rest();
    expect(closed).toMatchObject([{ code: CLOSE.unauthorized, reason: 'who are you' }]);
    expect(session.state).toBe('closed');
    expect(world.clock.pending).toBe(0);
  });

  test('goes on by what the gateway offered last while it cannot be asked', async () => {
    const [session, peer, world] = await over('webtransport');
    const { document } = world;
    world.document = new TypeError('Failed to fetch');
    world.webtransport = 'fail';
    cut(peer);
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
    cut(peer);
    await world.clock.advance(1_000);
    expect(session.state).toBe('reconnecting');
    world.document = document;
    await world.clock.advance(15_000);
    expect(session.state).toBe('open');
  });

  test('does not happen where it is switched off', async () => {
    const [session, peer, world] = await over('websocket', { reconnect: false });
    const closed = record(session, 'close');
    cut(peer);
    await rest();
    expect(session.state).toBe('closed');
    expect(closed).toMatchObject([{ name: 'transport-lost' }]);
    expect(world.clock.pending).toBe(0);
  });

  test('ends at once when the session is closed meanwhile', async () => {
    const [session, peer, world] = await over('websocket');
    cut(peer);
    await rest();
    await session.close();
    expect(world.clock.pending).toBe(0);
    await world.clock.advance(60_000);
    expect(world.sockets).toHaveLength(1);
  });
});

describe('switchTo', () => {
  test('moves to another transport: new session, subscriptions renewed, requests in flight failed', async () => {
    const world = new World();
    const session = await world.session();
    const transports = record(session, 'transport');
    const states = record(session, 'state');
    await Promise.all([session.channel('arena/7').subscribe(), rest()]);
    const failed = rejection(session.request('SLOW'));
    await Promise.all([session.switchTo(['websocket']), rest()]);
    expect(session.transport).toEqual({
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'disabled' }],
    });
    expect((await failed).code).toBe('connection-lost');
    expect(world.sockets[0]!.of('subscribe')).toMatchObject([{ channel: 'arena/7' }]);
    expect(session.id).toBe('ws-0');
    await world.clock.advance(100);
    expect(world.sessions[0]!.closed?.code).toBe(CLOSE.normal);
    expect(transports).toEqual([session.transport]);
    expect(states).toEqual(['open']);
  });

  test('keeps everything as it is when the other list does not work', async () => {
    const world = new World();
    const session = await world.session();
    world.websocket = 'refuse';
    await expect(session.switchTo(['websocket'])).rejects.toMatchObject({ code: 'unreachable' });
    expect(session.state).toBe('open');
    expect(session.transport.name).toBe('webtransport');
    await session.channel('a').subscribe();
  });

  test('holds for later reconnects', async () => {
    const world = new World();
    const session = await world.session();
    await session.switchTo(['websocket']);
    cut(world.sockets[0]!);
    await world.clock.advance(250);
    expect(world.sockets).toHaveLength(2);
    expect(world.sessions).toHaveLength(1);
    expect(session.transport.name).toBe('websocket');
  });

  test('of a session that is reconnecting dials at once', async () => {
    const world = new World();
    const session = await world.session();
    world.webtransport = 'silent';
    world.sessions[0]!.close(CLOSE['transport-lost']);
    await rest();
    expect(session.state).toBe('reconnecting');
    await session.switchTo(['websocket']);
    expect(session.state).toBe('open');
  });

  test('gives up a dial that is under way for the old list', async () => {
    const world = new World();
    const session = await world.session();
    world.webtransport = 'silent';
    world.websocket = 'silent';
    world.sessions[0]!.close(CLOSE['transport-lost']);
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
    world.sessions[0]!.close(CLOSE['transport-lost']);
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
    expect(session.id).toBe('wt-1');
  });

  test('is refused once the session is closed', async () => {
    const world = new World();
    const session = await world.session();
    const closing = session.close();
    await expect(session.switchTo(['websocket'])).rejects.toMatchObject({ code: 'closed' });
    await world.clock.advance(100);
    await closing;
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
    peer.send({ kind: 'subscribed', id, channel: 'a', epoch: 'e', seq: 100, recovered: false });
    await Promise.all([subscribed, rest()]);
    expect(session.stats().missing).toBe(0);
    peer.event('a', 'X', 1, { seq: 104, ts: 1 });
    await rest();
    expect(session.stats().missing).toBe(2);
    peer.event('a', 'X', 1, { seq: 103, ts: 1 });
    await rest();
    expect(session.stats().missing).toBe(1);
    cut(peer);
    await world.clock.advance(250);
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
    expect(after.datagramsIn - before.datagramsIn).toBe(1);
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
