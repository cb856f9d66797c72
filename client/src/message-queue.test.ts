import { expect, test } from 'vitest';
import { MessageQueue } from './message-queue.ts';
import { Meter } from './stats.ts';

function queue() {
  const meter = new Meter();
  let done = 0;
  const made = new MessageQueue<number>(meter);
  const messages = made.read(() => done++);
  return { queue: made, messages, drops: () => meter.dropped.backlog, done: () => done };
}

async function all(messages: AsyncIterable<number>): Promise<number[]> {
  const seen: number[] = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

test('a full queue loses the oldest that may be dropped, counted', async () => {
  const { queue: made, messages, drops } = queue();
  made.push(-1, false);
  for (let count = 0; count < 1_030; count++) made.push(count, true);
  expect(drops()).toBe(7);
  made.end();
  const seen = await all(messages);
  expect(seen.slice(0, 2)).toEqual([-1, 7]);
  expect(seen).toHaveLength(1_024);
});

test('a queue full of reliable messages drops a droppable newcomer and ends with overrun on a reliable one', async () => {
  const { queue: made, messages, drops, done } = queue();
  for (let count = 0; count < 1_024; count++) made.push(count, false);
  made.push(2_000, true);
  expect(drops()).toBe(1);
  made.push(2_001, false);
  made.push(2_002, false);
  const seen: number[] = [];
  const loop = (async () => {
    for await (const message of messages) seen.push(message);
  })();
  await expect(loop).rejects.toMatchObject({ code: 'overrun' });
  expect(seen).toHaveLength(1_024);
  expect(done()).toBe(1);
});

test('what comes while a loop waits is handed on, in order', async () => {
  const { queue: made, messages } = queue();
  const first = messages.next();
  const second = messages.next();
  made.push(1, true);
  made.push(2, true);
  expect(await first).toEqual({ done: false, value: 1 });
  expect(await second).toEqual({ done: false, value: 2 });
});

test('the end reaches everyone who waits, and every later call', async () => {
  const { queue: made, messages, done } = queue();
  const waiting = messages.next();
  made.end();
  made.end();
  made.push(1, false);
  expect((await waiting).done).toBe(true);
  expect((await messages.next()).done).toBe(true);
  expect(done()).toBe(1);
});

test('leaving the loop tells so', async () => {
  const { queue: made, messages, done } = queue();
  made.push(1, false);
  for await (const message of messages) {
    expect(message).toBe(1);
    break;
  }
  expect(done()).toBe(1);
});
