import { CLOSE, jsonPayload } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import type { ConnectError } from './errors.ts';
import { rest } from './testing/test-clock.ts';
import { over, RUNGS, record, rejection } from './testing/test-over.ts';
import type { Peer } from './testing/test-peer.ts';
import { World } from './testing/test-world.ts';

/** A `token` function that counts, and remembers why it was asked. */
function counting() {
  const reasons: string[] = [];
  const token = async ({ reason }: { readonly reason: string }): Promise<string> =>
    `token-${reasons.push(reason)}`;
  return { token, reasons };
}

/** The gateway accepts the AUTH that has this place among those that it got. */
function accept(peer: Peer, index = 0, within?: number): void {
  const { id } = peer.of('auth')[index]!;
  peer.send({ kind: 'response', id, more: false, codec: 'json', payload: jsonPayload({ within }) });
}

function refuse(peer: Peer, index: number, reason: string): void {
  const { id } = peer.of('auth')[index]!;
  const details = JSON.stringify({ reason });
  peer.send({ kind: 'error', id, code: 'unauthorized', message: 'no', details });
}

describe('refresh', () => {
  test.each(RUNGS)('brings a newer token over %s, and resolves once it is accepted', async (rung) => {
    const [session, peer] = await over(rung, { token: 'first' });
    let done = false;
    const refreshed = session.refresh('second').then(() => (done = true));
    await rest();
    expect(peer.of('auth')).toMatchObject([{ token: 'second' }]);
    expect(done).toBe(false);
    accept(peer);
    await refreshed;
    expect(peer.of('hello')).toHaveLength(1);
  });

  test('tells what is wrong with a token, and the session goes on', async () => {
    const [session, peer] = await over('websocket', { token: 'first' });
    const failed = rejection(session.refresh('second'));
    await rest();
    refuse(peer, 0, 'other-user');
    expect(await failed).toMatchObject({ code: 'unauthorized', details: { reason: 'other-user' } });
    expect(session.state).toBe('open');
  });

  test('brings one token after the other', async () => {
    const [session, peer] = await over('websocket', { token: 'first' });
    const second = rejection(session.refresh('second'));
    const third = session.refresh('third');
    await rest();
    expect(peer.of('auth').map(({ token }) => token)).toEqual(['second']);
    refuse(peer, 0, 'expired');
    await second;
    await rest();
    expect(peer.of('auth').map(({ token }) => token)).toEqual(['second', 'third']);
    accept(peer, 1);
    await third;
  });

  test('gives up after 10 s', async () => {
    const [session, , world] = await over('websocket', { token: 'first' });
    const failed = rejection(session.refresh('second'));
    await world.clock.advance(10_000);
    expect((await failed).code).toBe('timeout');
  });

  test('of what cannot be a token fails at once', async () => {
    const [session, peer] = await over('websocket', { token: 'first' });
    await expect(session.refresh('x'.repeat(9_000))).rejects.toMatchObject({ code: 'bad-value' });
    const refreshed = session.refresh('second');
    await rest();
    accept(peer);
    await refreshed;
  });

  test('is the token of later connections', async () => {
    const [session, peer, world] = await over('websocket', { token: 'first' });
    const refreshed = session.refresh('second');
    await rest();
    accept(peer);
    await refreshed;
    peer.cut();
    await world.clock.advance(1_000);
    expect(world.sockets[1]!.hello!.token).toBe('second');
  });

  test('that was refused leaves later connections the token before', async () => {
    const [session, peer, world] = await over('websocket', { token: 'first' });
    const failed = rejection(session.refresh('second'));
    await rest();
    refuse(peer, 0, 'signature');
    await failed;
    await rest();
    peer.cut();
    await world.clock.advance(1_000);
    expect(world.sockets[1]!.hello!.token).toBe('first');
  });

  test('without a connection goes with HELLO of the next', async () => {
    const [session, peer, world] = await over('websocket', { token: 'first' });
    peer.cut();
    await rest();
    const refreshed = session.refresh('second');
    await world.clock.advance(1_000);
    await refreshed;
    expect(world.sockets[1]!.hello!.token).toBe('second');
    expect(world.sockets[1]!.of('auth')).toEqual([]);
  });

  test('goes again over the next connection where HELLO there had the one before', async () => {
    const { token } = counting();
    const [session, peer, world] = await over('websocket', { token });
    const refreshed = session.refresh('mine');
    await rest();
    peer.cut();
    await world.clock.advance(1_000);
    const next = world.sockets[1]!;
    expect(next.hello!.token).toBe('token-2');
    expect(next.of('auth')).toEqual(peer.of('auth'));
    accept(next);
    await refreshed;
  });

  test('of a session that is closed, or closes meanwhile, fails', async () => {
    const [session] = await over('websocket', { token: 'first' });
    const failed = rejection(session.refresh('second'));
    await rest();
    await session.close();
    expect((await failed).code).toBe('closed');
    expect((await rejection(session.refresh('third'))).code).toBe('closed');
  });
});

describe('a token that is about to end', () => {
  test('is told to the application, which may bring another one', async () => {
    const [session, peer] = await over('websocket', { token: 'first' });
    const told = record(session, 'tokenExpiring');
    peer.send({ kind: 'expiring', within: 30_000 });
    await rest();
    expect(told).toEqual([{ within: 30_000 }]);
    expect(peer.of('auth')).toEqual([]);
  });

  test.each(RUNGS)('is followed by the next from the function, over %s', async (rung) => {
    const { token, reasons } = counting();
    const [session, peer] = await over(rung, { token });
    const errors = record(session, 'error');
    const told = record(session, 'tokenExpiring');
    peer.send({ kind: 'expiring', within: 30_000 });
    await rest();
    await rest();
    expect(peer.of('auth')).toMatchObject([{ token: 'token-2' }]);
    accept(peer);
    await rest();
    expect([reasons, told, errors]).toEqual([['connect', 'expiring'], [{ within: 30_000 }], []]);
  });

  test('is not followed where the function throws, or the gateway refuses: both are told', async () => {
    let fails = false;
    const token = (): string => {
      if (fails) throw new Error('offline');
      return 'stale';
    };
    const [session, peer] = await over('websocket', { token });
    const errors = record(session, 'error');
    peer.send({ kind: 'expiring', within: 30_000 });
    await rest();
    refuse(peer, 0, 'expired');
    await rest();
    fails = true;
    peer.send({ kind: 'expiring', within: 15_000 });
    await rest();
    expect(errors).toMatchObject([
      { code: 'unauthorized', details: { reason: 'expired' } },
      { code: 'token-failed', cause: { message: 'offline' } },
    ]);
    expect(session.state).toBe('open');
  });

  test('and ends has the function asked for another one, and the session resumed', async () => {
    const { token, reasons } = counting();
    const [session, peer, world] = await over('websocket', { token });
    const { id } = session;
    await world.clock.advance(2_000);
    peer.close(CLOSE['token-expired'], 'the token has ended');
    await world.clock.advance(1_000);
    expect([session.state, session.id]).toEqual(['open', id]);
    expect(world.sockets[1]!.hello).toMatchObject({ token: 'token-2', resume: expect.anything() });
    expect(reasons).toEqual(['connect', 'expired']);
    world.sockets[1]!.cut();
    await world.clock.advance(1_000);
    expect(reasons).toEqual(['connect', 'expired', 'connect']);
  });

  test('and ends is all that a session with one token has: it closes when that is refused', async () => {
    const [session, peer, world] = await over('websocket', { token: 'only' });
    const closed = record(session, 'close');
    world.manners = { hello: false };
    peer.close(CLOSE['token-expired'], 'the token has ended');
    await world.clock.advance(1_000);
    refuseHello(world.sockets[1]!, 'expired');
    await world.clock.advance(60_000);
    expect(closed).toMatchObject([
      {
        name: 'unauthorized',
        error: { code: 'unauthorized', cause: { code: 'unauthorized', details: { reason: 'expired' } } },
      },
    ]);
    expect(world.sockets).toHaveLength(2);
  });
});

function refuseHello(peer: Peer, reason?: string): void {
  const details = reason && JSON.stringify({ reason });
  peer.send({ kind: 'error', code: 'unauthorized', message: 'no', details });
  peer.close(CLOSE.unauthorized, 'no');
}

describe('a token that is refused', () => {
  test.each([
    ['expired', 'expired'],
    [undefined, 'refused'],
  ])('with the reason %s has the function asked once more', async (told, asked) => {
    const world = new World();
    world.manners = { hello: false };
    const { token, reasons } = counting();
    const connected = world.connect({ token });
    await world.clock.advance(0);
    refuseHello(world.sessions[0]!, told);
    await world.clock.advance(0);
    expect(reasons).toEqual(['connect', asked]);
    world.sessions[1]!.welcome();
    await rest();
    expect((await connected).state).toBe('open');
    expect(world.sessions[1]!.hello!.token).toBe('token-2');
    expect(world.sockets).toHaveLength(0);
  });

  test('twice is refused', async () => {
    const world = new World();
    world.manners = { hello: false };
    const { token, reasons } = counting();
    const failed = rejection(world.connect({ token }));
    await world.clock.advance(0);
    refuseHello(world.sessions[0]!, 'expired');
    await world.clock.advance(0);
    refuseHello(world.sessions[1]!, 'signature');
    expect(await failed).toMatchObject({
      code: 'unauthorized',
      final: true,
      cause: { details: { reason: 'signature' } },
    } satisfies Partial<ConnectError>);
    expect(reasons).toEqual(['connect', 'expired']);
    await rest();
    expect(world.clock.pending).toBe(0);
  });

  test('and given again is not sent again', async () => {
    const world = new World();
    world.manners = { hello: false };
    const failed = rejection(world.connect({ token: () => 'same' }));
    await world.clock.advance(0);
    refuseHello(world.sessions[0]!, 'expired');
    expect((await failed).code).toBe('unauthorized');
    await world.clock.advance(1_000);
    expect(world.sessions).toHaveLength(1);
  });

  test('of which there is no other fails', async () => {
    const world = new World();
    world.manners = { hello: false };
    let asked = 0;
    const token = (): string => {
      if (asked++ > 0) throw new Error('offline');
      return 'stale';
    };
    const failed = rejection(world.connect({ token }));
    await world.clock.advance(0);
    refuseHello(world.sessions[0]!, 'expired');
    expect(await failed).toMatchObject({ code: 'token-failed', cause: { message: 'offline' } });
  });
});
