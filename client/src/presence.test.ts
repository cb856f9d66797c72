import { expect, test } from 'vitest';
import { rest } from './testing/test-clock.ts';
import { over } from './testing/test-over.ts';
import type { Peer } from './testing/test-peer.ts';

interface Shown {
  session: string;
  user?: string;
  state?: unknown;
}

async function setUp() {
  const [session, peer, world] = await over('websocket');
  const channel = session.channel('a');
  const told: string[] = [];
  for (const event of ['join', 'update', 'leave'] as const) {
    channel.presence.on(event, ({ session: id, state }, { alone }) =>
      told.push(`${event} ${id} ${JSON.stringify(state)}${alone ? '' : ' too'}`),
    );
  }
  channel.presence.on('sync', (members) => told.push(`sync ${[...members.keys()]}`));
  await Promise.all([channel.subscribe(), rest()]);
  return { session, peer, world, channel, told };
}

/** Answers the last `$presence`. */
function answer(peer: Peer, members: Shown[], next?: number): void {
  const payload = new TextEncoder().encode(JSON.stringify({ users: 1, members, next }));
  peer.send({ kind: 'response', id: peer.of('request').at(-1)!.id, more: false, codec: 'json', payload });
}

function asked(peer: Peer): unknown[] {
  return peer
    .of('request')
    .map(({ type, channel, payload }) => [type, channel, JSON.parse(new TextDecoder().decode(payload))]);
}

const event = (peer: Peer, type: string, member: Shown, alone = true): void =>
  peer.event('a', type, { ...member, alone });

test('the members are those of the snapshot, then those who come and go', async () => {
  const { peer, channel, told } = await setUp();
  const watching = channel.presence.watch();
  await rest();
  expect(asked(peer)).toEqual([['$presence', 'a', { watch: true }]]);
  answer(peer, [{ session: 's1', user: 'ada' }]);
  await Promise.all([watching, rest()]);
  expect(await watching).toBe(channel.presence.members);
  event(peer, '$join', { session: 's2', state: 1 });
  event(peer, '$update', { session: 's2', state: 2 });
  event(peer, '$leave', { session: 's1', user: 'ada' });
  await rest();
  expect(told).toEqual(['sync s1', 'join s2 1', 'update s2 2', 'leave s1 undefined']);
  expect([...channel.presence.members]).toEqual([['s2', { session: 's2', state: 2 }]]);
});

test('what overtakes the snapshot counts after it, and what it says already is told once', async () => {
  const { peer, channel, told } = await setUp();
  const watching = channel.presence.watch();
  await rest();
  event(peer, '$leave', { session: 's1' });
  event(peer, '$join', { session: 's2' });
  await rest();
  expect(told).toEqual([]);
  answer(peer, [{ session: 's1' }, { session: 's2' }]);
  await Promise.all([watching, rest()]);
  expect(told).toEqual(['sync s1,s2', 'leave s1 undefined']);
});

test('watching twice asks once, and events are no messages of the channel', async () => {
  const { peer, channel } = await setUp();
  const messages: unknown[] = [];
  channel.on('$join', (payload) => messages.push(payload));
  const both = Promise.all([channel.presence.watch(), channel.presence.watch()]);
  await rest();
  answer(peer, []);
  event(peer, '$join', { session: 's2' });
  await Promise.all([both, rest()]);
  await channel.presence.watch();
  expect([asked(peer).length, messages]).toEqual([1, []]);
});

test('a resumed session goes on watching; a lost one asks again and tells the differences', async () => {
  const { peer, world, channel, told } = await setUp();
  const watching = channel.presence.watch();
  await rest();
  answer(peer, [
    { session: 's1', state: 1 },
    { session: 's2', user: 'bob' },
    { session: 's3', user: 'bob' },
  ]);
  await Promise.all([watching, rest()]);
  peer.cut();
  await world.clock.advance(250);
  const resumed = world.sockets.at(-1)!;
  expect(asked(resumed)).toEqual([]);
  told.length = 0;
  world.gateway.forget();
  resumed.cut();
  await world.clock.advance(250);
  const fresh = world.sockets.at(-1)!;
  expect(asked(fresh)).toEqual([['$presence', 'a', { watch: true }]]);
  answer(fresh, [{ session: 's1', state: 2 }, { session: 's3', user: 'bob' }, { session: 's4' }]);
  await rest();
  expect(told).toEqual(['leave s2 undefined too', 'update s1 2', 'join s4 undefined', 'sync s1,s3,s4']);
});

test('a state is shown once the channel is subscribed to, and again in the next session', async () => {
  const { session, peer, world } = await setUp();
  const other = session.channel('b');
  peer.manners.subscribe = false;
  const [joining, updating] = [other.subscribe(), other.presence.update({ typing: true })];
  await rest();
  expect(asked(peer)).toEqual([]);
  const { id } = peer.of('subscribe').at(-1)!;
  const place = { channel: 'b', epoch: 'e', seq: 0, recovered: false, history: false };
  peer.send({ kind: 'subscribed', id, ...place });
  await rest();
  expect(asked(peer)).toContainEqual(['$presence', 'b', { state: { typing: true } }]);
  for (const request of peer.of('request')) {
    peer.send({ kind: 'response', id: request.id, more: false, codec: 'json', payload: new Uint8Array(0) });
  }
  await Promise.all([joining, updating]);
  world.gateway.forget();
  peer.cut();
  await world.clock.advance(250);
  expect(asked(world.sockets.at(-1)!)).toEqual([['$presence', 'b', { state: { typing: true } }]]);
});

test('a refusal rejects who waits; a later one is an error event, and ends the watch', async () => {
  const { session, peer, channel } = await setUp();
  const errors: unknown[] = [];
  session.on('error', ({ code, details }) => errors.push([code, details]));
  const refused = channel.presence.watch();
  refused.catch(() => {});
  await rest();
  peer.send({ kind: 'error', id: peer.of('request').at(-1)!.id, code: 'forbidden', message: '' });
  await expect(refused).rejects.toMatchObject({ code: 'forbidden' });
  expect(errors).toEqual([]);
  const watching = channel.presence.watch();
  await rest();
  answer(peer, [{ session: 's1' }]);
  await Promise.all([watching, rest()]);
  peer.send({ kind: 'error', code: 'forbidden', message: '', details: '{"channel":"a","type":"$presence"}' });
  event(peer, '$join', { session: 's2' });
  await rest();
  expect(errors).toEqual([['forbidden', { channel: 'a' }]]);
  expect([...channel.presence.members.keys()]).toEqual(['s1']);
});

test('who stops watching is told nothing more, and may watch again', async () => {
  const { peer, channel, told } = await setUp();
  const watching = channel.presence.watch();
  await rest();
  answer(peer, [{ session: 's1' }]);
  await Promise.all([watching, rest()]);
  const stopping = channel.presence.unwatch();
  await rest();
  expect(asked(peer).at(-1)).toEqual(['$presence', 'a', { watch: false }]);
  event(peer, '$leave', { session: 's1' });
  answer(peer, []);
  await Promise.all([stopping, rest()]);
  expect([told, channel.presence.members.size]).toEqual([['sync s1'], 0]);
  const again = channel.presence.watch();
  await rest();
  answer(peer, [{ session: 's2' }]);
  await Promise.all([again, rest()]);
  expect(told).toEqual(['sync s1', 'sync s2']);
});

test('a closed session ends who waits', async () => {
  const { session, channel } = await setUp();
  const watching = channel.presence.watch();
  watching.catch(() => {});
  await rest();
  void session.close();
  await expect(watching).rejects.toMatchObject({ code: 'closed' });
  await expect(channel.presence.watch()).rejects.toMatchObject({ code: 'closed' });
});

test('a pattern has no presence of its own', async () => {
  const { session, peer } = await setUp();
  await expect(session.channel('a/+').presence.watch()).rejects.toThrow(TypeError);
  expect(asked(peer)).toEqual([]);
});

test('members that come in pages are known when the last has come', async () => {
  const { peer, channel, told } = await setUp();
  const watching = channel.presence.watch();
  await rest();
  answer(peer, [{ session: 's1' }], 2);
  await rest();
  event(peer, '$leave', { session: 's1' });
  await rest();
  expect([asked(peer).at(-1), told]).toEqual([['$presence', 'a', { watch: true, from: 2 }], []]);
  answer(peer, [{ session: 's2' }]);
  await Promise.all([watching, rest()]);
  expect(told).toEqual(['sync s1,s2', 'leave s1 undefined']);
});

test('where the gateway could not tell everything, the members are asked for again', async () => {
  const { peer, channel, told } = await setUp();
  const watching = channel.presence.watch();
  await rest();
  answer(peer, [{ session: 's1' }]);
  await Promise.all([watching, rest()]);
  peer.event('a', '$reset', undefined);
  event(peer, '$join', { session: 's3' });
  await rest();
  expect(asked(peer)).toHaveLength(2);
  answer(peer, [{ session: 's2' }]);
  await rest();
  expect(told).toEqual([
    'sync s1',
    'leave s1 undefined',
    'join s2 undefined',
    'sync s2',
    'join s3 undefined',
  ]);
});
