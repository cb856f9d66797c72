import { connect, type Rung, type Session } from '@spillway/client';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startTestGateway, type TestGateway } from './gateway.ts';
import { type Middlebox, openMiddlebox } from './middlebox.ts';

const RUNGS: readonly Rung[] = ['webtransport', 'websocket', 'sse', 'longpoll'];
const PAIRS = RUNGS.flatMap((from) => RUNGS.filter((to) => to !== from).map((to) => [from, to] as const));

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

function keep<T extends AsyncDisposable>(resource: T): T {
  open.push(resource);
  return resource;
}

/** Nothing is remembered for another test. */
const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };

/** Reliable messages from the client, from now on, and what comes back of them. */
async function talk(session: Session) {
  const room = session.channel<{ STEP: number }>(`echo/${crypto.randomUUID()}`);
  const heard: number[] = [];
  room.on('STEP', (step) => heard.push(step));
  await room.subscribe();
  let said = 0;
  const timer = setInterval(() => room.publish('STEP', said++), 5);
  return {
    heard,
    /** Waits until something has come back that was said after the call. */
    async goesOn() {
      const before = said;
      await vi.waitFor(() => expect(heard.at(-1)).toBeGreaterThan(before), 20_000);
    },
    /** Says nothing more, and expects all that was said, once and in order. */
    async expectAll() {
      clearInterval(timer);
      await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(said), 20_000);
      expect(heard).toEqual(Array.from({ length: said }, (_, step) => step));
    },
  };
}

describe('a session moves, and nothing is lost or comes twice,', () => {
  test.each(PAIRS)('from %s to %s', async (from, to) => {
    const running = keep(await startTestGateway());
    const session = keep(await connect(running.url, { transports: [from], storage }));
    const { id } = session;
    const gaps = vi.fn();
    session.on('gap', gaps);
    const talking = await talk(session);
    await talking.goesOn();
    const request = session.request('ECHO', 'on the way');
    await session.switchTo([to]);
    expect(session.transport.name).toBe(to);
    await talking.goesOn();
    await talking.expectAll();
    expect(await request).toBe('on the way');
    expect([session.id, session.stats().resumes]).toEqual([id, 1]);
    expect(gaps).not.toHaveBeenCalled();
    expect(running.gateway.stats().sessions.open).toBe(1);
  });
});

describe('behind a middlebox', () => {
  async function behind(
    options: Parameters<typeof startTestGateway>[0] = {},
  ): Promise<[Middlebox, TestGateway]> {
    const running = keep(await startTestGateway({ engine: 'none', ...options }));
    return [keep(await openMiddlebox(running.url)), running];
  }

  test.each(['websocket', 'sse', 'longpoll'] as const)(
    'that breaks every connection now and then, a session over %s goes on',
    async (rung) => {
      const [middlebox] = await behind();
      const session = keep(await connect(middlebox.url, { transports: [rung], storage }));
      const { id } = session;
      const talking = await talk(session);
      for (let cut = 0; cut < 4; cut++) {
        await talking.goesOn();
        middlebox.cut();
      }
      await talking.goesOn();
      await talking.expectAll();
      expect(session.id).toBe(id);
      expect(session.transport.name).toBe(rung);
    },
  );

  test('that lets no WebSocket through: the event stream at once, and it says why', async () => {
    const [middlebox] = await behind();
    middlebox.refused.add('/ws');
    const began = performance.now();
    const session = keep(await connect(middlebox.url, { storage }));
    expect(performance.now() - began).toBeLessThan(2_500);
    expect(session.transport).toEqual({
      name: 'sse',
      reasons: [
        { transport: 'webtransport', reason: 'disabled' },
        { transport: 'websocket', reason: 'handshake-failed' },
      ],
    });
    expect(await session.request('ECHO', 1)).toBe(1);
  });

  test('that never answers a WebSocket: the event stream after its delay', async () => {
    const [middlebox] = await behind();
    middlebox.swallowed.add('/ws');
    const began = performance.now();
    const session = keep(await connect(middlebox.url, { storage, race: { sseDelay: 700 } }));
    expect(performance.now() - began).toBeGreaterThan(600);
    expect(session.transport.name).toBe('sse');
  });

  test('that holds back the event stream as well: the long poll after its delay, with the reasons of all', async () => {
    const [middlebox, running] = await behind();
    middlebox.refused.add('/ws');
    middlebox.buffered.add('/sse');
    const session = keep(await connect(middlebox.url, { storage, race: { longpollDelay: 500 } }));
    expect(session.transport).toEqual({
      name: 'longpoll',
      reasons: [
        { transport: 'webtransport', reason: 'disabled' },
        { transport: 'websocket', reason: 'handshake-failed' },
        { transport: 'sse', reason: 'handshake-failed' },
      ],
    });
    const talking = await talk(session);
    await talking.goesOn();
    await talking.expectAll();
    expect(running.gateway.stats().sessions.reasons).toMatchObject({ 'sse:handshake-failed': 1 });
  });

  test.each(['sse', 'longpoll'] as const)(
    'that lets WebSocket through at last, a session over %s climbs, beside what still works',
    async (low) => {
      const [middlebox] = await behind();
      middlebox.refused.add('/ws');
      if (low === 'longpoll') middlebox.refused.add('/sse');
      const session = keep(await connect(middlebox.url, { storage, race: { probeInterval: 300 } }));
      expect(session.transport.name).toBe(low);
      const { id } = session;
      const states = vi.fn();
      session.on('state', states);
      const talking = await talk(session);
      await talking.goesOn();
      middlebox.refused.delete('/ws');
      await vi.waitFor(() => expect(session.transport.name).toBe('websocket'), 5_000);
      await talking.goesOn();
      await talking.expectAll();
      expect(session.id).toBe(id);
      expect(states).not.toHaveBeenCalled();
    },
  );

  test('a try to climb into an event stream that is held back does not touch the session', async () => {
    const [middlebox] = await behind();
    middlebox.refused.add('/ws');
    middlebox.buffered.add('/sse');
    const race = { longpollDelay: 300, probeInterval: 300 };
    const session = keep(await connect(middlebox.url, { storage, race, connectTimeout: 1_000 }));
    const states = vi.fn();
    session.on('state', states);
    const talking = await talk(session);
    const started = performance.now();
    await vi.waitFor(() => expect(performance.now() - started).toBeGreaterThan(2_500), 5_000);
    await talking.goesOn();
    await talking.expectAll();
    expect(session.transport.name).toBe('longpoll');
    expect(states).not.toHaveBeenCalled();
    expect(session.stats().resumes).toBe(0);
  });
});
