import { expect, expectTypeOf, test } from 'vitest';
import type { Channel, Message } from './api.ts';
import type { SessionCore } from './session.ts';
import { rest } from './testing/test-clock.ts';
import type { Peer } from './testing/test-peer.ts';
import { World } from './testing/test-world.ts';

interface Events {
  STATE: { x: number };
  SAY: string;
}

async function subscribed(): Promise<[Channel<Events>, Peer, SessionCore, World]> {
  const world = new World();
  const session = await world.session({ transports: ['websocket'] });
  await world.clock.advance(0);
  const channel = session.channel<Events>('arena/7');
  await Promise.all([channel.subscribe(), rest()]);
  return [channel, world.sockets[0]!, session, world];
}

test('a channel is the same object for the same name, and refuses what cannot be a name', async () => {
  const [channel, , session] = await subscribed();
  expect(session.channel('arena/7')).toBe(channel);
  expect(channel.name).toBe('arena/7');
  for (const name of ['', 'a//b', 'a+', '#/a', 'x'.repeat(256)])
    expect(() => session.channel(name)).toThrow(TypeError);
});

test('payload types follow the type of the message', async () => {
  const [channel] = await subscribed();
  channel.on('STATE', (payload) => expectTypeOf(payload).toEqualTypeOf<{ x: number }>());
  // @ts-expect-error no such type
  channel.on('NONE', () => {});
  // @ts-expect-error not the payload of SAY
  channel.publish('SAY', 7);
  expectTypeOf<Message<Events>['type']>().toEqualTypeOf<'STATE' | 'SAY'>();
});

test('subscribing twice asks once', async () => {
  const [channel, peer] = await subscribed();
  await channel.subscribe();
  expect(peer.of('subscribe')).toHaveLength(1);
});

test('calls that wait for the same subscription share its answer', async () => {
  const [, peer, session] = await subscribed();
  peer.manners.subscribe = false;
  const other = session.channel('other');
  const both = Promise.allSettled([other.subscribe(), other.subscribe()]);
  await rest();
  const { id } = peer.of('subscribe')[1]!;
  peer.send({ kind: 'error', id, code: 'forbidden', message: 'no' });
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(peer.of('subscribe')).toHaveLength(2);
});

test('a refused subscription rejects with the gateway’s code, and can be tried again', async () => {
  const [, peer, session] = await subscribed();
  peer.manners.subscribe = false;
  const other = session.channel('other');
  const failed = other.subscribe().catch((error: unknown) => error);
  await rest();
  peer.send({ kind: 'error', id: peer.of('subscribe')[1]!.id, code: 'forbidden', message: 'no' });
  expect(await failed).toMatchObject({ code: 'forbidden', message: 'no' });
  peer.manners.subscribe = true;
  await Promise.all([other.subscribe(), rest()]);
});

test('a subscription that cannot be renewed in a new session is an error event', async () => {
  const [, peer, session, world] = await subscribed();
  const errors: unknown[] = [];
  session.on('error', (error) => errors.push(error));
  world.manners = { subscribe: false };
  world.gateway.forget();
  peer.cut();
  await world.clock.advance(250);
  const second = world.sockets[1]!;
  second.send({
    kind: 'error',
    id: second.of('subscribe')[0]!.id,
    code: 'forbidden',
    message: 'not any more',
  });
  await rest();
  expect(errors).toMatchObject([
    { code: 'session-lost' },
    { code: 'forbidden', details: { channel: 'arena/7' } },
  ]);
});

test('a subscription that is revoked is an error event, and can be asked for again', async () => {
  const [channel, peer, session] = await subscribed();
  const errors: unknown[] = [];
  session.on('error', (error) => errors.push(error));
  const seen: unknown[] = [];
  channel.on('SAY', (text) => seen.push(text));
  peer.send({ kind: 'error', code: 'forbidden', message: 'banned', details: '{"channel":"arena/7"}' });
  peer.event('arena/7', 'SAY', 'late', { seq: 1, ts: 1 });
  await rest();
  expect(errors).toMatchObject([{ code: 'forbidden', details: { channel: 'arena/7' } }]);
  expect(seen).toEqual([]);
  await Promise.all([channel.subscribe(), rest()]);
  expect(peer.of('subscribe')).toHaveLength(2);
});

test('a subscribe that waits when the connection is lost is answered over the next', async () => {
  const [, peer, session, world] = await subscribed();
  peer.silent = true;
  const waiting = session.channel('other').subscribe();
  await rest();
  peer.silent = false;
  peer.cut();
  await world.clock.advance(250);
  await waiting;
  expect(world.sockets[1]!.of('subscribe').map(({ channel }) => channel)).toEqual(['other']);
});

test('subscribing while reconnecting takes effect on the next connection', async () => {
  const [, peer, session, world] = await subscribed();
  peer.cut();
  await rest();
  const waiting = session.channel('other').subscribe();
  await world.clock.advance(250);
  await waiting;
  expect(world.sockets[1]!.of('subscribe').map(({ channel }) => channel)).toEqual(['other']);
});

test('after unsubscribe nothing is delivered and nothing renewed', async () => {
  const [channel, peer, , world] = await subscribed();
  const seen: unknown[] = [];
  channel.on('SAY', (text) => seen.push(text));
  const leaving = channel.unsubscribe();
  peer.event('arena/7', 'SAY', 'late', { seq: 1, ts: 1 });
  await Promise.all([leaving, rest()]);
  expect(seen).toEqual([]);
  expect(peer.of('unsubscribe')).toHaveLength(1);
  world.gateway.forget();
  peer.cut();
  await world.clock.advance(250);
  expect(world.sockets[1]!.of('subscribe')).toEqual([]);
});

test('unsubscribing ends well when the session is lost, and says nothing where nothing was asked', async () => {
  const [channel, peer, session, world] = await subscribed();
  await session.channel('never').unsubscribe();
  peer.manners.subscribe = false;
  const leaving = channel.unsubscribe();
  await rest();
  expect(peer.of('unsubscribe')).toHaveLength(1);
  world.gateway.forget();
  peer.cut();
  await Promise.all([leaving, world.clock.advance(250)]);
});

test('the gateway hears of an unsubscribe while there was no connection, before a new subscribe', async () => {
  const [channel, peer, , world] = await subscribed();
  peer.cut();
  await rest();
  await channel.unsubscribe();
  const again = channel.subscribe();
  await Promise.all([again, world.clock.advance(250)]);
  expect(world.gateway.sessions[0]!.taken.slice(1).map(({ kind }) => kind)).toEqual([
    'unsubscribe',
    'subscribe',
  ]);
});

test('the lane of a channel ends when it is unsubscribed', async () => {
  const [channel, peer] = await subscribed();
  channel.publish('SAY', 'x');
  await rest();
  expect(peer.of('lane')).toMatchObject([{ lane: 1, channel: 'arena/7' }]);
  await Promise.all([channel.unsubscribe(), rest()]);
  expect(peer.of('lane').at(-1)).toMatchObject({ lane: 1, channel: '' });
});

test('a subscribe that is overtaken by unsubscribe is aborted', async () => {
  const [, peer, session] = await subscribed();
  peer.manners.subscribe = false;
  const other = session.channel('other');
  const failed = other.subscribe().catch((error: unknown) => error);
  other.unsubscribe().catch(() => {}); // answered by nobody here
  expect(await failed).toMatchObject({ code: 'aborted' });
});

test('for await yields messages until the channel is unsubscribed', async () => {
  const [channel, peer] = await subscribed();
  const seen: unknown[] = [];
  const loop = (async () => {
    for await (const { type, payload, meta } of channel) seen.push([type, payload, meta.seq]);
  })();
  peer.event('arena/7', 'SAY', 'one', { seq: 1, ts: 1 });
  await rest();
  peer.event('arena/7', 'STATE', { x: 2 }, { seq: 2, ts: 1 });
  await rest();
  await Promise.all([channel.unsubscribe(), rest()]);
  await loop;
  expect(seen).toEqual([
    ['SAY', 'one', 1],
    ['STATE', { x: 2 }, 2],
  ]);
});

test('breaking out of a loop ends its queue', async () => {
  const [channel, peer] = await subscribed();
  peer.event('arena/7', 'SAY', 'one', {});
  const loop = (async () => {
    for await (const message of channel) return message.payload;
    return undefined;
  })();
  await rest();
  expect(await loop).toBe('one');
  for (let count = 0; count < 1_100; count++) peer.event('arena/7', 'SAY', 'more', {});
  await rest();
});

test('a loop ends with its session', async () => {
  const [channel, , session] = await subscribed();
  const loop = (async () => {
    for await (const message of channel) expect(message).toBeUndefined();
  })();
  await session.close();
  await loop;
  for await (const message of channel) expect(message).toBeUndefined();
  await expect(channel.subscribe()).rejects.toMatchObject({ code: 'closed' });
  expect(channel.publish('SAY', 'x')).toBe(false);
  await expect(session.request('X')).rejects.toMatchObject({ code: 'closed' });
});
