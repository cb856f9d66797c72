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
  verdicts.remember('offer');
  expect(verdicts.recall('offer', 1_000)).toBe(true);
  expect(verdicts.recall('another', 1_000)).toBe(false);
  expect(new VerdictBook(storage, clock, 'https://b').recall('offer', 1_000)).toBe(false);
  await clock.advance(1_000);
  expect(verdicts.recall('offer', 1_000)).toBe(false);
  expect(verdicts.recall('offer', 2_000)).toBe(true);
});

test('forgetting is final', () => {
  const { book: verdicts } = book();
  verdicts.remember('offer');
  verdicts.remember(undefined);
  expect(verdicts.recall('offer', 1_000)).toBe(false);
});

test.each(['', 'nonsense', 'null', '7', '{}', '{"at":"1","offer":7}'])(
  'what else may be in the storage counts as nothing: %s',
  (text) => {
    const { book: verdicts, storage } = book();
    storage.setItem(KEY, text);
    expect(verdicts.recall('offer', Number.POSITIVE_INFINITY)).toBe(false);
  },
);

test('a verdict from the future is none', () => {
  const { book: verdicts, clock, storage } = book();
  storage.setItem(KEY, JSON.stringify({ at: clock.wall() + 1, offer: 'offer' }));
  expect(verdicts.recall('offer', 1_000)).toBe(false);
});

test('a storage that throws costs nothing but the memory', () => {
  const forbidden = (): never => {
    throw new DOMException('no', 'SecurityError');
  };
  const { book: verdicts } = book({ getItem: forbidden, setItem: forbidden, removeItem: forbidden });
  verdicts.remember('offer');
  verdicts.remember(undefined);
  expect(verdicts.recall('offer', 1_000)).toBe(false);
});
