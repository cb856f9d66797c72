import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { engineCompliance } from '../compliance/engine.ts';
import type { Engine, EngineOptions } from '../core/contracts/engine.ts';
import { type FailsServer, failsComponents, failsEngine } from './fails-components.ts';
import { clients, hasFailsAddon, importFails } from './test-client.ts';

const native = hasFailsAddon();
if (!native) {
  console.log(
    'fails-components: no native addon here, so its suite runs over the HTTP/2 server of its package',
  );
}

engineCompliance('fails-components', {
  load: async () => {
    if (native) return (await failsComponents()) as Engine;
    const { Http2Server } = await importFails();
    return failsEngine(Http2Server, 'HTTP/2');
  },
  client: clients['fails-components'],
  refusal: 'status',
});

type Callback = Parameters<FailsServer['setRequestCallback']>[0];

/** A server of the package that does nothing of its own. */
class IdleServer implements FailsServer {
  readonly ready = Promise.resolve();
  readonly closed = Promise.resolve();
  readonly options: object;
  callback: Callback | undefined;
  constructor(options: object) {
    this.options = options;
    servers.push(this);
  }
  async createTransportInt() {}
  startServer() {}
  stopServer() {}
  address() {
    return { port: 4433 };
  }
  setRequestCallback(callback: Callback) {
    this.callback = callback;
  }
  sessionStream() {
    return new ReadableStream();
  }
  onSessionRequest() {}
  onServerError() {}
}

let servers: IdleServer[] = [];

describe('fails-components, where the package has nobody to talk to,', () => {
  let directory: string;

  const listen = (options: Partial<EngineOptions> = {}) =>
    failsEngine(IdleServer, 'idle').listen({
      host: '127.0.0.1',
      port: 0,
      cert: join(directory, 'cert.pem'),
      key: join(directory, 'key.pem'),
      admit: () => undefined,
      session: () => {},
      abandon: () => {},
      failed: () => {},
      ...options,
    });

  const header = { ':authority': 'localhost:4433', ':path': '/wt' };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'spillway-fails-'));
    await writeFile(join(directory, 'cert.pem'), 'certificate');
    await writeFile(join(directory, 'key.pem'), 'key');
  });

  afterAll(async () => {
    await rm(directory, { recursive: true });
  });

  afterEach(() => {
    vi.useRealTimers();
    servers = [];
  });

  test('gives it PEM text, a secret of its own, and a socket that shares its port with nobody', async () => {
    await listen();
    await listen();
    expect(servers[0]?.options).toMatchObject({
      cert: await readFile(join(directory, 'cert.pem'), 'utf8'),
      privKey: 'key',
      secret: expect.stringMatching(/^[0-9a-f]{64}$/),
      quicheNodeSocketOptions: { reuseAddr: false },
    });
    expect(servers[0]?.options).not.toEqual(servers[1]?.options);
  });

  test('gives back the place of an admitted request that never becomes a session', async () => {
    vi.useFakeTimers();
    const abandon = vi.fn();
    await listen({ abandon });
    expect(await servers[0]?.callback?.({ header })).toMatchObject({ status: 200, header });
    vi.advanceTimersByTime(9_999);
    expect(abandon).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(abandon).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ path: '/wt' }));
  });

  test('gives back such places when it closes, and admits nothing more', async () => {
    const abandon = vi.fn();
    const admit = vi.fn(() => undefined);
    const server = await listen({ abandon, admit });
    await servers[0]?.callback?.({ header });
    await server.close();
    expect(abandon).toHaveBeenCalledOnce();
    expect(await servers[0]?.callback?.({ header })).toMatchObject({ status: 503 });
    expect(admit).toHaveBeenCalledOnce();
  });

  test('answers a refusal with its status and keeps no place', async () => {
    const abandon = vi.fn();
    const server = await listen({
      abandon,
      admit: () => ({ code: 4005, reason: 'origin-refused', status: 403 }),
    });
    expect(await servers[0]?.callback?.({ header })).toMatchObject({ status: 403 });
    await server.close();
    expect(abandon).not.toHaveBeenCalled();
  });

  test('tells when the socket fails later', async () => {
    const failed = vi.fn();
    await listen({ failed });
    const error = new Error('gone');
    (servers[0] as FailsServer).onServerError(error);
    expect(failed).toHaveBeenCalledExactlyOnceWith(error);
  });
});
