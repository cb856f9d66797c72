import { connect } from '@spillway/client';
import { afterEach, expect, test, vi } from 'vitest';
import { openHole } from '../hole.ts';
import { startTestGateway, type TestGateway } from './gateway.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

function keep<T extends AsyncDisposable>(resource: T): T {
  open.push(resource);
  return resource;
}

/** A storage of one's own, so that no test remembers for another. */
function fresh() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

async function silent(): Promise<{ running: TestGateway; close(): Promise<void> }> {
  const hole = keep(await openHole());
  const webtransport = `https://127.0.0.1:${hole.port}/wt`;
  const running = keep(await startTestGateway({ advertise: { webtransport } }));
  return { running, close: () => hole.close() };
}

test('UDP answered by nobody: WebSocket after its delay, then remembered', async () => {
  const { running } = await silent();
  const storage = fresh();
  const started = performance.now();
  const race = { webtransportTimeout: 900 };
  const session = keep(await connect(running.url, { storage, race }));
  const took = performance.now() - started;
  expect(session.transport).toEqual({
    name: 'websocket',
    reasons: [{ transport: 'webtransport', reason: 'udp-blocked' }],
  });
  expect(took).toBeGreaterThan(450);
  expect(took).toBeLessThan(900);
  expect(running.gateway.stats().sessions.reasons).toEqual({ 'webtransport:udp-blocked': 1 });
  await new Promise((resolve) => session.on('transport', resolve));
  const again = performance.now();
  const second = keep(await connect(running.url, { storage }));
  expect(second.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'remembered' }]);
  expect(performance.now() - again).toBeLessThan(450);
});

test('a certificate other than the expected one: WebSocket at once', async () => {
  const running = keep(await startTestGateway());
  const certificateHashes = [new Uint8Array(32)];
  const session = keep(await connect(running.url, { storage: fresh(), certificateHashes }));
  expect(session.transport).toEqual({
    name: 'websocket',
    reasons: [{ transport: 'webtransport', reason: 'certificate' }],
  });
});

test('a gateway without an engine: disabled', async () => {
  const running = keep(await startTestGateway({ engine: 'none' }));
  const session = keep(await connect(running.url, { storage: fresh() }));
  expect(session.transport.reasons).toEqual([{ transport: 'webtransport', reason: 'disabled' }]);
});

test('nobody there: unreachable', async () => {
  const running = await startTestGateway({ engine: 'none' });
  await running.gateway.close();
  await expect(connect(running.url)).rejects.toMatchObject({ name: 'ConnectError', code: 'unreachable' });
});

test.each(['webtransport', 'websocket'] as const)(
  'a session over %s comes back after the gateway did, on the same transport',
  async (rung) => {
    const first = await startTestGateway();
    const port = (url: string | undefined) => Number(new URL(url!).port);
    const { http, https } = first.gateway.address();
    const session = keep(
      await connect(first.url, { transports: [rung], reconnect: { maxDelay: 300 }, storage: fresh() }),
    );
    const room = session.channel<{ X: number }>('echo/room');
    const seen: number[] = [];
    room.on('X', (x) => seen.push(x));
    await room.subscribe();
    const { id } = session;
    const pending = session.request('NEVER').catch((error: { code: string }) => error.code);
    await first.gateway.close();
    await vi.waitFor(() => expect(session.state).toBe('reconnecting'));
    expect(room.publish('X', 1)).toBe(true);
    keep(await startTestGateway({ port: port(https), http: { port: port(http) } }));
    await vi.waitFor(() => expect(session.state).toBe('open'), { timeout: 15_000 });
    // Another gateway knows nothing of the session.
    expect(session.id).not.toBe(id);
    expect(await pending).toBe('connection-lost');
    expect(session.transport.name).toBe(rung);
    await room.subscribe();
    room.publish('X', 2);
    await vi.waitFor(() => expect(seen).toContain(2));
  },
);
