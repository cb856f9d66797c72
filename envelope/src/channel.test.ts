import { expect, test } from 'vitest';
import { matchChannel, validChannel, validPattern } from './index.ts';

test.each(['a', 'arena/7', 'räume/七', '🎮', 'a b', 'c'.repeat(255), 'ß'.repeat(127)])(
  '%j is a channel',
  (name) => {
    expect(validChannel(name)).toBe(true);
    expect(validPattern(name)).toBe(true);
  },
);

test.each([
  ['', 'empty'],
  ['/a', 'an empty first segment'],
  ['a/', 'an empty last segment'],
  ['a//b', 'an empty segment'],
  ['a\u0000', 'NUL'],
  ['a\n', 'a line feed'],
  ['a\u007f', 'DEL'],
  ['a\u0085', 'a C1 control'],
  ['\ud800', 'half of a surrogate pair'],
  ['\udc00\ud800', 'a pair the wrong way round'],
  ['\udc00\udc00', 'two second halves'],
  ['c'.repeat(256), '256 bytes'],
  ['ß'.repeat(128), '256 bytes of UTF-8'],
  ['🎮'.repeat(64), '256 bytes of four-byte characters'],
])('%j is no channel: %s', (name) => {
  expect(validChannel(name)).toBe(false);
  expect(validPattern(name)).toBe(false);
});

test.each(['+', '#', 'a/+', '+/b', 'a/+/b', 'a/#', '+/#', '+/+'])(
  '%j is a pattern but no channel',
  (pattern) => {
    expect(validPattern(pattern)).toBe(true);
    expect(validChannel(pattern)).toBe(false);
  },
);

test.each(['a+', '+a', 'a#', '#/a', 'a/#/b', '##', '++', '/#', '#/', 'a/+b'])(
  '%j is not even a pattern',
  (pattern) => {
    expect(validPattern(pattern)).toBe(false);
  },
);

test.each([
  ['a', 'a', true],
  ['a', 'b', false],
  ['a', 'a/b', false],
  ['a/b', 'a', false],
  ['+', 'a', true],
  ['+', 'a/b', false],
  ['a/+', 'a', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a/b/c', false],
  ['a/+/c', 'a/b/c', true],
  ['a/+/c', 'a/b/d', false],
  ['#', 'a/b/c', true],
  ['a/#', 'a', true],
  ['a/#', 'a/b', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'b', false],
  ['+/#', 'a', true],
  ['a/+/#', 'a', false],
  ['a/+/#', 'a/b', true],
] as const)('a subscription to %s, the channel %s: %s', (pattern, name, covered) => {
  expect(matchChannel(pattern, name)).toBe(covered);
});

test('a long hostile name takes no long time', () => {
  const began = performance.now();
  expect(validPattern(`${'a/'.repeat(127)}+`)).toBe(true);
  expect(validPattern(`${'+/'.repeat(127)}/`)).toBe(false);
  expect(validChannel('a'.repeat(1_000_000))).toBe(false);
  expect(performance.now() - began).toBeLessThan(500);
});
