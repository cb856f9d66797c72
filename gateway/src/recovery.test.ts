import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { connect, type Session } from '@spillway/client';
import { afterEach, expect, test, vi } from 'vitest';
import { createGateway, type Gateway } from './gateway.ts';

// What a client misses whose connection is cut, through a real gateway and a real client.

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** A network path that can be cut, and stays cut until it is mended. */
class Path implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = dial(this.#port, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  });
  readonly #port: number;
  #isCut = false;

  private constructor(port: number) {
    this.#port = port;
  }

  static async to(port: number): Promise<Path> {
    const path = new Path(port);
    await new Promise<void>((resolve) => path.#server.listen(0, '127.0.0.1', resolve));
    return path;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function setUp(): Promise<{ gateway: Gateway; session: Session; path: Path; heard: unknown[] }> {
  const gateway = createGateway({
    port: 0,
    http: { port: 0 },
    engine: 'none',
    logger: false,
    limits: { retainBudget: 2_000 },
  });
  open.push(gateway);
  gateway.channel('kept', { history: { size: 50, ttl: 60_000 } }).channel('plain');
  gateway.channel('room', { presence: { grace: 0 } });
  const { http } = await gateway.listen();
  const path = await Path.to(Number(new URL(http!).port));
  open.push(path);
  const options = { transports: ['websocket'], reconnect: { minDelay: 1, maxDelay: 50 } } as const;
  const session = await connect(path.url, options);
  open.push(session);
  const heard: unknown[] = [];
  for (const name of ['kept', 'plain']) {
    session.channel<{ N: number }>(name).on('N', (n) => heard.push(n));
    await session.channel(name).subscribe();
  }
  session.on('gap', ({ from, to }) => heard.push(`gap ${from}-${to}`));
  return { gateway, session, path, heard };
}

/** The path is cut until all of that is done. */
async function away(gateway: Gateway, path: Path, work: () => void): Promise<void> {
  path.cut();
  await vi.waitFor(() => expect(gateway.stats().sessions.detached).toBe(1));
  work();
  path.mend();
  await vi.waitFor(() => expect(gateway.stats().sessions).toMatchObject({ detached: 0, resumed: 1 }));
}

const TEXT = 'x'.repeat(100);

test('history fills what was too much to keep for a client that was away, before what is live', async () => {
  const { gateway, path, heard } = await setUp();
  gateway.publish('kept', 'N', 1);
  await vi.waitFor(() => expect(heard).toEqual([1]));
  await away(gateway, path, () => {
    for (let n = 2; n <= 40; n++) gateway.publish('kept', 'N', n, { key: TEXT });
  });
  gateway.publish('kept', 'N', 41);
  await vi.waitFor(() => expect(heard.at(-1)).toBe(41));
  expect(heard).toEqual(Array.from({ length: 41 }, (_, index) => index + 1));
});

test('what history has no more is named, and only that', async () => {
  const { gateway, path, heard } = await setUp();
  await away(gateway, path, () => {
    for (let n = 1; n <= 100; n++) gateway.publish('kept', 'N', n, { key: TEXT });
  });
  await vi.waitFor(() => expect(heard.at(-1)).toBe(100));
  const [kept, gap] = [heard.filter(Number), heard.filter((one) => !Number(one)) as string[]];
  const [, from, to] = /^gap (\d+)-(\d+)$/.exec(gap.join())!.map(Number);
  const all = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(to).toBe(50);
  expect(kept).toEqual(all.filter((n) => n < from! || n > to!));
  expect(from).toBeGreaterThan(1);
});

test('without history a gap is a gap', async () => {
  const { gateway, path, heard } = await setUp();
  await away(gateway, path, () => {
    for (let n = 1; n <= 40; n++) gateway.publish('plain', 'N', n, { key: TEXT });
  });
  await vi.waitFor(() => expect(heard.at(-1)).toMatch(/^gap \d+-40$/));
});

test('a watcher that was away knows who is there, however much happened', async () => {
  const { gateway, session, path } = await setUp();
  const { presence } = session.channel('room');
  await presence.watch();
  const others = await Promise.all(
    Array.from({ length: 30 }, () => connect(gateway.address().http!, { transports: ['websocket'] })),
  );
  open.push(...others);
  path.cut();
  await vi.waitFor(() => expect(gateway.stats().sessions.detached).toBe(1));
  for (const other of others) {
    await other.channel('room').subscribe();
    await other.channel('room').presence.update(TEXT);
  }
  path.mend();
  await vi.waitFor(() => expect(presence.members.size).toBe(30));
  expect([...presence.members.values()].every(({ state }) => state === TEXT)).toBe(true);
});
