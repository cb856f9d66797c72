import { CLOSE } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { ConnectError } from './errors.ts';
import { rest } from './testing/test-clock.ts';
import { ORIGIN, World } from './testing/test-world.ts';

const HASH = new Uint8Array(32).fill(7);
const OTHER_HASH = new Uint8Array(32).fill(8);

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** A document of a gateway with a development certificate. */
function developmentDocument() {
  return {
    protocol: 1,
    transports: { webtransport: `${ORIGIN}:4433/wt`, websocket: 'wss://gateway.example/ws' },
    certificateHashes: [{ algorithm: 'sha-256', value: base64(HASH) }],
  };
}

async function failure(connecting: Promise<unknown>): Promise<ConnectError> {
  const error = await connecting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

describe('the race', () => {
  test('WebTransport carries the session when it answers, and WebSocket is not even tried', async () => {
    const world = new World();
    const session = await world.session();
    expect(session.transport).toEqual({ name: 'webtransport', reasons: [] });
    expect(session.id).toBe('wt-0');
    expect(session.state).toBe('open');
    await world.clock.advance(5_000);
    expect(world.sockets).toHaveLength(0);
  });

  test('WebSocket starts after its delay when WebTransport is silent, and says so', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const connecting = world.connect();
    await world.clock.advance(499);
    expect(world.sockets).toHaveLength(0);
    await world.clock.advance(1);
    const session = await connecting;
    expect(session.transport).toEqual({
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'udp-blocked' }],
    });
    expect(world.sockets[0]!.hello!.reasons).toEqual([{ transport: 'webtransport', reason: 'udp-blocked' }]);
  });

  test('WebSocket starts at once when WebTransport fails', async () => {
    const world = new World();
    world.webtransport = 'fail';
    const connecting = world.connect();
    await rest();
    const session = await connecting;
    expect(session.transport).toEqual({
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'handshake-failed' }],
    });
  });

  test('the head start counts from the call, less what negotiation took', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const document = world.document;
    world.document = new Promise((resolve) => world.clock.after(100, () => resolve(document)));
    const connecting = world.connect();
    await world.clock.advance(499);
    expect(world.sockets).toHaveLength(0);
    await world.clock.advance(1);
    await connecting;
  });

  test('on a long way WebTransport keeps a head start as long as negotiation took', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const document = world.document;
    world.document = new Promise((resolve) => world.clock.after(400, () => resolve(document)));
    const connecting = world.connect();
    await world.clock.advance(799);
    expect(world.sockets).toHaveLength(0);
    await world.clock.advance(1);
    await connecting;
  });

  test('a WebSocket that is still on its way when WebTransport wins is closed with code normal', async () => {
    const world = new World();
    world.webtransport = 'silent';
    world.websocket = 'silent';
    const connecting = world.connect();
    await world.clock.advance(600);
    world.fakeSessions[0]!.open();
    await rest();
    const session = await connecting;
    expect(session.transport.name).toBe('webtransport');
    expect(world.sockets[0]!.closed?.code).toBe(CLOSE.normal);
  });

  test('a WebSocket that waits for WELCOME when WebTransport wins is closed as well', async () => {
    const world = new World();
    world.webtransport = 'silent';
    world.manners = { hello: false };
    const connecting = world.connect();
    await world.clock.advance(600);
    expect(world.sockets[0]!.hello).toBeDefined();
    world.sessions[0]!.manners.hello = true;
    world.fakeSessions[0]!.open();
    await rest();
    expect((await connecting).transport.name).toBe('webtransport');
    expect(world.sockets[0]!.closed?.code).toBe(CLOSE.normal);
  });

  test('after the race is won no timer is left but the ping', async () => {
    const world = new World();
    await world.session();
    await world.clock.advance(0);
    expect(world.clock.pending).toBe(1);
  });

  test('WebTransport is tried last when it is all there is left', async () => {
    const world = new World();
    world.webtransport = 'fail';
    await (await world.session()).close();
    world.webtransport = 'answer';
    world.websocket = 'refuse';
    const session = await world.session();
    expect(session.transport.name).toBe('webtransport');
  });
});

describe('what is learnt after WebSocket has won', () => {
  test('silence until the timeout is udp-blocked, and remembered', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const session = await world.session();
    expect(world.sessions[0]!.closed).toBeUndefined();
    await world.clock.advance(3_500);
    expect(world.sessions[0]!.closed?.code).toBe(CLOSE.normal);
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'udp-blocked' }]);
    const next = await world.session();
    expect(next.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'remembered' }]);
    expect(world.sessions).toHaveLength(1);
  });

  test('a late failure of the handshake corrects the reason, with an event', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const session = await world.session();
    const seen: unknown[] = [];
    session.on('transport', (transport) => seen.push(transport));
    await world.clock.advance(300);
    world.fakeSessions[0]!.fail(new Error('Opening handshake failed.'));
    await rest();
    const transport = {
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'handshake-failed' }],
    };
    expect(seen).toEqual([transport]);
    expect(session.transport).toEqual(transport);
  });

  test('a failure long after the start is silence that the platform gave up on', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const session = await world.session({ race: { webtransportTimeout: 20_000 } });
    await world.clock.advance(9_000);
    world.fakeSessions[0]!.fail(new Error('net::ERR_QUIC_PROTOCOL_ERROR'));
    await rest();
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'udp-blocked' }]);
  });

  test('a late answer is stalled, closed without HELLO and not remembered', async () => {
    const world = new World();
    world.webtransport = 'silent';
    world.manners = { resume: false };
    const session = await world.session();
    await world.clock.advance(1_000);
    world.fakeSessions[0]!.open();
    await world.clock.advance(100);
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'stalled' }]);
    expect(world.sessions[0]!.closed?.code).toBe(CLOSE.normal);
    expect(world.sessions[0]!.hello).toBeUndefined();
    world.webtransport = 'answer';
    expect((await world.session()).transport.name).toBe('webtransport');
  });

  test('closing the session ends the search', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const session = await world.session();
    await session.close();
    expect(world.sessions[0]!.closed?.code).toBe(CLOSE.normal);
    await rest();
    expect(world.clock.pending).toBe(0);
  });
});

describe('reasons against WebTransport', () => {
  test('no-api: the platform has none', async () => {
    const world = new World();
    world.webtransport = 'missing';
    const session = await world.session();
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'no-api' }]);
    expect(world.sockets).toHaveLength(1);
  });

  test('disabled: not in the allow-list', async () => {
    const world = new World();
    const session = await world.session({ transports: ['websocket'] });
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'disabled' }]);
    expect(world.sessions).toHaveLength(0);
  });

  test('disabled: not offered by the gateway', async () => {
    const world = new World();
    world.document = { protocol: 1, transports: { websocket: 'wss://gateway.example/ws' } };
    const session = await world.session();
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'disabled' }]);
  });

  test('quirk: an engine where it does not hold, unless the caller insists', async () => {
    const world = new World();
    world.userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
    const session = await world.session();
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'quirk' }]);
    expect((await world.session({ quirks: false })).transport.name).toBe('webtransport');
  });

  test('refused: the gateway closed it with a code', async () => {
    const world = new World();
    world.manners = { hello: false };
    const connecting = world.connect();
    await rest();
    world.manners = {};
    world.sessions[0]!.close(CLOSE.forbidden, 'not here');
    await rest();
    expect((await connecting).transport.reasons).toEqual([{ transport: 'webtransport', reason: 'refused' }]);
  });

  test('certificate: none of the published hashes is among those that the caller accepts', async () => {
    const world = new World();
    world.document = developmentDocument();
    world.webtransport = 'fail';
    const session = await world.session({ certificateHashes: [base64(OTHER_HASH)] });
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'certificate' }]);
  });

  test('certificate: a development certificate and no hash that could be used', async () => {
    const world = new World();
    world.document = developmentDocument();
    world.webtransport = 'fail';
    const session = await world.session({ certificateHashes: [] });
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'certificate' }]);
  });

  test('certificate: the engine says so', async () => {
    const world = new World();
    world.webtransport = 'fail-tls';
    const session = await world.session();
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'certificate' }]);
  });

  test('handshake-failed: the certificate was right', async () => {
    const world = new World();
    world.document = developmentDocument();
    world.webtransport = 'fail';
    const session = await world.session();
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'handshake-failed' }]);
  });

  test('throttled: so many failures on this page that Chromium holds the next back', async () => {
    const world = new World();
    world.webtransport = 'silent';
    for (let failure = 0; failure < 12; failure++) world.throttle.failed(world.clock.now());
    const session = await world.session();
    await world.clock.advance(4_000);
    expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'throttled' }]);
  });
});

describe('what is remembered', () => {
  async function blocked(world: World): Promise<void> {
    world.webtransport = 'fail';
    await (await world.session()).close();
    world.webtransport = 'answer';
  }

  test('for ten minutes WebSocket is taken at once', async () => {
    const world = new World();
    await blocked(world);
    await world.clock.advance(599_000);
    const connecting = world.connect();
    await rest();
    expect((await connecting).transport).toEqual({
      name: 'websocket',
      reasons: [{ transport: 'webtransport', reason: 'remembered' }],
    });
  });

  test('after ten minutes WebTransport is tried again', async () => {
    const world = new World();
    await blocked(world);
    await world.clock.advance(600_000);
    expect((await world.session()).transport.name).toBe('webtransport');
  });

  test('another certificate makes it void', async () => {
    const world = new World();
    await blocked(world);
    world.document = developmentDocument();
    expect((await world.session()).transport.name).toBe('webtransport');
  });

  test('rememberFor 0 remembers nothing', async () => {
    const world = new World();
    await blocked(world);
    expect((await world.session({ race: { rememberFor: 0 } })).transport.name).toBe('webtransport');
  });

  test('a caller with its own storage has its own memory', async () => {
    const world = new World();
    await blocked(world);
    const items = new Map<string, string>();
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
    };
    expect((await world.session({ storage })).transport.name).toBe('webtransport');
  });

  test('a network without any way out is held against nobody', async () => {
    const world = new World();
    world.webtransport = 'fail';
    world.websocket = 'refuse';
    await failure(world.session());
    world.webtransport = 'answer';
    expect((await world.session()).transport.name).toBe('webtransport');
  });
});

describe('negotiation', () => {
  test('asks the gateway and follows its document, hashes included', async () => {
    const world = new World();
    world.document = developmentDocument();
    await world.session();
    expect(world.fetched).toEqual([`${ORIGIN}/.well-known/spillway`]);
    expect(world.sessions[0]!.url).toBe(`${ORIGIN}:4433/wt`);
    expect(world.fakeSessions[0]!.options).toEqual({
      serverCertificateHashes: [{ algorithm: 'sha-256', value: HASH }],
    });
  });

  test('the caller’s hashes come before the document’s', async () => {
    const world = new World();
    world.document = developmentDocument();
    await world.session({ certificateHashes: [OTHER_HASH] });
    expect(world.fakeSessions[0]!.options.serverCertificateHashes).toEqual([
      { algorithm: 'sha-256', value: OTHER_HASH },
    ]);
  });

  test.each([
    ['nothing', undefined],
    ['an error', new TypeError('Failed to fetch')],
    ['a page', '<html>'],
    ['null', null],
    ['a document without transports', { protocol: 1 }],
  ])('with %s instead of a document the usual paths are used', async (_, document) => {
    const world = new World();
    world.document = document;
    await world.session();
    expect(world.sessions[0]!.url).toBe(`${ORIGIN}/wt`);
    expect(world.fakeSessions[0]!.options).toEqual({});
  });

  test('without an answer the usual paths are used after two seconds', async () => {
    const world = new World();
    world.document = new Promise(() => {});
    world.webtransport = 'missing';
    const connecting = world.connect();
    await world.clock.advance(1_999);
    expect(world.sockets).toHaveLength(0);
    await world.clock.advance(1);
    await connecting;
    expect(world.sockets[0]!.url).toBe('wss://gateway.example/ws');
  });

  test('a gateway that offers nothing is final', async () => {
    const world = new World();
    world.document = { transports: {} };
    const error = await failure(world.session());
    expect(error.code).toBe('no-transport');
    expect(error.final).toBe(true);
  });

  test('hashes of an algorithm that is not known are passed over', async () => {
    const world = new World();
    const { certificateHashes } = developmentDocument();
    const other = { algorithm: 'sha-512', value: 'AAAA' };
    world.document = { ...developmentDocument(), certificateHashes: [other, ...certificateHashes] };
    await world.session();
    expect(world.fakeSessions[0]!.options.serverCertificateHashes).toEqual([
      { algorithm: 'sha-256', value: HASH },
    ]);
  });

  test('a document with a broken hash is no document', async () => {
    const world = new World();
    world.document = { ...developmentDocument(), certificateHashes: [{ algorithm: 'sha-256', value: '!' }] };
    await world.session();
    expect(world.sessions[0]!.url).toBe(`${ORIGIN}/wt`);
  });
});

describe('failing to connect', () => {
  test('unreachable: nobody answers, with the reasons of all', async () => {
    const world = new World();
    world.webtransport = 'fail';
    world.websocket = 'refuse';
    const error = await failure(world.session());
    expect(error.code).toBe('unreachable');
    expect(error.final).toBe(false);
    expect(error.reasons).toEqual([
      { transport: 'webtransport', reason: 'handshake-failed' },
      { transport: 'websocket', reason: 'handshake-failed' },
      { transport: 'sse', reason: 'disabled' },
      { transport: 'longpoll', reason: 'disabled' },
    ]);
  });

  test('a URL that the platform forbids fails like any other handshake', async () => {
    const world = new World();
    world.webtransport = 'missing';
    world.websocket = 'forbid';
    const error = await failure(world.session());
    expect(error.code).toBe('unreachable');
    expect((error.cause as DOMException).name).toBe('SecurityError');
  });

  test('timeout: connectTimeout, whatever is under way', async () => {
    const world = new World();
    world.webtransport = 'silent';
    world.websocket = 'silent';
    const connecting = world.connect({ connectTimeout: 6_000 });
    const failed = failure(connecting);
    await world.clock.advance(6_000);
    const error = await failed;
    expect(error.code).toBe('timeout');
    expect(error.reasons.slice(0, 2)).toEqual([
      { transport: 'webtransport', reason: 'udp-blocked' },
      { transport: 'websocket', reason: 'handshake-failed' },
    ]);
    expect(world.sockets[0]!.closed).toBeDefined();
    await rest();
    expect(world.clock.pending).toBe(0);
  });

  test('unauthorized ends the race at once, with what the gateway said', async () => {
    const world = new World();
    world.manners = { hello: false };
    const failed = failure(world.connect());
    await rest();
    const [peer] = world.sessions;
    peer!.send({ kind: 'error', code: 'token-expired', message: 'that token was good once' });
    await rest();
    peer!.close(CLOSE.unauthorized);
    const error = await failed;
    expect(error.code).toBe('unauthorized');
    expect(error.final).toBe(true);
    expect(error.message).toBe('that token was good once');
    expect(error.cause).toMatchObject({ code: 'token-expired' });
    expect(world.sockets).toHaveLength(0);
  });

  test('origin-refused on WebTransport is told even though WebSocket cannot say why', async () => {
    const world = new World();
    world.manners = { hello: false };
    world.websocket = 'refuse';
    const failed = failure(world.connect());
    await rest();
    world.sessions[0]!.close(CLOSE['origin-refused'], 'origin');
    expect((await failed).code).toBe('origin-refused');
  });

  test('no-transport: nothing of what is allowed exists', async () => {
    const error = await failure(new World().session({ transports: ['sse'] }));
    expect(error.code).toBe('no-transport');
    expect(error.reasons).toEqual([
      { transport: 'webtransport', reason: 'disabled' },
      { transport: 'websocket', reason: 'disabled' },
      { transport: 'sse', reason: 'disabled' },
      { transport: 'longpoll', reason: 'disabled' },
    ]);
  });

  test('a gateway that answers with something else than WELCOME is a protocol error', async () => {
    const world = new World();
    world.manners = { hello: false };
    const failed = failure(world.connect({ transports: ['webtransport'] }));
    await rest();
    world.sessions[0]!.send({ kind: 'drain', within: 5 });
    const error = await failed;
    expect(error.code).toBe('protocol-error');
    expect(error.final).toBe(true);
    await world.clock.advance(100);
    expect(world.sessions[0]!.closed?.code).toBe(CLOSE['protocol-error']);
  });

  test('a server that chooses another subprotocol is not a gateway', async () => {
    const world = new World();
    world.webtransport = 'missing';
    world.subprotocol = 'mqtt';
    expect((await failure(world.session())).code).toBe('protocol-error');
  });

  test('a URL that is none is a TypeError', async () => {
    const { environment } = new World();
    const { connectWith } = await import('./connect.ts');
    await expect(connectWith(environment, 'nonsense', {})).rejects.toBeInstanceOf(TypeError);
    await expect(connectWith(environment, 'ftp://host', {})).rejects.toBeInstanceOf(TypeError);
  });

  test('a certificate hash that is none is a TypeError', async () => {
    await expect(new World().connect({ certificateHashes: ['AAAA'] })).rejects.toBeInstanceOf(TypeError);
  });
});

describe('the token', () => {
  test('goes into HELLO, from a function for each attempt', async () => {
    const world = new World();
    let count = 0;
    const session = await world.session({ token: async () => `token-${++count}` });
    expect(world.sessions[0]!.hello!.token).toBe('token-1');
    world.sessions[0]!.close(CLOSE['going-away']);
    await world.clock.advance(1_000);
    expect(session.state).toBe('open');
    expect(world.sessions[1]!.hello!.token).toBe('token-2');
  });

  test('token-failed: the function throws', async () => {
    const world = new World();
    const cause = new Error('no token today');
    const error = await failure(world.session({ token: () => Promise.reject(cause) }));
    expect(error.code).toBe('token-failed');
    expect(error.cause).toBe(cause);
    await rest();
    expect(world.clock.pending).toBe(0);
  });

  test('token-failed: it is too long for any', async () => {
    const world = new World();
    const error = await failure(world.session({ token: 'x'.repeat(9_000) }));
    expect(error.code).toBe('token-failed');
    expect(error.cause).toMatchObject({ code: 'bad-value' });
    expect(world.peers).toEqual([]);
  });
});

describe('an AbortSignal', () => {
  test('ends the attempt, with its reason', async () => {
    const world = new World();
    world.webtransport = 'silent';
    const controller = new AbortController();
    const failed = failure(world.connect({ signal: controller.signal }));
    await world.clock.advance(100);
    controller.abort('changed my mind');
    const error = await failed;
    expect(error.code).toBe('aborted');
    expect(error.cause).toBe('changed my mind');
    await rest();
    expect(world.sessions[0]!.closed).toBeDefined();
    expect(world.clock.pending).toBe(0);
  });

  test('that is aborted already keeps anything from starting', async () => {
    const world = new World();
    const error = await failure(world.connect({ signal: AbortSignal.abort() }));
    expect(error.code).toBe('aborted');
    expect(world.fetched).toHaveLength(0);
  });

  test('has no listener left after the session, however that ended', async () => {
    const { signal } = new AbortController();
    const signalled = new Set<unknown>();
    signal.addEventListener = (...args: unknown[]) => void signalled.add(args.join());
    signal.removeEventListener = (...args: unknown[]) => void signalled.delete(args.join());
    const world = new World();
    const session = await world.session({ signal });
    expect(signalled.size).toBe(1);
    world.sessions[0]!.close(CLOSE.forbidden);
    await rest();
    expect(session.state).toBe('closed');
    expect(signalled.size).toBe(0);
    world.websocket = 'refuse';
    world.webtransport = 'fail';
    await failure(world.session({ signal }));
    expect(signalled.size).toBe(0);
  });

  test('closes an open session', async () => {
    const world = new World();
    const controller = new AbortController();
    const session = await world.session({ signal: controller.signal });
    controller.abort();
    await world.clock.advance(100);
    expect(session.state).toBe('closed');
    expect(world.sessions[0]!.closed?.code).toBe(CLOSE.normal);
  });
});
