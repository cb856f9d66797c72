import { connect, type Session, type TokenFunction } from '@spillway/client';
import { afterEach, expect, test, vi } from 'vitest';
import { unauthorized } from './core/token-fault.ts';
import { createGateway, type Gateway } from './gateway.ts';

const open: (Session | Gateway)[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A gateway whose tokens say whose they are and when they end. */
async function start(): Promise<Gateway> {
  const gateway = createGateway({
    port: 0,
    http: { port: 0 },
    engine: 'none',
    logger: false,
    authenticate: (token) => {
      const [id = '', expiresAt] = (token ?? '').split(' ');
      if (id === '') throw unauthorized('malformed');
      return { id, expiresAt: Number(expiresAt) };
    },
  });
  open.push(gateway);
  gateway.channel('news', { history: { size: 1_000, ttl: 60_000 } });
  await gateway.listen();
  return gateway;
}

/** Ada's, that lasts so many ms. */
const token = (ms: number): string => `ada ${Date.now() + ms}`;

async function join(gateway: Gateway, given: string | TokenFunction): Promise<Session> {
  const session = await connect(gateway.address().http!, {
    transports: ['websocket'],
    reconnect: { minDelay: 1, maxDelay: 20 },
    token: given,
  });
  open.push(session);
  return session;
}

test('a session lives through its tokens on one connection, and loses nothing', async () => {
  const gateway = await start();
  const reasons: string[] = [];
  const session = await join(gateway, ({ reason }) => {
    reasons.push(reason);
    return token(1_000);
  });
  const states: string[] = [];
  const errors: unknown[] = [];
  session.on('state', (state) => states.push(state));
  session.on('error', (error) => errors.push(error));
  const news = session.channel('news');
  const heard: unknown[] = [];
  news.on('N', (n) => heard.push(n));
  await news.subscribe();
  let sent = 0;
  const publisher = setInterval(() => gateway.publish('news', 'N', ++sent), 20);
  await vi.waitFor(() => expect(reasons.length).toBeGreaterThan(4), { timeout: 10_000 });
  clearInterval(publisher);
  await vi.waitFor(() => expect(heard).toHaveLength(sent));
  expect(heard).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
  expect([...new Set(reasons.slice(1))]).toEqual(['expiring']);
  expect([states, errors]).toEqual([[], []]);
  expect(gateway.stats().sessions).toMatchObject({ opened: 1, resumed: 0, open: 1 });
});

test('a client that is late goes on with the session over another connection, and misses nothing', async () => {
  const gateway = await start();
  const reasons: string[] = [];
  const session = await join(gateway, ({ reason }) => {
    reasons.push(reason);
    if (reason === 'expiring') throw new Error('the issuer is away');
    return token(reason === 'expired' ? 60_000 : 600);
  });
  const { id } = session;
  const errors: unknown[] = [];
  session.on('error', (error) => errors.push(error));
  const news = session.channel('news');
  const heard: unknown[] = [];
  news.on('N', (n) => heard.push(n));
  await news.subscribe();
  gateway.on('detached', () => gateway.publish('news', 'N', 'while away'));
  await vi.waitFor(() => expect(heard).toEqual(['while away']), { timeout: 5_000 });
  expect(reasons).toEqual(['connect', 'expiring', 'expired']);
  expect(errors).toMatchObject([{ code: 'token-failed' }]);
  expect([session.id, session.state]).toEqual([id, 'open']);
  expect(gateway.stats().sessions).toMatchObject({ opened: 1, resumed: 1 });
});

test('one token, and it is over with it', async () => {
  const gateway = await start();
  const session = await join(gateway, token(1_500));
  const told: unknown[] = [];
  session.on('tokenExpiring', (info) => told.push(info));
  const closed = new Promise((resolve) => session.on('close', resolve));
  expect(await closed).toMatchObject({
    name: 'unauthorized',
    error: { cause: { code: 'unauthorized', details: { reason: 'expired' } } },
  });
  expect(told).toMatchObject([{ within: expect.any(Number) }]);
});

test('a token that the application brings keeps the session', async () => {
  const gateway = await start();
  const session = await join(gateway, token(800));
  await session.refresh(token(60_000));
  await expect(session.refresh('')).rejects.toMatchObject({
    code: 'unauthorized',
    details: { reason: 'malformed' },
  });
  await expect(session.refresh(token(60_000).replace('ada', 'bob'))).rejects.toMatchObject({
    details: { reason: 'other-user' },
  });
  const end = Date.now() + 1_200;
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(end), { timeout: 5_000 });
  await session.channel('news').subscribe();
  expect(gateway.stats().sessions).toMatchObject({ opened: 1, resumed: 0, open: 1 });
});
