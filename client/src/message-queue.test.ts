import { expect, test } from 'vitest';
import { MessageQueue } from './message-queue.ts';

function queue() {
  let drops = 0;
  let done = 0;
  const made = new MessageQueue<number>(
    () => done++,
    () => drops++,
  );
  return { queue: made, drops: () => drops, done: () => done };
}

async function all(messages: MessageQueue<number>): Promise<number[]> {
  const seen: number[] = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

test('a full queue loses the oldest that may be dropped, counted', async () => {
  const { queue: messages, drops } = queue();
  messages.push(-1, false);
  for (let count = 0; count < 1_030; count++) messages.push(count, true);
  expect(drops()).toBe(7);
  messages.end();
  const seen = await all(messages);
  expect(seen.slice(0, 2)).toEqual([-1, 7]);
  expect(seen).toHaveLength(1_024);
});

test('a queue full of reliable messages drops a droppable newcomer and ends with overrun on a reliable one', async () => {
  const { queue: messages, drops, done } = queue();
  for (let count = 0; count < 1_024; count++) messages.push(count, false);
  messages.push(2_000, true);
  expect(drops()).toBe(1);
  messages.push(2_001, false);
  expect(done()).toBe(1);
  const seen: number[] = [];
  const loop = (async () => {
    for await (const message of messages) seen.push(message);
  })();
  await expect(loop).rejects.toMatchObject({ code: 'overrun' });
  expect(seen).toHaveLength(1_024);
});

test('what comes while a loop waits is handed to it directly, in order', async () => {
  const { queue: messages } = queue();
  const first = messages.next();
  const second = messages.next();
  messages.push(1, true);
  messages.push(2, true);
  expect(await first).toEqual({ done: false, value: 1 });
  expect(await second).toEqual({ done: false, value: 2 });
});

test('the end reaches everyone who waits, and every later call', async () => {
  const { queue: messages, done } = queue();
  const waiting = messages.next();
  messages.end();
  messages.end();
  expect((await waiting).done).toBe(true);
  expect((await messages.next()).done).toBe(true);
  expect(done()).toBe(1);
});
