import type { Stage } from '@spillway/envelope';
import { expect, expectTypeOf, test } from 'vitest';
import { rest } from './testing/test-clock.ts';
import { over, rejection } from './testing/test-over.ts';
import type { Peer } from './testing/test-peer.ts';

/** The gateway says how far the last publication has come. */
async function tell(peer: Peer, ...outcomes: (Stage | 'delivered' | 'superseded')[]): Promise<void> {
  const { id } = peer.session!.events.at(-1)!;
  for (const outcome of outcomes) peer.send({ kind: 'receipt', receipts: [{ id: id!, outcome }] });
  await rest();
}

test('a publisher that asks for the end hears nothing before it', async () => {
  const [session, peer] = await over('websocket');
  const receipt = session.channel('a').publish('X', 1, { receipt: true });
  let settled = false;
  receipt.finally(() => {
    settled = true;
  });
  await rest();
  await tell(peer, 'received');
  expect(settled).toBe(false);
  await tell(peer, 'delivered');
  expect(await receipt).toBe('delivered');
});

test.each([
  ['received', 'received', 'received'],
  ['received', 'processed', 'received'],
  ['received', 'delivered', 'received'],
  ['received', 'superseded', 'superseded'],
  ['processed', 'processed', 'processed'],
  ['processed', 'delivered', 'processed'],
  ['processed', 'superseded', 'superseded'],
  [true, 'processed', 'delivered'],
] as const)('who asks for %s hears of %s as %s', async (receipt, outcome, heard) => {
  const [session, peer] = await over('websocket');
  const channel = session.channel('a');
  const told = receipt === true ? channel.publish('X', 1, { receipt }) : channel.publish('X', 1, { receipt });
  await rest();
  await tell(peer, outcome);
  expect(await told).toBe(heard);
});

test('who asks for processed waits past received', async () => {
  const [session, peer] = await over('websocket');
  const told = session.channel('a').publish('X', 1, { receipt: 'processed' });
  await rest();
  await tell(peer, 'received', 'delivered');
  expect(await told).toBe('processed');
});

test('a listener hears each stage once, in order, also those that nobody told', async () => {
  const [session, peer] = await over('websocket');
  const channel = session.channel('a');
  const heard: unknown[] = [];
  expect(channel.publish('X', 1, { receipt: (stage) => heard.push(stage) })).toBe(true);
  await rest();
  await tell(peer, 'received');
  expect(heard).toEqual(['received']);
  await tell(peer, 'delivered', 'delivered');
  expect(heard).toEqual(['received', 'processed', 'delivered']);
  channel.publish('X', 1, { receipt: (stage) => heard.push(stage) });
  await rest();
  await tell(peer, 'processed');
  channel.publish('X', 1, { receipt: (stage) => heard.push(stage) });
  await rest();
  await tell(peer, 'superseded');
  expect(heard.slice(3)).toEqual(['received', 'processed', 'superseded']);
});

test('a listener hears why the gateway refused it', async () => {
  const [session, peer] = await over('websocket');
  const heard: unknown[] = [];
  session.channel('a').publish('X', 1, { receipt: (stage, error) => heard.push([stage, error?.code]) });
  await rest();
  peer.send({ kind: 'error', id: peer.session!.events[0]!.id, code: 'forbidden', message: 'no' });
  await rest();
  expect(heard).toEqual([['failed', 'forbidden']]);
});

test('a listener that throws is reported, and hurts nobody', async () => {
  const [session, peer] = await over('websocket');
  const errors: unknown[] = [];
  session.on('error', (error) => errors.push(error.code));
  session.channel('a').publish('X', 1, {
    receipt: () => {
      throw new Error('bug');
    },
  });
  await rest();
  await tell(peer, 'delivered');
  expect(session.state).toBe('open');
  expect(errors).toEqual(Array(3).fill('listener-failed'));
});

test('the session’s end settles what a stage is waited for', async () => {
  const [session, , world] = await over('websocket');
  const told = session.channel('a').publish('X', 1, { receipt: 'received' });
  await rest();
  world.gateway.forget();
  world.sockets[0]!.cut();
  await world.clock.advance(250);
  expect(await told).toBe('gap');
  const late = session.channel('a').publish('X', 1, { receipt: 'received' });
  expectTypeOf(late).resolves.toExtend<string>();
  const refused = rejection(late);
  await session.close();
  expect((await refused).code).toBe('closed');
});
