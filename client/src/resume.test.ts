import { CLOSE, type Delivery, type Event, encode } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { rest } from './testing/test-clock.ts';
import { over, RUNGS, record } from './testing/test-over.ts';
import { LIMITS, type Peer } from './testing/test-peer.ts';
import { World } from './testing/test-world.ts';

function event(number: number, delivery: Delivery = 'reliable'): Event {
  const payload = new TextEncoder().encode(String(number));
  return { kind: 'event', channel: 'a', type: 'X', delivery, codec: 'json', seq: number, ts: 1, payload };
}

function numbers(events: readonly Event[]): number[] {
  return events.map(({ payload }) => Number(new TextDecoder().decode(payload)));
}

describe.each(RUNGS)('a session resumed over %s', (rung) => {
  test.each(['reliable', 'unordered'] as const)(
    'has every %s message once, both ways, however often it is cut',
    async (delivery) => {
      const [session, , world] = await over(rung);
      const seen: number[] = [];
      const channel = session.channel<{ X: number }>('a');
      channel.on('X', (number) => seen.push(number));
      await Promise.all([channel.subscribe(), rest()]);
      const [gateway] = world.gateway.sessions;
      for (let number = 1; number <= 100; number++) {
        channel.publish('X', number, { delivery });
        gateway!.publish(event(number, delivery));
        // Some get through before the cut, some are on their way, some come while there is nothing.
        if (number % 10 === 3) world.peers.at(-1)!.silent = true;
        if (number % 10 === 5) {
          const carrier = gateway!.carrier;
          if (carrier) {
            carrier.silent = false;
            carrier.cut();
          }
        }
        await world.clock.advance(100);
      }
      await world.clock.advance(20_000);
      const all = Array.from({ length: 100 }, (_, index) => index + 1);
      const sort = (list: number[]) => (delivery === 'reliable' ? list : list.toSorted((a, b) => a - b));
      expect(sort(numbers(gateway!.events))).toEqual(all);
      expect(sort(seen)).toEqual(all);
      expect(session.stats().resumes).toBeGreaterThan(5);
      expect(session.stats().unacknowledged).toBe(0);
      expect(gateway!.ended).toBe(false);
    },
  );

  test('has the newest value of each key, both ways', async () => {
    const [session, peer, world] = await over(rung);
    const seen: unknown[] = [];
    const channel = session.channel('a');
    channel.on('X', (number, { key }) => seen.push([key, number]));
    await Promise.all([channel.subscribe(), rest()]);
    const [gateway] = world.gateway.sessions;
    peer.silent = true;
    for (let number = 1; number <= 6; number++) {
      const key = `p${number % 2}`;
      channel.publish('X', number, { delivery: 'latest', key });
      gateway!.publish({ ...event(number, 'latest'), key });
      await world.clock.advance(10);
    }
    peer.silent = false;
    peer.cut();
    await world.clock.advance(1_000);
    expect(seen.slice(-2).toSorted()).toEqual([
      ['p0', 6],
      ['p1', 5],
    ]);
    expect(numbers(gateway!.events).slice(-2).toSorted()).toEqual([5, 6]);
  });

  test('goes on with its names', async () => {
    const [session, peer, world] = await over(rung);
    const channel = session.channel('a');
    channel.publish('X', 1);
    peer.send({ kind: 'names', routes: [{ number: 3, channel: '', type: 'Y' }], keys: [] });
    await rest();
    peer.cut();
    await world.clock.advance(250);
    const seen = record(session, 'message');
    channel.publish('X', 2);
    const named = { ...event(1, 'latest'), channel: '', type: 'Y', seq: undefined, ts: undefined };
    world.peers[1]!.sendBytes(encode(named, 'binary', { route: 3 }));
    await rest();
    expect(seen).toMatchObject([['Y', 1, {}]]);
    expect(world.peers[1]!.of('names')).toEqual([]);
    expect(numbers(world.gateway.sessions[0]!.events)).toEqual([1, 2]);
  });

  test('says what it has received, and that it speaks on the new connection', async () => {
    const [session, peer, world] = await over(rung);
    const channel = session.channel('a');
    await Promise.all([channel.subscribe(), rest()]);
    peer.event('a', 'X', 1, { seq: 1, ts: 1 });
    await rest();
    peer.cut();
    await world.clock.advance(250);
    const { resume } = world.peers[1]!.hello!;
    expect(resume!.token).toBe(`${session.id}-token-1`);
    expect(resume!.received.lanes).toContainEqual({ lane: 1, count: 1 });
    expect(world.peers[1]!.of('ping').length).toBeGreaterThan(0);
  });
});

describe('what overtakes WELCOME', () => {
  /** A session on its way back whose HELLO is not answered yet, and the gateway's end of it. */
  async function returning() {
    const [session, peer, world] = await over('webtransport');
    const seen: number[] = [];
    const channel = session.channel<{ X: number }>('a');
    channel.on('X', (number) => seen.push(number));
    await Promise.all([channel.subscribe(), rest()]);
    peer.send({ kind: 'names', routes: [{ number: 3, channel: 'a', type: 'X' }], keys: [] });
    await rest();
    world.manners = { hello: false };
    peer.cut();
    await world.clock.advance(250);
    const [, fake] = world.fakeSessions;
    return { session, world, seen, fake: fake! };
  }

  test('is kept and taken after it, though only the session can read it', async () => {
    const { seen, fake } = await returning();
    const lane = encode({ kind: 'lane', lane: 9, channel: 'a', count: 0 });
    const compact = encode(event(1), 'binary', { route: 3 });
    fake.peer.write(lane, 9);
    fake.peer.write(compact, 9);
    fake.peer.sendDatagram(encode({ ...event(2), delivery: 'unreliable' }, 'binary', { route: 3 }));
    await rest();
    expect(seen).toEqual([]);
    fake.peer.welcome();
    await rest();
    expect(seen.toSorted()).toEqual([1, 2]);
  });

  test('is bounded: past a mebibyte the connection fails, and the session tries again', async () => {
    const { session, world, fake } = await returning();
    const payload = new Uint8Array(60_000);
    for (let count = 0; count < 20; count++)
      fake.peer.write(encode({ ...event(1), codec: 'bytes', payload }), 9);
    await world.clock.advance(100);
    expect(fake.peer.closed?.code).toBe(CLOSE['transport-lost']);
    world.manners = {};
    await world.clock.advance(1_000);
    expect(session.state).toBe('open');
    expect(session.stats().resumes).toBe(1);
  });

  test('and is no event ends the attempt', async () => {
    const { world, fake } = await returning();
    fake.peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 });
    await world.clock.advance(100);
    expect(fake.peer.closed?.code).toBe(CLOSE['protocol-error']);
  });
});

test('a WELCOME that never comes is given up, and the session still goes on later', async () => {
  const [session, peer, world] = await over('websocket', { connectTimeout: 5_000 });
  world.manners = { hello: false };
  peer.cut();
  await world.clock.advance(5_250);
  expect(session.state).toBe('reconnecting');
  expect(world.sockets[1]!.closed?.code).toBe(CLOSE['transport-lost']);
  world.manners = {};
  await world.clock.advance(1_000);
  expect(session.state).toBe('open');
  expect(session.stats().resumes).toBe(1);
});

test('a WELCOME that claims what was never sent is a broken protocol', async () => {
  const [session, peer, world] = await over('websocket');
  const closed = record(session, 'close');
  world.manners = { hello: false };
  peer.cut();
  await world.clock.advance(250);
  const received = { lanes: [{ lane: 0, count: 99 }], unordered: { upTo: 0, beyond: [] } };
  world.sockets[1]!.welcome({ received });
  await world.clock.advance(100);
  expect(closed).toMatchObject([{ name: 'protocol-error', error: { code: 'protocol-error' } }]);
  expect(world.clock.pending).toBe(0);
});

describe('a session that the gateway no longer has', () => {
  test('goes on as a new one, and says how much is not confirmed', async () => {
    const [session, peer, world] = await over('websocket');
    const errors = record(session, 'error');
    const { id } = session;
    peer.silent = true;
    const channel = session.channel('a');
    for (const delivery of ['reliable', 'unordered', 'latest'] as const)
      channel.publish('X', 1, { delivery });
    await rest();
    peer.silent = false;
    world.gateway.forget();
    peer.cut();
    await world.clock.advance(250);
    expect(session.state).toBe('open');
    expect(session.id).not.toBe(id);
    expect(errors).toMatchObject([{ code: 'session-lost', details: { unconfirmed: 2 } }]);
    expect(session.stats()).toMatchObject({ resumes: 0, unacknowledged: 0 });
  });

  test('subscribes again, and sends what had not been sent', async () => {
    const [session, peer, world] = await over('websocket');
    const channel = session.channel('a');
    await Promise.all([channel.subscribe(), rest()]);
    world.gateway.forget();
    peer.cut();
    await rest();
    channel.publish('X', 5);
    await world.clock.advance(250);
    expect(world.sockets[1]!.of('subscribe')).toMatchObject([{ channel: 'a' }]);
    expect(numbers(world.gateway.sessions[1]!.events)).toEqual([5]);
  });

  /** Messages 1 to 3 come, then the session is lost; the new one is subscribed from `seq` on. */
  async function subscribedAgain(epoch: string, seq: number, last?: Event) {
    const [session, peer, world] = await over('websocket');
    const gaps = record(session, 'gap');
    await Promise.all([session.channel('a').subscribe(), rest()]);
    for (let number = 1; number <= 3; number++) peer.send(event(number));
    if (last) peer.send(last);
    await rest();
    world.manners = { subscribe: false };
    world.gateway.forget();
    peer.cut();
    await world.clock.advance(250);
    const [, second] = world.sockets;
    const { id } = second!.of('subscribe')[0]!;
    second!.send({ kind: 'subscribed', id, channel: 'a', epoch, seq, recovered: false, history: false });
    await rest();
    return gaps;
  }

  test('names what was missed', async () => {
    expect(await subscribedAgain('e1', 7)).toEqual([{ channel: 'a', from: 4, to: 7 }]);
  });

  test('names nothing where nothing was missed', async () => {
    expect(await subscribedAgain('e1', 3)).toEqual([]);
  });

  test('names nothing where all has come, the last of it not reliably', async () => {
    expect(await subscribedAgain('e1', 4, event(4, 'latest'))).toEqual([]);
    expect(await subscribedAgain('e1', 5, event(4, 'latest'))).toEqual([{ channel: 'a', from: 5, to: 5 }]);
  });

  test('names what is missing below the last that came: a reliable message overtakes others', async () => {
    expect(await subscribedAgain('e1', 5, event(5))).toEqual([{ channel: 'a', from: 4, to: 5 }]);
  });

  test('is not misled by what is late of a subscription before', async () => {
    const [session, peer, world] = await over('websocket', {}, { subscribe: false });
    const gaps = record(session, 'gap');
    const seen: number[] = [];
    const channel = session.channel<{ X: number }>('a');
    channel.on('X', (number) => seen.push(number));
    const answer = (to: Peer, index: number, seq: number): void => {
      const { id } = to.of('subscribe')[index]!;
      to.send({ kind: 'subscribed', id, channel: 'a', epoch: 'e1', seq, recovered: false, history: false });
    };
    const first = channel.subscribe();
    await rest();
    answer(peer, 0, 3);
    await Promise.all([first, rest()]);
    channel.unsubscribe().catch(() => {});
    const second = channel.subscribe();
    await rest();
    peer.send(event(5, 'unordered'));
    answer(peer, 1, 5);
    await rest();
    peer.send(event(4, 'unordered'));
    peer.send(event(7));
    await Promise.all([second, rest()]);
    expect(seen).toEqual([5, 7]);
    world.gateway.forget();
    peer.cut();
    await world.clock.advance(250);
    answer(world.sockets[1]!, 0, 7);
    await rest();
    expect(gaps).toEqual([{ channel: 'a', from: 6, to: 7 }]);
  });

  test('names nothing of a channel that was left meanwhile', async () => {
    const [session, peer, world] = await over('websocket');
    const gaps = record(session, 'gap');
    const channel = session.channel('a');
    await Promise.all([channel.subscribe(), rest()]);
    peer.send(event(1));
    await rest();
    world.manners = { subscribe: false };
    world.gateway.forget();
    peer.cut();
    await world.clock.advance(250);
    channel.unsubscribe().catch(() => {});
    const again = channel.subscribe();
    await rest();
    const [, second] = world.sockets;
    const { id } = second!.of('subscribe')[1]!;
    second!.send({
      kind: 'subscribed',
      id,
      channel: 'a',
      epoch: 'e1',
      seq: 9,
      recovered: false,
      history: false,
    });
    await Promise.all([again, rest()]);
    expect(gaps).toEqual([]);
  });

  test('names the beginning where the positions have begun anew', async () => {
    expect(await subscribedAgain('e2', 0)).toEqual([{ channel: 'a', from: 4, to: undefined }]);
  });

  test('fails with what was sent even if the gateway never kept sessions', async () => {
    const [session, peer, world] = await over('websocket', {}, { resume: false });
    const errors = record(session, 'error');
    session.channel('a').publish('X', 1);
    peer.cut();
    await world.clock.advance(250);
    expect(world.sockets[1]!.hello!.resume).toBeUndefined();
    expect(errors).toMatchObject([{ code: 'session-lost' }]);
    expect(session.state).toBe('open');
  });
});

test('limits are those of the last WELCOME', async () => {
  const [session, peer, world] = await over('websocket');
  world.manners = { hello: false };
  peer.cut();
  await world.clock.advance(250);
  world.sockets[1]!.welcome({ limits: { ...LIMITS, pingInterval: 2_000 } });
  await world.clock.advance(10_000);
  expect(world.sockets[1]!.of('ping').length).toBeGreaterThan(4);
  expect(session.state).toBe('open');
});

test('a session that is closed on its way back leaves nothing', async () => {
  const world = new World();
  const session = await world.session();
  world.manners = { hello: false };
  await world.clock.advance(1_000);
  world.sessions[0]!.cut();
  await world.clock.advance(300);
  const closing = session.close();
  await world.clock.advance(3_000);
  await closing;
  expect(world.clock.pending).toBe(0);
  expect(world.watchers.size).toBe(0);
  expect([...world.sessions.slice(1), ...world.sockets].every(({ closed }) => closed)).toBe(true);
});
