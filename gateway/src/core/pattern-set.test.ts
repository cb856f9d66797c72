import { matchChannel, validPattern } from '@spillway/envelope';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PatternSet } from './pattern-set.ts';

test.each([
  // granted, asked for, covered
  ['lobby', 'lobby', true],
  ['lobby', 'lobby/1', false],
  ['lobby', '+', false],
  ['lobby', '#', false],
  ['arena/+', 'arena/7', true],
  ['arena/+', 'arena/+', true],
  ['arena/+', 'arena/#', false],
  ['arena/+', 'arena', false],
  ['arena/+', 'arena/7/chat', false],
  ['arena/+', '+/7', false],
  ['arena/#', 'arena', true],
  ['arena/#', 'arena/7/chat', true],
  ['arena/#', 'arena/+/chat', true],
  ['arena/#', 'arena/#', true],
  ['arena/#', 'arena/7/#', true],
  ['arena/#', '+/chat', false],
  ['arena/#', '#', false],
  ['sensors/+/temp', 'sensors/2/temp', true],
  ['sensors/+/temp', 'sensors/+/temp', true],
  ['sensors/+/temp', 'sensors/+/+', false],
  ['+/b', 'a/b', true],
  ['+/#', 'a/#', true],
  ['+/#', '#', true],
  ['+', '#', false],
  ['a/+/#', 'a/#', false],
  ['#', '#', true],
  ['#', 'anything/at/all', true],
] as const)("'%s' and '%s': %s", (granted, asked, covered) => {
  expect(new PatternSet([granted]).covers(asked)).toBe(covered);
});

test('a way that ends does not hide another: a name, then the wildcard beside it', () => {
  const set = new PatternSet(['a/b/c', 'a/+/d', '+/b/e']);
  for (const channel of ['a/b/c', 'a/b/d', 'a/b/e']) expect(set.covers(channel)).toBe(true);
  expect(set.covers('a/b/f')).toBe(false);
});

test('an empty set covers nothing', () => {
  for (const asked of ['a', '+', '#']) expect(new PatternSet([]).covers(asked)).toBe(false);
});

const segment = fc.constantFrom('a', 'b', 'c', '+');
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([segments, rest]) => [...segments, ...(rest ? ['#'] : [])].join('/'))
  .filter(validPattern);
const channel = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 6 })
  .map((segments) => segments.join('/'));

test('a name is covered exactly when one of the patterns matches it', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 5 }), channel, (patterns, name) => {
      const matches = patterns.some((granted) => matchChannel(granted, name));
      expect(new PatternSet(patterns).covers(name)).toBe(matches);
    }),
  );
});

test('what a covered wildcard reaches is covered itself', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 5 }), pattern, channel, (patterns, asked, name) => {
      const set = new PatternSet(patterns);
      if (set.covers(asked) && matchChannel(asked, name)) expect(set.covers(name)).toBe(true);
    }),
  );
});
