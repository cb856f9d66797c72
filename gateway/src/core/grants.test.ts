import { expect, test } from 'vitest';
import type { ChannelAction } from './channel-options.ts';
import { authorizeFrom, readGrants } from './grants.ts';

test('a claim becomes lists of patterns; what is no grant is left out', () => {
  const claim = { sub: 'lobby', pub: ['a/+', 'b/#'], history: [], admin: true };
  expect(readGrants(claim)).toEqual({ sub: ['lobby'], pub: ['a/+', 'b/#'], history: [] });
  expect(readGrants({})).toEqual({});
});

test.each([
  null,
  'all',
  7,
  ['#'],
  { sub: 7 },
  { sub: null },
  { sub: ['a', 7] },
  { pub: '' },
  { pub: ['a//b'] },
  { presence: ['a/#/b'] },
  { history: ['a+'] },
  { sub: 'x'.repeat(256) },
])('a claim that holds %j is refused', (claim) => {
  expect(() => readGrants(claim)).toThrow(
    expect.objectContaining({ code: 'unauthorized', details: { reason: 'grants' } }),
  );
});

test('what is inherited is not granted', () => {
  expect(readGrants(Object.create({ sub: '#' }))).toEqual({});
});

test('each action has patterns of its own', () => {
  const actions: readonly ChannelAction[] = ['subscribe', 'publish', 'presence', 'history'];
  const keys = ['sub', 'pub', 'presence', 'history'];
  for (const [index, key] of keys.entries()) {
    const authorize = authorizeFrom({ [key]: ['lobby'] });
    expect(actions.filter((action) => authorize(action, 'lobby'))).toEqual([actions[index]]);
  }
});

test('no grants allow nothing', () => {
  expect(authorizeFrom({})('subscribe', 'lobby')).toBe(false);
});

test('nobody publishes to a wildcard, whatever is granted', () => {
  const authorize = authorizeFrom({ sub: ['#'], pub: ['#', 'arena/+'] });
  for (const wildcard of ['arena/+', 'arena/#', '#', '+']) {
    expect(authorize('subscribe', wildcard)).toBe(true);
    expect(authorize('publish', wildcard)).toBe(false);
  }
});

test.each(['', '/', 'a//b', 'a/', '/a', '#/a', 'a#', 'a\u0000', 'x'.repeat(256)])(
  'what is no channel is not allowed to anybody: %j',
  (channel) => {
    const authorize = authorizeFrom({ sub: ['#'], pub: ['#'], presence: ['#'], history: ['#'] });
    for (const action of ['subscribe', 'publish', 'presence', 'history'] as const) {
      expect(authorize(action, channel)).toBe(false);
    }
  },
);
