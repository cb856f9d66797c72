import { describe, expect, test } from 'vitest';
import { rest } from './testing/test-clock.ts';
import { record } from './testing/test-over.ts';
import { ALL_FOUR, World } from './testing/test-world.ts';

/** A gateway that offers all four, and a platform without WebTransport. */
function world(settings: Partial<World> = {}): World {
  return Object.assign(new World(), { document: ALL_FOUR, webtransport: 'missing' }, settings);
}

const NO_API = { transport: 'webtransport', reason: 'no-api' };
const NO_ANSWER = { transport: 'websocket', reason: 'handshake-failed' };

describe('the ladder', () => {
  test('the event stream is tried after 3 s without an answer, the long poll after 6 s', async () => {
    const silent = world({ websocket: 'silent' });
    const connecting = silent.connect();
    await silent.clock.advance(2_999);
    expect(silent.streams).toHaveLength(0);
    await silent.clock.advance(1);
    expect((await connecting).transport).toEqual({ name: 'sse', reasons: [NO_API, NO_ANSWER] });

    const deaf = world({ websocket: 'silent', cut: (path) => path === '/sse' });
    const second = deaf.connect();
    await deaf.clock.advance(5_999);
    expect(deaf.streams).toHaveLength(0);
    await deaf.clock.advance(1);
    const reasons = [NO_API, NO_ANSWER, { transport: 'sse', reason: 'handshake-failed' }];
    expect((await second).transport).toEqual({ name: 'longpoll', reasons });
  });

  test('either is tried at once when every one before has failed', async () => {
    const refusing = world({ websocket: 'refuse' });
    const session = refusing.connect();
    await rest();
    expect((await session).transport.name).toBe('sse');
    const without = world({ websocket: 'refuse', cut: (path) => path === '/sse' });
    const second = without.connect();
    await rest();
    expect((await second).transport.name).toBe('longpoll');
  });

  test('delays are options, and count from the beginning', async () => {
    const slow = world({ websocket: 'silent' });
    slow.document = new Promise((resolve) => slow.clock.after(400, () => resolve(ALL_FOUR)));
    const connecting = slow.connect({ race: { sseDelay: 1_000 } });
    await slow.clock.advance(1_000);
    expect((await connecting).transport.name).toBe('sse');
  });

  test('one that is not offered, or not allowed, is disabled', async () => {
    const { sse: _, ...transports } = ALL_FOUR.transports;
    const fewer = world({ document: { ...ALL_FOUR, transports } });
    const connecting = fewer.connect({ transports: ['sse', 'longpoll'] });
    await rest();
    expect((await connecting).transport).toEqual({
      name: 'longpoll',
      reasons: ['webtransport', 'websocket', 'sse'].map((transport) => ({ transport, reason: 'disabled' })),
    });
  });

  test('nobody answers: unreachable, with the reasons of all four', async () => {
    const dead = world({ websocket: 'refuse', http: 'refuse' });
    const error = await dead.connect().catch((error) => error);
    expect(error).toMatchObject({ name: 'ConnectError', code: 'unreachable' });
    expect(error.reasons).toHaveLength(4);
    expect(dead.clock.pending).toBe(0);
  });

  test('a session that is lost on the event stream tries it at once with WebSocket, not 3 s later', async () => {
    const silent = world({ websocket: 'silent' });
    const connecting = silent.connect();
    await silent.clock.advance(3_000);
    const session = await connecting;
    await silent.clock.advance(5_000);
    silent.streams[0]!.cut();
    await silent.clock.advance(0);
    expect(session.state).toBe('open');
    expect(session.transport.name).toBe('sse');
    expect(session.stats().resumes).toBe(1);
    expect(silent.sockets).toHaveLength(2);
  });

  test('a WebSocket that opens after the event stream took over is climbed to at once', async () => {
    const late = world({ websocket: 'silent' });
    const connecting = late.connect();
    await late.clock.advance(3_000);
    const session = await connecting;
    late.websocket = 'answer';
    late.fakeSockets[0]!.open('spillway.v1');
    await late.clock.advance(0);
    expect(session.transport).toEqual({ name: 'websocket', reasons: [NO_API] });
    expect(session.stats().resumes).toBe(1);
    expect(late.gateway.sessions).toHaveLength(1);
  });

  test('from the long poll it climbs after probeInterval, to the best that works', async () => {
    const low = world({ websocket: 'refuse', cut: (path) => path === '/sse' });
    const connecting = low.connect({ race: { probeInterval: 60_000 } });
    await rest();
    const session = await connecting;
    const transports = record(session, 'transport');
    low.cut = undefined;
    await low.clock.advance(60_000);
    expect(session.transport.name).toBe('sse');
    low.websocket = 'answer';
    await low.clock.advance(60_000);
    expect(session.transport).toEqual({ name: 'websocket', reasons: [NO_API] });
    expect(transports).toHaveLength(2);
    expect(session.state).toBe('open');
  });

  test('a climb that leaves one out does not forget why it is not used', async () => {
    const low = world({ webtransport: 'answer', websocket: 'refuse', userAgent: 'Firefox/140.0' });
    const connecting = low.connect({ race: { probeInterval: 60_000 } });
    await rest();
    const session = await connecting;
    low.websocket = 'answer';
    await low.clock.advance(60_000);
    const reasons = [{ transport: 'webtransport', reason: 'quirk' }];
    expect(session.transport).toEqual({ name: 'websocket', reasons });
  });

  test('a page that Chromium holds back from WebTransport climbs to WebSocket all the same', async () => {
    const held = world({ webtransport: 'fail', websocket: 'refuse' });
    const connecting = held.connect({ race: { probeInterval: 10_000 } });
    await rest();
    const session = await connecting;
    expect(session.transport.name).toBe('sse');
    for (let failure = 0; failure < 12; failure++) held.throttle.failed(held.clock.now());
    held.websocket = 'answer';
    await held.clock.advance(10_000);
    expect(session.transport.name).toBe('websocket');
    expect(held.sessions).toHaveLength(1);
  });

  test('of several that open while one has said HELLO to resume, each has its turn', async () => {
    const two = world({ websocket: 'silent' });
    const connecting = two.connect();
    await two.clock.advance(3_000);
    const session = await connecting;
    await two.clock.advance(2_000);
    two.manners = { hello: false };
    two.websocket = 'answer';
    two.streams[0]!.cut();
    await two.clock.advance(0);
    // WebSocket is asked first and does not answer; a second later the event stream has its turn.
    expect([two.sockets[1]!.of('hello'), two.streams[1]!.of('hello')].map(({ length }) => length)).toEqual([
      1, 0,
    ]);
    two.streams[1]!.manners.hello = true;
    await two.clock.advance(1_000);
    expect(session.transport.name).toBe('sse');
    expect(session.stats().resumes).toBe(1);
  });
});
