import { type ConnectOptions, connect, type Session } from '@spillway/client';
import { type SessionHandle, SpillwayError } from '@spillway/gateway';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestGateway, type TestGateway } from './gateway.ts';

const RUNGS = ['webtransport', 'websocket'] as const;

let running: TestGateway;
const sessions: Session[] = [];

beforeAll(async () => {
  running = await startTestGateway({
    authenticate: (token) => {
      if (token === 'expired') throw new SpillwayError('token-expired', 'too old');
      return token === 'wrong' ? undefined : { id: token ?? 'anonymous' };
    },
  });
});
afterAll(() => running[Symbol.asyncDispose]());
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

async function open(options: ConnectOptions): Promise<Session> {
  const session = await connect(running.url, options);
  sessions.push(session);
  return session;
}

/** Resolves with the arguments of the next event. */
function next(session: Session, name: 'message' | 'close' | 'error'): Promise<unknown[]> {
  return new Promise((resolve) => {
    const off = session.on(name, (...args: unknown[]) => {
      off();
      resolve(args);
    });
  });
}

test('both transports allowed: WebTransport it is', async () => {
  const session = await open({});
  expect(session.transport).toEqual({ name: 'webtransport', reasons: [] });
});

describe.each(RUNGS)('over %s', (rung) => {
  test.each(['binary', 'json'] as const)(
    'a thousand reliable messages come back in order, in %s',
    async (encoding) => {
      const session = await open({ transports: [rung], encoding });
      const room = session.channel<{ STEP: number }>(`echo/${crypto.randomUUID()}`);
      const steps: number[] = [];
      const seqs: (number | undefined)[] = [];
      room.on('STEP', (step, { seq }) => {
        steps.push(step);
        seqs.push(seq);
      });
      await room.subscribe();
      // Below the gateway's rate of 500 in a second and 1000 at once.
      for (let step = 0; step < 900; step++) if (!room.publish('STEP', step)) await room.drained();
      await vi.waitFor(() => expect(steps).toHaveLength(900));
      expect(steps).toEqual(Array.from({ length: 900 }, (_, step) => step));
      expect(seqs).toEqual(steps.map((step) => seqs[0]! + step));
      expect(session.stats().missing).toBe(0);
    },
  );

  test('several channels, each in its order', async () => {
    const session = await open({ transports: [rung] });
    const seen: Record<string, number[]> = {};
    const rooms = Array.from({ length: 70 }, (_, index) =>
      session.channel<{ STEP: number }>(`echo/many-${index}`),
    );
    for (const room of rooms) {
      seen[room.name] = [];
      room.on('STEP', (step) => seen[room.name]!.push(step));
    }
    await Promise.all(rooms.map((room) => room.subscribe()));
    for (let step = 0; step < 5; step++) for (const room of rooms) room.publish('STEP', step);
    await vi.waitFor(() => expect(Object.values(seen).flat()).toHaveLength(350));
    for (const steps of Object.values(seen)) expect(steps).toEqual([0, 1, 2, 3, 4]);
  });

  test('unreliable messages arrive, as datagrams where there are any, also too big for one', async () => {
    const session = await open({ transports: [rung] });
    const room = session.channel<{ TICK: Uint8Array }>(`echo/${crypto.randomUUID()}`);
    const sizes = new Set<number>();
    room.on('TICK', (bytes) => sizes.add(bytes.length));
    await room.subscribe();
    await vi.waitFor(() => {
      for (const size of [10, 5_000])
        room.publish('TICK', new Uint8Array(size), { delivery: 'unreliable', key: 'k' });
      expect([...sizes].sort()).toEqual([10, 5_000]);
    });
    const { datagramsIn, datagramsOut } = session.stats();
    expect(datagramsOut > 0).toBe(rung === 'webtransport');
    expect(datagramsIn > 0).toBe(rung === 'webtransport');
  });

  test('requests are answered, with what was sent', async () => {
    const session = await open({ transports: [rung] });
    expect(await session.request('ECHO', { greeting: 'grüezi' })).toEqual({ greeting: 'grüezi' });
    expect(await session.request('ECHO', new Uint8Array([1, 2]))).toEqual(new Uint8Array([1, 2]));
    expect(await session.request('ECHO')).toBeUndefined();
    await expect(session.request('UNKNOWN')).rejects.toMatchObject({ name: 'RequestError' });
    await expect(session.request('NEVER', 0, { timeout: 50 })).rejects.toMatchObject({ code: 'timeout' });
    await expect(session.channel('closed').subscribe()).rejects.toMatchObject({ code: 'forbidden' });
    await expect(session.channel('nowhere').subscribe()).rejects.toMatchObject({ name: 'RequestError' });
  });

  test('a refused publication is an error event with channel and type', async () => {
    const session = await open({ transports: [rung] });
    const error = next(session, 'error');
    session.channel('closed').publish('X', 1);
    expect((await error)[0]).toMatchObject({ code: 'forbidden', details: { channel: 'closed', type: 'X' } });
  });

  test('private messages reach a listener that was added after connect', async () => {
    const greet = (handle: SessionHandle): unknown => handle.send('GREETING', handle.user?.id);
    running.gateway.on('session', greet);
    const session = await open({ transports: [rung], token: 'ann' });
    const [type, payload] = await next(session, 'message');
    running.gateway.off('session', greet);
    expect([type, payload]).toEqual(['GREETING', 'ann']);
  });

  test('the session measures its round trip', async () => {
    const session = await open({ transports: [rung] });
    await vi.waitFor(() => expect(session.stats().rtt).toBeGreaterThan(0));
    expect(session.stats().rtt).toBeLessThan(1_000);
  });

  test('unauthorized ends it, with the application’s own words', async () => {
    const refused = open({ transports: [rung], token: 'wrong' });
    await expect(refused).rejects.toMatchObject({ name: 'ConnectError', code: 'unauthorized', final: true });
    const expired = open({ transports: [rung], token: () => 'expired' });
    await expect(expired).rejects.toMatchObject({ code: 'unauthorized', cause: { code: 'token-expired' } });
  });

  test('after unsubscribe nothing comes any more', async () => {
    const session = await open({ transports: [rung] });
    const room = session.channel<{ X: number }>(`echo/${crypto.randomUUID()}`);
    const seen: number[] = [];
    room.on('X', (x) => seen.push(x));
    await room.subscribe();
    await room.unsubscribe();
    room.publish('X', 1);
    await session.request('ECHO');
    await room.subscribe();
    room.publish('X', 2);
    await vi.waitFor(() => expect(seen).toEqual([2]));
  });

  test('what is published right before close arrives', async () => {
    const listener = await open({ transports: ['websocket'] });
    const name = `echo/${crypto.randomUUID()}`;
    const seen: unknown[] = [];
    listener.channel(name).on('LAST', (words) => seen.push(words));
    await listener.channel(name).subscribe();
    const session = await open({ transports: [rung] });
    for (let count = 0; count < 20; count++) session.channel(name).publish('LAST', count);
    await session.close();
    await vi.waitFor(() => expect(seen).toHaveLength(20));
  });

  test('the gateway’s close comes with its code and reason, and forbids to reconnect', async () => {
    const session = await open({ transports: [rung] });
    const closed = next(session, 'close');
    session.request('KICK').catch(() => {});
    expect((await closed)[0]).toMatchObject({ name: 'forbidden', reason: 'banned' });
    expect(session.state).toBe('closed');
  });

  test('a client that closes tells the gateway so', async () => {
    const session = await open({ transports: [rung] });
    const codes: number[] = [];
    running.gateway.on('close', (handle, code) => handle.id === session.id && codes.push(code));
    await session.close();
    await vi.waitFor(() => expect(codes).toEqual([4_000]));
  });

  test('an allow-list can be changed under way', async () => {
    const session = await open({});
    const room = session.channel<{ X: number }>(`echo/${crypto.randomUUID()}`);
    const seen: number[] = [];
    room.on('X', (x) => seen.push(x));
    await room.subscribe();
    await session.switchTo([rung]);
    expect(session.transport.name).toBe(rung);
    await room.subscribe();
    room.publish('X', 1);
    await vi.waitFor(() => expect(seen).toEqual([1]));
  });
});
