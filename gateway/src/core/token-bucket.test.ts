import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

test('starts with its burst and gives no more than that at once', () => {
  const bucket = new TokenBucket(10, 3, 0);
  expect([1, 2, 3, 4].map(() => bucket.take(1, 0))).toEqual([true, true, true, false]);
});

test('refills continuously, a fraction of a token at a time', () => {
  const bucket = new TokenBucket(10, 1, 0);
  bucket.take(1, 0);
  expect(bucket.take(1, 60)).toBe(false);
  expect(bucket.take(1, 99)).toBe(false);
  expect(bucket.take(1, 100)).toBe(true);
});

test('never holds more than its burst, however long it rests', () => {
  const bucket = new TokenBucket(10, 2, 0);
  expect([1, 2, 3].map(() => bucket.take(1, 1e9))).toEqual([true, true, false]);
});

test('an amount that it cannot give leaves it untouched', () => {
  const bucket = new TokenBucket(10, 5, 0);
  expect(bucket.take(6, 0)).toBe(false);
  expect(bucket.take(5, 0)).toBe(true);
});

test('is full only when nothing is owed', () => {
  const bucket = new TokenBucket(10, 2, 0);
  expect(bucket.full(0)).toBe(true);
  bucket.take(1, 0);
  expect(bucket.full(99)).toBe(false);
  expect(bucket.full(100)).toBe(true);
});

test('time that runs backwards gives nothing and takes nothing', () => {
  const bucket = new TokenBucket(10, 1, 1_000);
  bucket.take(1, 1_000);
  expect(bucket.take(1, 0)).toBe(false);
  expect(bucket.take(1, 1_099)).toBe(false);
  expect(bucket.take(1, 1_100)).toBe(true);
});

test('keeps what a time is worth in which nothing could be taken, once, past the burst', () => {
  const bucket = new TokenBucket(10, 5, 0);
  bucket.take(5, 0);
  bucket.excuse(100, 2_100);
  expect(bucket.take(22, 2_100)).toBe(false);
  expect(bucket.take(21, 2_100)).toBe(true);
  expect(bucket.take(1, 2_199)).toBe(false);
  expect(bucket.take(1, 2_200)).toBe(true);
  bucket.excuse(2_000, 2_200);
  expect(bucket.take(1, 2_200)).toBe(false);
});

test('does not forget what is past the burst as time goes on, nor add to it', () => {
  const bucket = new TokenBucket(10, 5, 0);
  bucket.excuse(0, 1_000);
  expect(bucket.take(16, 5_000)).toBe(false);
  expect(bucket.take(15, 5_000)).toBe(true);
});
