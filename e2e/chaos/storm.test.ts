import { expect, test } from 'vitest';
import { KINDS, storm } from './storm.ts';

test('a seed always gives the same storm, another seed another one', () => {
  expect(storm(7, 100)).toEqual(storm(7, 100));
  expect(storm(8, 100)).not.toEqual(storm(7, 100));
});

test('twenty strikes are of every kind', () => {
  for (let seed = 0; seed < 50; seed++) {
    const kinds = new Set(storm(seed, 20).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([...KINDS].sort());
  }
});

test('a longer storm begins as the shorter one of the same seed does', () => {
  expect(storm(3, 40).slice(0, 9)).toEqual(storm(3, 20).slice(0, 9));
});
