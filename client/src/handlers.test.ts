import type { Request } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { RequestError } from './errors.ts';
import { rest } from './testing/test-clock.ts';
import { over, RUNGS, record } from './testing/test-over.ts';

function request(id: string, type: string, value: unknown = null): Request {
  const payload = new TextEncoder().encode(JSON.stringify(value));
  return { kind: 'request', id, channel: '', type, codec: 'json', payload };
}

const text = ({ payload }: { payload: Uint8Array }): string => new TextDecoder().decode(payload);

describe.each(RUNGS)('a request of the gateway over %s', (rung) => {
  test('is answered by the handler of its type', async () => {
    const [session, peer] = await over(rung);
    session.handle<number>('DOUBLE', (value, { id }) => [id, value * 2]);
    peer.send(request('q1', 'DOUBLE', 4));
    await rest();
    expect(peer.of('response')).toMatchObject([{ id: 'q1', more: false, codec: 'json' }]);
    expect(text(peer.of('response')[0]!)).toBe('["q1",8]');
  });

  test('is answered over the next connection, once, where this one is lost', async () => {
    const [session, peer, world] = await over(rung);
    const gate = Promise.withResolvers<string>();
    let calls = 0;
    session.handle('SLOW', () => {
      calls++;
      return gate.promise;
    });
    peer.send(request('q1', 'SLOW'));
    await rest();
    peer.cut();
    gate.resolve('late');
    await world.clock.advance(250);
    const [gateway] = world.gateway.sessions;
    const answers = gateway!.taken.filter(({ kind }) => kind === 'response');
    expect(answers.map((answer) => text(answer as never))).toEqual(['"late"']);
    expect(calls).toBe(1);
  });
});

describe('handlers', () => {
  test('that throw a RequestError answer with its code, anything else is internal and reported', async () => {
    const [session, peer] = await over('websocket');
    const errors = record(session, 'error');
    const bug = new Error('secret');
    session.handle('BUSY', () => {
      throw new RequestError('busy', 'not now', { details: { until: 7 } });
    });
    session.handle('BUG', async () => {
      throw bug;
    });
    session.handle('VAST', async () => {
      throw new RequestError('x'.repeat(65));
    });
    for (const type of ['BUSY', 'BUG', 'VAST', 'NOPE']) peer.send(request(type, type));
    await rest();
    expect(peer.of('error').map(({ id, code, details }) => [id, code, details])).toEqual([
      ['BUSY', 'busy', '{"until":7}'],
      ['NOPE', 'unknown-request', undefined],
      ['BUG', 'internal', undefined],
      ['VAST', 'internal', undefined],
    ]);
    expect(errors).toMatchObject([{ code: 'listener-failed', cause: bug }, { code: 'listener-failed' }]);
  });

  test('of a type are one, until it is taken off', async () => {
    const [session, peer] = await over('websocket');
    const undo = session.handle('ASK', () => 1);
    expect(() => session.handle('ASK', () => 2)).toThrow(TypeError);
    undo();
    undo();
    session.handle('ASK', () => 3);
    undo();
    peer.send(request('q1', 'ASK'));
    await rest();
    expect(text(peer.of('response')[0]!)).toBe('3');
  });

  test('get no payload that is not what it says, and give none that is too large', async () => {
    const [session, peer] = await over('websocket');
    session.handle('ASK', () => new Uint8Array(100_000));
    peer.send({ ...request('q1', 'ASK'), payload: new TextEncoder().encode('{') });
    peer.send(request('q2', 'ASK'));
    await rest();
    expect(peer.of('error').map(({ id, code }) => [id, code])).toEqual([
      ['q1', 'bad-payload'],
      ['q2', 'message-too-large'],
    ]);
    expect(peer.closed).toBeUndefined();
  });

  test('hear of a cancel, and that the gateway’s session is no more', async () => {
    const [session, peer, world] = await over('websocket');
    const ended: string[] = [];
    session.handle<string>('WAIT', (name, { signal }) => {
      signal.addEventListener('abort', () => ended.push(name));
      return new Promise(() => {});
    });
    for (const name of ['cancelled', 'lost']) peer.send(request(name, 'WAIT', name));
    await rest();
    peer.send({ kind: 'cancel', id: 'cancelled' });
    await rest();
    expect(ended).toEqual(['cancelled']);
    expect(peer.of('error')).toMatchObject([{ id: 'cancelled', code: 'aborted' }]);
    world.gateway.forget();
    peer.cut();
    await world.clock.advance(250);
    expect(ended).toEqual(['cancelled', 'lost']);
    const peers = world.sockets.at(-1)!;
    session.handle('ASK', () => 1);
    // Ids begin anew with the gateway's session.
    peers.send(request('cancelled', 'ASK'));
    await rest();
    expect(peers.of('response')).toMatchObject([{ id: 'cancelled' }]);
  });

  test('answer in parts, no further than they are taken', async () => {
    const [session, peer] = await over('websocket');
    session.handle('COUNT', async function* () {
      for (let i = 0; i < 40; i++) yield i;
      return 'end';
    });
    peer.send(request('q1', 'COUNT'));
    await rest();
    await rest();
    expect(peer.of('response').map(({ more }) => more)).toEqual(Array(32).fill(true));
    peer.send({ kind: 'taken', id: 'q1', count: 16 });
    await rest();
    await rest();
    expect(peer.of('response').slice(32).map(text)).toEqual([
      '32',
      '33',
      '34',
      '35',
      '36',
      '37',
      '38',
      '39',
      '"end"',
    ]);
  });
});

describe('what nobody waits for any more', () => {
  test('is cancelled at the gateway: by a signal, a timeout, a loop that is left', async () => {
    const [session, peer, world] = await over('websocket');
    const controller = new AbortController();
    const asked = [
      session.request('A', 1, { signal: controller.signal }),
      session.request('B', 1, { timeout: 100 }),
      session.request('C', 1, { timeout: 100, id: 'again-1' }),
    ].map((answer) => answer.catch((error: RequestError) => error.code));
    const stream = session.stream('D');
    await rest();
    controller.abort();
    await world.clock.advance(200);
    await stream.return?.();
    await rest();
    expect(await Promise.all(asked)).toEqual(['aborted', 'timeout', 'timeout']);
    const ids = peer.of('request').map(({ id }) => id);
    // Who gave it an id may ask again.
    expect(peer.of('cancel').map(({ id }) => id)).toEqual([ids[0], ids[1], ids[3]]);
  });

  test('is not cancelled where it was never sent', async () => {
    const [session, peer, world] = await over('websocket');
    peer.cut();
    await rest();
    const asked = session.request('A', 1, { timeout: 10 }).catch((error: RequestError) => error.code);
    await world.clock.advance(250);
    expect(await asked).toBe('timeout');
    expect(world.sockets.at(-1)!.of('request')).toEqual([]);
    expect(world.sockets.at(-1)!.of('cancel')).toEqual([]);
  });
});

describe('a stream', () => {
  const respond = (id: string, value: unknown, more: boolean) =>
    ({
      kind: 'response',
      id,
      more,
      codec: 'json',
      payload: new TextEncoder().encode(JSON.stringify(value)),
    }) as const;

  test('is read part by part, and tells what was taken', async () => {
    const [session, peer] = await over('websocket');
    const stream = session.stream<number, string>('COUNT');
    await rest();
    const { id } = peer.of('request')[0]!;
    for (let i = 0; i < 20; i++) peer.send(respond(id, i, true));
    peer.send(respond(id, 'end', false));
    await rest();
    for (let i = 0; i < 20; i++) expect(await stream.next()).toEqual({ done: false, value: i });
    expect(await stream.next()).toEqual({ done: true, value: 'end' });
    await rest();
    // Its end has come: nobody waits to send more.
    expect(peer.of('taken')).toEqual([]);
  });

  test('waits for each part so long, and only while somebody reads', async () => {
    const [session, peer, world] = await over('websocket');
    const stream = session.stream('COUNT', null, { timeout: 100 });
    await world.clock.advance(500);
    const { id } = peer.of('request')[0]!;
    const first = stream.next();
    await world.clock.advance(90);
    peer.send(respond(id, 1, true));
    await rest();
    expect(await first).toEqual({ done: false, value: 1 });
    const second = expect(stream.next()).rejects.toMatchObject({ code: 'timeout' });
    await world.clock.advance(110);
    await second;
    expect(peer.of('cancel')).toEqual([{ kind: 'cancel', id }]);
  });

  test('ends where the gateway sends more than it may', async () => {
    const [session, peer] = await over('websocket');
    const stream = session.stream('COUNT');
    await rest();
    const { id } = peer.of('request')[0]!;
    for (let i = 0; i < 33; i++) peer.send(respond(id, i, true));
    await rest();
    expect(peer.of('cancel')).toEqual([{ kind: 'cancel', id }]);
    for (let i = 0; i < 32; i++) await stream.next();
    await expect(stream.next()).rejects.toMatchObject({ code: 'overrun' });
  });

  test('that the gateway’s session takes with it fails', async () => {
    const [session, peer, world] = await over('websocket');
    const next = expect(session.stream('COUNT').next()).rejects.toMatchObject({ code: 'connection-lost' });
    await rest();
    world.gateway.forget();
    peer.cut();
    await world.clock.advance(250);
    await next;
  });
});
