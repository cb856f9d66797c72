import type { Delivery } from '@spillway/envelope';
import { expect, test } from 'vitest';
import type { Publication } from './outbox.ts';
import { Queue } from './queue.ts';

function event(
  type: string,
  delivery: Delivery = 'reliable',
  fields: Partial<Publication> = {},
): Publication {
  return {
    kind: 'event',
    channel: 'a',
    type,
    delivery,
    codec: 'bytes',
    payload: new Uint8Array(0),
    ...fields,
  };
}

function queue(maxBytes = 1_000) {
  const drops: string[] = [];
  const made = new Queue(maxBytes, ({ type }, name) => drops.push(`${type} ${name}`));
  return { drops, queue: made, types: (now = 0) => made.take(now).map(({ type }) => type) };
}

test('what must arrive waits in order, and goes once', () => {
  const { queue: made, types } = queue();
  for (const type of ['A', 'B', 'C']) made.push(event(type, type === 'B' ? 'unordered' : 'reliable'), 100, 0);
  expect(made.bytes).toBe(300);
  expect(types()).toEqual(['A', 'B', 'C']);
  expect(made.bytes).toBe(0);
  expect(types()).toEqual([]);
});

test('a latest message takes the place of the one before it of its slot', () => {
  const { queue: made, drops } = queue();
  const newer = event('STATE', 'latest', { key: 'p1', payload: new Uint8Array(5) });
  made.push(event('STATE', 'latest', { key: 'p1' }), 100, 0);
  made.push(event('STATE', 'latest', { key: 'p2' }), 100, 0);
  made.push(event('CHAT'), 100, 0);
  expect(made.push(newer, 150, 0)).toBe('sent');
  expect(made.bytes).toBe(350);
  expect(drops).toEqual(['STATE superseded']);
  const taken = made.take(0);
  expect(taken[0]).toBe(newer);
  expect(taken).toHaveLength(3);
});

test('an unreliable message is dropped at once', () => {
  const { queue: made, drops, types } = queue();
  expect(made.push(event('INPUT', 'unreliable'), 1, 0)).toBe('dropped');
  expect(drops).toEqual(['INPUT backlog']);
  expect(types()).toEqual([]);
});

test('a latest message older than its maxAge does not go', () => {
  const { queue: made, drops, types } = queue();
  made.push(event('OLD', 'latest', { maxAge: 100 }), 1, 0);
  made.push(event('NEW', 'latest', { maxAge: 100 }), 1, 50);
  made.push(event('SURE', 'reliable', { maxAge: 1 }), 1, 0);
  expect(types(100)).toEqual(['NEW', 'SURE']);
  expect(drops).toEqual(['OLD expired']);
});

test('past the bound the oldest latest message makes room, and what must arrive is refused last', () => {
  const { queue: made, drops, types } = queue(300);
  made.push(event('L1', 'latest'), 100, 0);
  made.push(event('R1'), 100, 0);
  made.push(event('L2', 'latest'), 100, 0);
  expect(made.push(event('R2'), 100, 0)).toBe('sent');
  expect(drops).toEqual(['L1 backlog']);
  expect(made.push(event('R3'), 100, 0)).toBe('sent');
  expect(made.push(event('R4'), 100, 0)).toBe('queue-full');
  expect(made.push(event('L3', 'latest'), 100, 0)).toBe('dropped');
  expect(drops).toEqual(['L1 backlog', 'L2 backlog', 'L3 backlog']);
  expect(made.bytes).toBe(300);
  expect(types()).toEqual(['R1', 'R2', 'R3']);
});

test('a latest message that grew may push out others, never itself', () => {
  const { queue: made, drops, types } = queue(300);
  made.push(event('L1', 'latest'), 100, 0);
  made.push(event('L2', 'latest'), 100, 0);
  expect(made.push(event('L1', 'latest'), 250, 0)).toBe('sent');
  expect(drops).toEqual(['L1 superseded', 'L2 backlog']);
  expect(types()).toEqual(['L1']);
});
