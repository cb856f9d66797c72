import { expect, test } from 'vitest';
import type { Message } from './message.ts';
import { Pending } from './pending.ts';
import { Heard } from './test-bench.ts';

let heard: Heard;
let pending: Pending;

function fresh(softBudget = 1000): void {
  heard = new Heard();
  pending = new Pending(softBudget, heard);
}

function latest(slot: string, id?: string, size = 10, maxAge?: number): Message {
  return { bytes: new Uint8Array(size), channel: 'a', delivery: 'latest', slot, id, maxAge };
}

function unreliable(id?: string, size = 10, maxAge?: number): Message {
  return { bytes: new Uint8Array(size), channel: 'a', delivery: 'unreliable', id, maxAge };
}

function add(...messages: Message[]): Message[] {
  for (const message of messages) pending.add(message, 0);
  return messages;
}

const all = (now = 0) => pending.takeInto(Number.POSITIVE_INFINITY, now);

test('a latest message replaces the one of its slot that waits, and keeps its place in line', () => {
  fresh();
  const [, other, loose] = add(latest('p1', 'old', 100), latest('p2'), unreliable());
  const [newer] = add(latest('p1', 'new', 20));
  expect([pending.size, pending.bytes]).toEqual([3, 40]);
  expect(all()).toEqual([newer, other, loose]);
  expect(heard.outcomes).toEqual(['old superseded']);
  expect(heard.drops).toEqual(['superseded']);
  expect([pending.size, pending.bytes]).toEqual([0, 0]);
});

test('both classes leave in the order in which they came', () => {
  fresh();
  const messages = add(unreliable(), latest('p1'), unreliable(), latest('p2'));
  expect(all()).toEqual(messages);
});

test('a packet holds what fits, in order, and at least one message', () => {
  fresh();
  const [a, b, c] = add(unreliable(undefined, 50), unreliable(undefined, 50), unreliable(undefined, 10));
  expect(pending.takeInto(103, 0, 2)).toEqual([a]);
  expect(pending.takeInto(1, 0, 2)).toEqual([b]);
  expect(pending.takeInto(12, 0, 2)).toEqual([c]);
  expect(pending.takeInto(100, 0)).toEqual([]);
});

test('what is past its maxAge is dropped by name, also behind the other class', () => {
  fresh();
  const [state] = add(latest('p1'), unreliable('u', 10, 50), unreliable('v', 10, 500));
  expect(pending.nextExpiry).toBe(50);
  expect(pending.peek(49)).toBe(state);
  expect(heard.drops).toEqual([]);
  expect(pending.peek(50)).toBe(state);
  expect(heard.outcomes).toEqual(['u expired']);
  expect(pending.nextExpiry).toBe(500);
  pending.peek(500);
  expect(pending.nextExpiry).toBeUndefined();
});

test('an expired latest message leaves its slot, a replacement has an age of its own', () => {
  fresh();
  pending.add(latest('p1', 'old', 10, 50), 0);
  pending.add(latest('p1', 'new', 10, 50), 40);
  expect(pending.peek(60)?.id).toBe('new');
  expect(pending.peek(90)).toBeUndefined();
  expect(heard.outcomes).toEqual(['old superseded', 'new expired']);
  expect([pending.slots, pending.size, pending.bytes]).toEqual([0, 0, 0]);
});

test('over the soft budget the oldest unreliable message is dropped first', () => {
  fresh(100);
  const [state, , second, third] = add(
    latest('p1', 'p1', 40),
    unreliable('u1', 30),
    unreliable('u2', 30),
    unreliable('u3', 30),
  );
  expect(heard.outcomes).toEqual(['u1 dropped']);
  expect(heard.drops).toEqual(['backlog']);
  expect(all()).toEqual([state, second, third]);
});

test('an unreliable message that finds the budget full of states is itself the one to go', () => {
  fresh(100);
  add(latest('p1', undefined, 90));
  expect(pending.add(unreliable('u', 20), 0)).toBe('backlog');
  expect(pending.add(latest('p2', undefined, 20), 0)).toBe('queued');
  expect(heard.outcomes).toEqual(['u dropped']);
  expect(pending.size).toBe(2);
});

test('states may grow to four times the soft budget, then the oldest is dropped', () => {
  fresh(100);
  add(...Array.from({ length: 10 }, (_, index) => latest(`p${index}`, `p${index}`, 50)));
  expect(pending.bytes).toBe(400);
  expect(heard.outcomes).toEqual(['p0 dropped', 'p1 dropped']);
  expect(pending.current('p0')).toBeUndefined();
});

test('a single message over the budget waits nevertheless', () => {
  fresh(100);
  expect(pending.add(unreliable('u', 500), 0)).toBe('queued');
  expect(all()).toHaveLength(1);
});

test('slots are bounded, the oldest that waits is dropped', () => {
  fresh(1e6);
  add(...Array.from({ length: 1025 }, (_, index) => latest(`p${index}`)));
  expect([pending.slots, pending.size]).toEqual([1024, 1024]);
  expect(heard.drops).toEqual(['backlog']);
  expect(pending.peek(0)?.slot).toBe('p1');
});

test('slots on their way count, and the oldest of them is forgotten without a drop', () => {
  fresh(1e6);
  add(...Array.from({ length: 1024 }, (_, index) => latest(`p${index}`)));
  all();
  add(latest('more'));
  expect([pending.slots, pending.size]).toEqual([1024, 1]);
  expect(heard.drops).toEqual([]);
  expect(pending.current('p0')).toBeUndefined();
  expect(pending.current('more')).toBeDefined();
});

test('a lost latest message that is still the newest of its slot goes to the front of the line', () => {
  fresh();
  const [first, second] = add(latest('p1'), latest('p2'));
  all();
  const [loose] = add(unreliable());
  pending.requeue(second!);
  pending.requeue(first!);
  pending.requeue(first!);
  expect([pending.size, pending.bytes]).toEqual([3, 30]);
  expect(all()).toEqual([first, second, loose]);
  expect(heard.drops).toEqual([]);
});

test('a lost latest message is not sent again when a newer one waits, is on its way or has arrived', () => {
  fresh();
  const [old] = add(latest('p1', 'old'));
  all();
  const [newer] = add(latest('p1', 'new'));
  expect(pending.current('p1')).toBe(newer);
  pending.requeue(old!);
  expect(all()).toEqual([newer]);
  pending.requeue(old!);
  pending.delivered(newer!);
  pending.requeue(old!);
  expect(pending.size).toBe(0);
  expect(heard.outcomes).toEqual(['old superseded', 'old superseded', 'new delivered', 'old superseded']);
});

test('a lost unreliable message is not sent again, and nobody here dropped it', () => {
  fresh();
  const [lost] = add(unreliable('u'));
  all();
  pending.requeue(lost!);
  expect(pending.size).toBe(0);
  expect(heard.outcomes).toEqual(['u dropped']);
  expect(heard.drops).toEqual([]);
});

test('a delivered message leaves its slot, also while it waits to be sent again', () => {
  fresh();
  const [state] = add(latest('p1', 'a'));
  all();
  expect(pending.slots).toBe(1);
  pending.requeue(state!);
  pending.delivered(state!);
  expect([pending.slots, pending.size, pending.bytes]).toEqual([0, 0, 0]);
  expect(heard.outcomes).toEqual(['a delivered']);
});

test('the newest of a slot stays when an older one turns out to be delivered', () => {
  fresh();
  const [old] = add(latest('p1'));
  all();
  const [newer] = add(latest('p1'));
  pending.delivered(old!);
  expect(pending.current('p1')).toBe(newer);
  expect(all()).toEqual([newer]);
});

test('a message can be given up by name, waiting, taken or never in line', () => {
  fresh();
  const [taken] = add(latest('p1', 'a'));
  all();
  const [state, loose] = add(latest('p2', 'b'), unreliable('c'));
  pending.drop(taken!, 'expired');
  pending.drop(state!, 'oversize');
  pending.drop(loose!, 'oversize');
  pending.drop(unreliable('d'), 'backlog');
  expect(heard.outcomes).toEqual(['a expired', 'b dropped', 'c dropped', 'd dropped']);
  expect(heard.drops).toEqual(['expired', 'oversize', 'oversize', 'backlog']);
  expect([pending.slots, pending.size, pending.bytes]).toEqual([0, 0, 0]);
});
