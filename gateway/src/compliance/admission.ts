import { type CLOSE, closeName } from '@spillway/envelope';
import { afterEach, describe, expect, test } from 'vitest';
import type { Authenticate } from '../core/connection.ts';
import type { Limits } from '../core/limits.ts';
import { until } from './acceptor.ts';

/** What the gateway under test is made with. */
export interface HouseOptions {
  readonly limits?: Partial<Limits>;
  readonly origins?: readonly string[];
  readonly authenticate?: Authenticate;
}

/** A gateway that listens, and the way in over the transport under test. */
export interface House {
  /** Connects and says HELLO; resolves when that was answered in whatever way. */
  enter(visitor?: Visitor): Promise<Visit>;
  drain(within: number): Promise<void>;
  /** Open sessions. */
  readonly sessions: number;
  /** Refusals so far, by name. */
  readonly refused: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export interface Visitor {
  readonly origin?: string;
  readonly token?: string;
  /** Says nothing. */
  readonly silent?: boolean;
}

/** What became of one visitor. */
export interface Visit {
  /** WELCOME came. */
  readonly welcome: boolean;
  /** The code that it ended with, by close or by the name in the body of an HTTP refusal. */
  readonly ended: Promise<number>;
  /** Of the HTTP answer, where the handshake itself was refused. */
  readonly status?: number | undefined;
  leave(): void;
}

/** How a visitor from one address is received. Every transport has to behave the same: the same rows, the same codes. */
export function admissionCompliance(
  transport: string,
  build: (options: HouseOptions) => Promise<House>,
): void {
  const houses: House[] = [];

  async function house(options: HouseOptions = {}): Promise<House> {
    const built = await build({ ...options, limits: { handshakesPerSecond: 1_000, ...options.limits } });
    houses.push(built);
    return built;
  }

  async function expectRefused(visit: Visit, name: keyof typeof CLOSE, status: number): Promise<void> {
    expect(visit.welcome).toBe(false);
    expect(closeName(await visit.ended)).toBe(name);
    if (visit.status !== undefined) expect(visit.status).toBe(status);
  }

  afterEach(async () => {
    await Promise.all(houses.splice(0).map((built) => built.close()));
  });

  describe(`admission over ${transport}`, () => {
    test('a page of an allowed origin is welcome', async () => {
      const { enter } = await house({ origins: ['https://game.example', 'https://*.play.example'] });
      expect((await enter({ origin: 'https://game.example' })).welcome).toBe(true);
      expect((await enter({ origin: 'https://a.play.example' })).welcome).toBe(true);
    });

    test('a page of another origin is refused', async () => {
      const built = await house({ origins: ['https://game.example'] });
      for (const origin of ['https://evil.example', 'http://game.example', 'null']) {
        await expectRefused(await built.enter({ origin }), 'origin-refused', 403);
      }
      expect(built.refused).toMatchObject({ origin: 3 });
      expect(built.sessions).toBe(0);
    });

    test('without a list, loopback pages are welcome on loopback and others are not', async () => {
      const { enter } = await house();
      expect((await enter({ origin: 'http://localhost:8080' })).welcome).toBe(true);
      await expectRefused(await enter({ origin: 'https://evil.example' }), 'origin-refused', 403);
    });

    test('a program, which has no origin, is welcome', async () => {
      const { enter } = await house({ origins: ['https://game.example'] });
      expect((await enter()).welcome).toBe(true);
    });

    test('an address has so many sessions and no more; one that ends makes room', async () => {
      const built = await house({ limits: { sessionsPerAddress: 2 } });
      const [first] = [await built.enter(), await built.enter()];
      await expectRefused(await built.enter(), 'too-many-sessions', 429);
      first.leave();
      await until(() => built.sessions === 1, 'the session to end');
      expect((await built.enter()).welcome).toBe(true);
      expect(built.refused).toMatchObject({ address: 1 });
    });

    test('the gateway has so many sessions and no more; one that ends makes room', async () => {
      const built = await house({ limits: { maxSessions: 1 } });
      const first = await built.enter();
      await expectRefused(await built.enter(), 'server-full', 503);
      first.leave();
      await until(() => built.sessions === 0, 'the session to end');
      expect((await built.enter()).welcome).toBe(true);
      expect(built.refused).toMatchObject({ full: 1 });
    });

    test('an address may knock so often in a short time and no more', async () => {
      const built = await house({ limits: { handshakesPerSecond: 1 } });
      const visits = await Promise.all(Array.from({ length: 20 }, () => built.enter()));
      const refused = visits.filter(({ welcome }) => !welcome);
      for (const visit of refused) await expectRefused(visit, 'rate-limited', 429);
      // Five at once, and one for each second that this took.
      expect(visits.length - refused.length).toBeGreaterThanOrEqual(5);
      expect(refused.length).toBeGreaterThan(0);
      expect(built.refused).toMatchObject({ handshakes: refused.length });
    });

    test('a gateway that drains refuses whoever is new', async () => {
      const built = await house();
      const first = await built.enter();
      const drained = built.drain(60_000);
      await expectRefused(await built.enter(), 'going-away', 503);
      expect(built.refused).toMatchObject({ draining: 1 });
      expect(built.sessions).toBe(1);
      first.leave();
      await drained;
    });

    test('a drain that nobody follows ends the sessions', async () => {
      const built = await house();
      const visit = await built.enter();
      await built.drain(1);
      expect(closeName(await visit.ended)).toBe('going-away');
    });

    test('who says nothing is closed in time and gives the place back', async () => {
      const built = await house({ limits: { helloTimeout: 200, maxSessions: 1 } });
      const visit = await built.enter({ silent: true });
      expect(closeName(await visit.ended)).toBe('hello-timeout');
      expect((await built.enter()).welcome).toBe(true);
    });

    test('who shows the wrong token is not let in', async () => {
      const authenticate: Authenticate = async (token) => (token === 'secret' ? { id: 'ada' } : undefined);
      const built = await house({ authenticate });
      expect((await built.enter({ token: 'secret' })).welcome).toBe(true);
      for (const visitor of [{ token: 'guess' }, {}]) {
        const visit = await built.enter(visitor);
        expect([visit.welcome, visit.status]).toEqual([false, undefined]);
        expect(closeName(await visit.ended)).toBe('unauthorized');
      }
      expect(built.sessions).toBe(1);
    });
  });
}
