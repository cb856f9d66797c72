import { describe, expect, test } from 'vitest';
import { rest } from './testing/test-clock.ts';
import { over, rejection } from './testing/test-over.ts';
import { LIMITS } from './testing/test-peer.ts';

describe('requests', () => {
  test('fail with the gateway’s code and details', async () => {
    const [session, peer] = await over('websocket');
    const failed = rejection(session.request('JOIN'));
    await rest();
    const { id } = peer.of('request')[0]!;
    peer.send({ kind: 'error', id, code: 'room-full', message: 'sorry', details: '{"max":8}' });
    expect(await failed).toMatchObject({ code: 'room-full', message: 'sorry', details: { max: 8 } });
  });

  test('time out, and an answer after that is nobody’s', async () => {
    const [session, peer, world] = await over('websocket');
    const failed = rejection(session.request('JOIN', 1, { timeout: 300 }));
    await world.clock.advance(300);
    expect((await failed).code).toBe('timeout');
    const { id } = peer.of('request')[0]!;
    peer.send({ kind: 'response', id, more: false, codec: 'bytes', payload: new Uint8Array(0) });
    await rest();
    expect(session.state).toBe('open');
  });

  test('can be aborted, and leave no listener on the signal', async () => {
    const [session, peer] = await over('websocket');
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    const failed = rejection(session.request('JOIN', 1, { signal }));
    expect(listeners).toBe(1);
    controller.abort('enough');
    expect(await failed).toMatchObject({ code: 'aborted', cause: 'enough' });
    expect(listeners).toBe(0);
    expect((await rejection(session.request('LATE', 1, { signal }))).code).toBe('aborted');
    await rest();
    expect(peer.of('request').map(({ type }) => type)).toEqual(['JOIN']);
  });

  test('in flight when the connection is lost are answered over the next one', async () => {
    const [session, peer, world] = await over('websocket');
    const reply = session.request('JOIN');
    await rest();
    peer.cut();
    await world.clock.advance(250);
    const [, second] = world.sockets;
    expect(world.gateway.sessions[0]!.taken.filter(({ kind }) => kind === 'request')).toHaveLength(1);
    const { id } = peer.of('request')[0]!;
    second!.send({ kind: 'response', id, more: false, codec: 'bytes', payload: new Uint8Array([1]) });
    await rest();
    expect(await reply).toEqual(new Uint8Array([1]));
  });

  test('that did not arrive before the loss are sent again, once', async () => {
    const [session, peer, world] = await over('websocket');
    peer.silent = true;
    const reply = session.request('JOIN');
    await rest();
    peer.silent = false;
    peer.cut();
    await world.clock.advance(250);
    const [, second] = world.sockets;
    const { id } = second!.of('request')[0]!;
    second!.send({ kind: 'response', id, more: false, codec: 'bytes', payload: new Uint8Array([2]) });
    await rest();
    expect(await reply).toEqual(new Uint8Array([2]));
  });

  test('in flight fail with connection-lost when the gateway no longer has the session', async () => {
    const [session, peer, world] = await over('websocket');
    const failed = rejection(session.request('JOIN'));
    await rest();
    world.gateway.forget();
    peer.cut();
    await world.clock.advance(250);
    expect((await failed).code).toBe('connection-lost');
  });

  test('in flight fail with connection-lost at once when the gateway keeps no sessions', async () => {
    const [session, peer] = await over('websocket', {}, { resume: false });
    const failed = rejection(session.request('JOIN'));
    await rest();
    peer.cut();
    expect((await failed).code).toBe('connection-lost');
  });

  test('with an endless timeout wait', async () => {
    const [session, peer, world] = await over('websocket');
    const reply = session.request('JOIN', 1, { timeout: Number.POSITIVE_INFINITY });
    await world.clock.advance(60_000);
    const { id } = peer.of('request')[0]!;
    peer.send({ kind: 'response', id, more: false, codec: 'bytes', payload: new Uint8Array(0) });
    await Promise.all([reply, rest()]);
  });

  test('made while reconnecting are sent and answered afterwards', async () => {
    const [session, peer, world] = await over('websocket');
    peer.cut();
    await rest();
    const reply = session.request('JOIN');
    await world.clock.advance(250);
    const [, second] = world.sockets;
    const { id } = second!.of('request')[0]!;
    second!.send({ kind: 'response', id, more: false, codec: 'bytes', payload: new Uint8Array([1]) });
    expect(await reply).toEqual(new Uint8Array([1]));
  });

  test('that timed out while reconnecting are not sent', async () => {
    const [session, peer, world] = await over('websocket');
    world.websocket = 'refuse';
    peer.cut();
    await rest();
    const failed = rejection(session.request('JOIN', 1, { timeout: 100 }));
    await world.clock.advance(100);
    expect((await failed).code).toBe('timeout');
    world.websocket = 'answer';
    await world.clock.advance(60_000);
    expect(world.sockets.at(-1)!.hello).toBeDefined();
    expect(world.sockets.at(-1)!.of('request')).toEqual([]);
  });

  test('whose payload cannot be written reject', async () => {
    const [session] = await over('websocket');
    await expect(session.request('JOIN', 1n)).rejects.toMatchObject({ code: 'bad-json' });
    await expect(session.request('JOIN', 'x', { codec: 'cbor' })).rejects.toBeInstanceOf(TypeError);
  });

  test('larger than the gateway takes fail without being sent', async () => {
    const [session, peer] = await over('websocket');
    const failed = rejection(session.request('JOIN', new Uint8Array(LIMITS.maxMessageBytes)));
    expect((await failed).code).toBe('message-too-large');
    await rest();
    expect(peer.of('request')).toEqual([]);
  });
});
