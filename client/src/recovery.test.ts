import {
  type Delivery,
  type Envelope,
  type Event,
  encode,
  joinPacket,
  jsonPayload,
} from '@spillway/envelope';
import { expect, test } from 'vitest';
import { rest } from './testing/test-clock.ts';
import { over, record } from './testing/test-over.ts';
import type { Peer } from './testing/test-peer.ts';

// What was missed: asked for again at the subscription, or filled in from history, or named.

function event(seq: number, delivery: Delivery = 'reliable', channel = 'a'): Event {
  return {
    kind: 'event',
    channel,
    type: 'X',
    delivery,
    codec: 'json',
    seq,
    ts: 1,
    payload: jsonPayload(seq),
  };
}

async function setUp({ history = true, name = 'a' } = {}) {
  const [session, peer, world] = await over('websocket', {}, { subscribe: false });
  const channel = session.channel(name);
  const seen: unknown[] = [];
  const gaps: unknown[] = [];
  // Both in one list, so that their order shows.
  channel.on('X', (payload) => seen.push(payload));
  session.on('gap', ({ from, to }) => seen.push(`gap ${from}-${to}`));
  const subscribing = channel.subscribe();
  await rest();
  confirm(peer, { history });
  await subscribing;
  return { session, peer, world, channel, seen, gaps };
}

/** Answers the last SUBSCRIBE. */
function confirm(peer: Peer, fields: Partial<Extract<Envelope, { kind: 'subscribed' }>> = {}): void {
  const { id, channel } = peer.of('subscribe').at(-1)!;
  peer.send({
    kind: 'subscribed',
    id,
    channel,
    epoch: 'e1',
    seq: 0,
    recovered: false,
    history: true,
    ...fields,
  });
}

/** Answers the last `$history`. */
function answer(peer: Peer, events: Event[], about: object = {}): void {
  const { id } = peer.of('request').at(-1)!;
  const payload = jsonPayload({ epoch: 'e1', seq: 99, forgotten: 0, ...about });
  const head: Envelope = { kind: 'response', id, more: false, codec: 'json', payload };
  const packet = joinPacket(
    [head, ...events].map((envelope) => encode(envelope)),
    'binary',
  );
  peer.send({ kind: 'response', id, more: false, codec: 'bytes', payload: packet });
}

const asked = (peer: Peer): unknown[] =>
  peer.of('request').map(({ type, payload }) => [type, JSON.parse(new TextDecoder().decode(payload))]);

test('a gap is filled from history, and what comes meanwhile waits for it', async () => {
  const { peer, seen } = await setUp();
  peer.send(event(1));
  peer.send({ kind: 'gap', channel: 'a', from: 2, to: 4 });
  peer.send(event(5));
  await rest();
  expect(seen).toEqual([1]);
  expect(asked(peer)).toEqual([['$history', { from: 2, limit: 500, epoch: 'e1' }]]);
  answer(peer, [event(2), event(3, 'unordered'), event(4), event(5)]);
  await rest();
  peer.send(event(6));
  await rest();
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
});

test('page by page, and of what is kept no more the rest is named', async () => {
  const { peer, seen } = await setUp();
  peer.send({ kind: 'gap', channel: 'a', from: 1, to: 9 });
  peer.send(event(10));
  await rest();
  answer(peer, [event(4), event(5)], { forgotten: 3, next: 6 });
  await rest();
  expect(asked(peer).at(-1)).toEqual(['$history', { from: 6, limit: 500, epoch: 'e1' }]);
  // Meanwhile more was forgotten.
  answer(peer, [event(8), event(9)], { forgotten: 7 });
  await rest();
  expect(seen).toEqual(['gap 1-3', 4, 5, 'gap 6-7', 8, 9, 10]);
});

test('gaps that follow each other are filled in their order', async () => {
  const { peer, seen } = await setUp();
  peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 });
  peer.send(event(3));
  peer.send({ kind: 'gap', channel: 'a', from: 4, to: 4 });
  await rest();
  expect(asked(peer).length).toBe(1);
  answer(peer, [event(1), event(2)]);
  await rest();
  answer(peer, [event(4)]);
  await rest();
  expect(seen).toEqual([1, 2, 3, 4]);
});

test.each([
  ['the gateway refuses', 'forbidden'],
  ['the positions have begun anew', 'history-lost'],
])('where %s, the gap is named', async (_, code) => {
  const { peer, seen } = await setUp();
  peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 });
  peer.send(event(3));
  await rest();
  peer.send({ kind: 'error', id: peer.of('request')[0]!.id, code, message: '' });
  await rest();
  expect(seen).toEqual(['gap 1-2', 3]);
});

test('a gap is named at once where there is no history, or what follows has been handed out', async () => {
  const without = await setUp({ history: false });
  without.peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 });
  await rest();
  expect(without.seen).toEqual(['gap 1-2']);
  const { peer, seen } = await setUp();
  peer.send(event(5));
  peer.send({ kind: 'gap', channel: 'a', from: 3, to: 4 });
  await rest();
  expect([seen, asked(peer)]).toEqual([[5, 'gap 3-4'], []]);
});

test('too much that waits is not held back for ever', async () => {
  const { peer, seen } = await setUp();
  peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 });
  for (let seq = 3; seq < 1_100; seq++) peer.send(event(seq));
  await rest();
  expect(seen.slice(0, 2)).toEqual(['gap 1-2', 3]);
  expect(seen.at(-1)).toBe(1_099);
  // Too late.
  answer(peer, [event(1), event(2)]);
  await rest();
  expect(seen.at(-1)).toBe(1_099);
});

test('a channel that is left while a gap is filled hands out nothing more', async () => {
  const { peer, channel, seen } = await setUp();
  peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 });
  peer.send(event(3));
  await rest();
  channel.unsubscribe().catch(() => {});
  await rest();
  answer(peer, [event(1), event(2)]);
  await rest();
  expect(seen).toEqual([]);
});

test('a lost session asks for what came after the last that is sure, and hands out nothing twice', async () => {
  const { peer, world, seen } = await setUp();
  for (const one of [event(1), event(2, 'unordered'), event(4), event(5, 'unordered')]) peer.send(one);
  await rest();
  world.gateway.forget();
  peer.cut();
  await world.clock.advance(250);
  const next = world.sockets.at(-1)!;
  // 3 may still be missing, though 4 has come.
  expect(next.of('subscribe')).toMatchObject([{ channel: 'a', since: { epoch: 'e1', seq: 2 } }]);
  // Lanes may overtake the answer.
  next.send(event(3, 'unordered'));
  await rest();
  expect(seen).toEqual([1, 2, 4, 5]);
  confirm(next, { seq: 2, recovered: true });
  for (const seq of [4, 5, 6]) next.send(event(seq, seq === 5 ? 'unordered' : 'reliable'));
  await rest();
  expect(seen).toEqual([1, 2, 4, 5, 3, 6]);
});

test('what a lost session could not recover in one go is filled from history too', async () => {
  const { peer, world, seen, session } = await setUp();
  peer.send(event(1));
  await rest();
  world.gateway.forget();
  peer.cut();
  await world.clock.advance(250);
  const next = world.sockets.at(-1)!;
  confirm(next, { seq: 4, recovered: false });
  next.send(event(5));
  await rest();
  expect(asked(next)).toEqual([['$history', { from: 2, limit: 500, epoch: 'e1' }]]);
  answer(next, [event(3), event(4), event(5)], { forgotten: 2 });
  await rest();
  expect(seen).toEqual([1, 'gap 2-2', 3, 4, 5]);
  expect(session.stats().missing).toBe(0);
});

test('a session that is lost while a gap is filled names it, and begins after what has come', async () => {
  const { peer, world, seen } = await setUp();
  peer.send({ kind: 'gap', channel: 'a', from: 1, to: 2 });
  peer.send(event(3));
  await rest();
  world.gateway.forget();
  peer.cut();
  await world.clock.advance(250);
  expect(seen).toEqual(['gap 1-2', 3]);
  expect(world.sockets.at(-1)!.of('subscribe')).toHaveLength(1);
});

test('subscribe({ since }) says so to the gateway, and what it answered', async () => {
  const { session, peer } = await setUp();
  const other = session.channel('b');
  const since = { epoch: 'e1', seq: 7 };
  const subscribing = other.subscribe({ since });
  await rest();
  expect(peer.of('subscribe').at(-1)).toMatchObject({ channel: 'b', since });
  confirm(peer, { seq: 7, recovered: true });
  expect(await subscribing).toEqual({ ...since, recovered: true });
  expect(await other.subscribe()).toEqual({ ...since, recovered: true });
  expect(other.position).toEqual(since);
  peer.send(event(8, 'reliable', 'b'));
  await rest();
  expect(other.position).toEqual({ epoch: 'e1', seq: 8 });
});

test('a pattern has every channel that it covers, beside their own objects', async () => {
  const { session, peer, seen } = await setUp();
  const heard: unknown[] = [];
  for (const name of ['a/+', '#', 'b/+'])
    session.channel(name).on('X', (payload, { channel }) => heard.push([name, channel, payload]));
  peer.manners.subscribe = true;
  await Promise.all([session.channel('a/+').subscribe(), session.channel('#').subscribe(), rest()]);
  peer.send(event(1, 'reliable', 'a/1'));
  peer.send(event(1, 'reliable', 'b/1'));
  peer.send(event(1));
  await rest();
  expect(heard).toEqual([
    ['a/+', 'a/1', 1],
    ['#', 'a/1', 1],
    ['#', 'b/1', 1],
    ['#', 'a', 1],
  ]);
  expect(seen).toEqual([1]);
  expect(session.channel('#').position).toBeUndefined();
  expect(session.stats().missing).toBe(0);
});

test('a pattern that comes later is found too', async () => {
  const { session, peer } = await setUp();
  peer.manners.subscribe = true;
  const heard: unknown[] = [];
  const listen = (name: string) => session.channel(name).on('X', () => heard.push(name));
  listen('+');
  await Promise.all([session.channel('+').subscribe(), rest()]);
  peer.send(event(1));
  await rest();
  listen('#');
  await Promise.all([session.channel('#').subscribe(), rest()]);
  peer.send(event(2));
  await rest();
  expect(heard).toEqual(['+', '+', '#']);
});

test('a publisher that asks for a reply gets what the channel answers, or why not', async () => {
  const { session, peer } = await setUp();
  const errors = record(session, 'error');
  const desk = session.channel<{ ASK: number }>('desk');
  const ask = () => desk.publish('ASK', 1, { reply: true });
  const all = [ask(), ask(), ask(), ask()];
  await rest();
  const ids = peer.of('event').map(({ id }) => id!);
  peer.send({ kind: 'response', id: ids[0]!, more: false, codec: 'json', payload: jsonPayload({ n: 2 }) });
  peer.send({
    kind: 'receipt',
    receipts: [
      { id: ids[1]!, outcome: 'received' },
      { id: ids[2]!, outcome: 'dropped' },
    ],
  });
  peer.send({ kind: 'receipt', receipts: [{ id: ids[1]!, outcome: 'processed' }] });
  peer.send({ kind: 'error', id: ids[3]!, code: 'no', message: '' });
  expect(
    (await Promise.allSettled(all)).map((one) => ('value' in one ? one.value : one.reason.code)),
  ).toEqual([{ n: 2 }, undefined, 'dropped', 'no']);
  expect(errors).toEqual([]);
});

test('to who wants a receipt an answer says that it came', async () => {
  const { session, peer } = await setUp();
  const outcome = session.channel('desk').publish('ASK', 1, { receipt: true });
  await rest();
  const id = peer.of('event')[0]!.id!;
  peer.send({ kind: 'response', id, more: false, codec: 'json', payload: jsonPayload(5) });
  expect(await outcome).toBe('delivered');
});
