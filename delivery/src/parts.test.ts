import { expect, test } from 'vitest';
import { PARTS_AHEAD, PartCount, Parts } from './parts.ts';

/** A reader of parts, with what it says to whom it reads from. */
function reading(): { parts: Parts<number>; said: (string | number)[] } {
  const said: (string | number)[] = [];
  const parts = new Parts<number>({
    taken: (count) => void said.push(count),
    left: () => void said.push('left'),
    waits: () => {
      said.push('waits');
      return () => void said.push('stops');
    },
  });
  return { parts, said };
}

test('parts are read in order, whether they come before they are read or after, and then the answer', async () => {
  const { parts, said } = reading();
  parts.push(1);
  expect(await parts.next()).toEqual({ done: false, value: 1 });
  const later = [parts.next(), parts.next(), parts.next()];
  parts.push(2);
  parts.end('all');
  expect(await Promise.all(later)).toEqual([
    { done: false, value: 2 },
    { done: true, value: 'all' },
    { done: true, value: undefined },
  ]);
  expect(await parts.next()).toEqual({ done: true, value: undefined });
  expect(said).toEqual(['waits', 'waits', 'waits', 'stops', 'stops', 'stops']);
});

test('parts that came before the end are still read', async () => {
  const { parts } = reading();
  parts.push(1);
  parts.fail(new Error('broken'));
  expect(await parts.next()).toEqual({ done: false, value: 1 });
  await expect(parts.next()).rejects.toThrow('broken');
  expect(await parts.next()).toEqual({ done: true, value: undefined });
});

test('a reader that waits hears of a failure, once', async () => {
  const { parts } = reading();
  const [first, second] = [parts.next(), parts.next()];
  parts.fail(new Error('broken'));
  await expect(first).rejects.toThrow('broken');
  expect(await second).toEqual({ done: true, value: undefined });
});

test('no more is kept than a sender may send ahead', () => {
  const { parts } = reading();
  for (let i = 0; i < PARTS_AHEAD; i++) expect(parts.push(i)).toBe(true);
  expect(parts.push(99)).toBe(false);
});

test('the sender hears what has been read, before it has to wait', async () => {
  const { parts, said } = reading();
  for (let i = 0; i < PARTS_AHEAD; i++) parts.push(i);
  for (let i = 0; i < PARTS_AHEAD; i++) await parts.next();
  expect(said).toEqual([16, 32]);
  const counted: number[] = [];
  const count = new PartCount((taken) => counted.push(taken));
  for (let i = 0; i < 50; i++) count.take();
  expect(counted).toEqual([16, 32, 48]);
});

test('to leave the loop says so, unless all had come', async () => {
  const left = reading();
  left.parts.push(1);
  left.parts.push(2);
  for await (const _part of left.parts) break;
  expect(left.said).toEqual(['left']);
  expect(await left.parts.next()).toEqual({ done: true, value: undefined });
  left.parts.push(3);
  expect(await left.parts.next()).toEqual({ done: true, value: undefined });
  const done = reading();
  done.parts.push(1);
  done.parts.end('all');
  for await (const _part of done.parts) break;
  expect(done.said).toEqual([]);
});
