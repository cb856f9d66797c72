import { expect, test } from 'vitest';
import { ManualClock } from './testing/test-clock.ts';
import { memoryStorage, VerdictBook, type VerdictStorage } from './verdict.ts';

const KEY = 'spillway:verdict:https://a';

function book(storage: VerdictStorage = memoryStorage()) {
  const clock = new ManualClock();
  return { book: new VerdictBook(storage, clock, 'https://a'), clock, storage };
}

test('a verdict is recalled for its age, its offer and its origin', async () => {
  const { book: verdicts, clock, storage } = book();
  verdicts.remember('offer', 'udp-blocked');
  expect(verdicts.recall('offer', 1_000)).toBe('udp-blocked');
  expect(verdicts.recall('another', 1_000)).toBeUndefined();
  expect(new VerdictBook(storage, clock, 'https://b').recall('offer', 1_000)).toBeUndefined();
  await clock.advance(1_000);
  expect(verdicts.recall('offer', 1_000)).toBeUndefined();
  expect(verdicts.recall('offer', 2_000)).toBe('udp-blocked');
});

test('the last reason counts, and the age of that', async () => {
  const { book: verdicts, clock } = book();
  verdicts.remember('offer', 'udp-blocked');
  await clock.advance(900);
  verdicts.remember('offer', 'stalled');
  await clock.advance(900);
  expect(verdicts.recall('offer', 1_000)).toBe('stalled');
});

test('what is forgotten is not recalled', () => {
  const { book: verdicts } = book();
  verdicts.remember('offer', 'stalled');
  verdicts.forget();
  expect(verdicts.recall('offer', 1_000)).toBeUndefined();
});

test.each(['', 'nonsense', 'null', '7', '{}', '{"at":"1","offer":7,"reason":"stalled"}'])(
  'what else may be in the storage counts as nothing: %s',
  (text) => {
    const { book: verdicts, storage } = book();
    storage.setItem(KEY, text);
    expect(verdicts.recall('offer', Number.POSITIVE_INFINITY)).toBeUndefined();
  },
);

test('a verdict from the future is none', () => {
  const { book: verdicts, clock, storage } = book();
  storage.setItem(KEY, JSON.stringify({ at: clock.wall() + 1, offer: 'offer', reason: 'stalled' }));
  expect(verdicts.recall('offer', 1_000)).toBeUndefined();
});

test('a storage that throws costs nothing but the memory', () => {
  const forbidden = (): never => {
    throw new DOMException('no', 'SecurityError');
  };
  const { book: verdicts } = book({ getItem: forbidden, setItem: forbidden, removeItem: forbidden });
  verdicts.remember('offer', 'stalled');
  verdicts.forget();
  expect(verdicts.recall('offer', 1_000)).toBeUndefined();
});
