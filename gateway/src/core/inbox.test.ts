import { expect, test } from 'vitest';
import { settled } from '../compliance/fixture.ts';
import { Inbox } from './inbox.ts';

/** Tasks that say when they begin, and end when told to. */
function recorder() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    begun,
    now: (name: string) => () => void begun.push(name),
    later: (name: string) => () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    },
    async end(name: string) {
      ends.get(name)!();
      await settled();
    },
  };
}

test('a task that is done at once runs at once', () => {
  const { begun, now } = recorder();
  const inbox = new Inbox(10);
  expect(inbox.run('a', now('first'))).toBe(true);
  expect(inbox.run('a', now('second'))).toBe(true);
  expect(begun).toEqual(['first', 'second']);
});

test('what comes behind an asynchronous task waits for it, in order', async () => {
  const { begun, now, later, end } = recorder();
  const inbox = new Inbox(10);
  inbox.run('a', later('first'));
  inbox.run('a', now('second'));
  inbox.run('a', later('third'));
  inbox.run('a', now('fourth'));
  await settled();
  expect(begun).toEqual(['first']);
  await end('first');
  expect(begun).toEqual(['first', 'second', 'third']);
  await end('third');
  expect(begun).toEqual(['first', 'second', 'third', 'fourth']);
  inbox.run('a', now('fifth'));
  expect(begun.at(-1)).toBe('fifth');
});

test('channels do not wait for each other', () => {
  const { begun, now, later } = recorder();
  const inbox = new Inbox(10);
  inbox.run('a', later('slow'));
  inbox.run('b', now('quick'));
  expect(begun).toEqual(['slow', 'quick']);
});

test('takes no more than its limit of tasks that are not done', async () => {
  const { begun, now, later, end } = recorder();
  const inbox = new Inbox(3);
  inbox.run('a', later('running'));
  expect(inbox.run('a', now('waiting'))).toBe(true);
  expect(inbox.run('a', now('waiting too'))).toBe(true);
  expect(inbox.run('a', now('one too many'))).toBe(false);
  await end('running');
  expect(inbox.run('a', now('welcome again'))).toBe(true);
  expect(begun).toEqual(['running', 'waiting', 'waiting too', 'welcome again']);
});

test('tasks that run count too, so that a hook that hangs on every channel is bounded', async () => {
  const { begun, later, end } = recorder();
  const inbox = new Inbox(2);
  expect(inbox.run('a', later('a'))).toBe(true);
  expect(inbox.run('b', later('b'))).toBe(true);
  expect(inbox.run('c', later('c'))).toBe(false);
  await end('a');
  expect(inbox.run('c', later('c'))).toBe(true);
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('after close nothing begins any more, whatever waited', async () => {
  const { begun, now, later, end } = recorder();
  const inbox = new Inbox(10);
  inbox.run('a', later('first'));
  inbox.run('a', now('second'));
  inbox.close();
  await end('first');
  expect(inbox.run('a', now('third'))).toBe(true);
  expect(inbox.run('b', now('fourth'))).toBe(true);
  expect(begun).toEqual(['first']);
});

test('a task that closes the inbox ends the queue behind it', async () => {
  const { begun, now, later, end } = recorder();
  const inbox = new Inbox(10);
  inbox.run('a', later('first'));
  inbox.run('a', () => inbox.close());
  inbox.run('a', now('third'));
  await end('first');
  expect(begun).toEqual(['first']);
});
