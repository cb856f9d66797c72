import { expect, test } from 'vitest';
import { ChannelRules } from './channel-rules.ts';

function rules(...patterns: string[]): ChannelRules {
  const declared = new ChannelRules();
  for (const pattern of patterns) declared.declare(pattern, {});
  return declared;
}

/** All orders in which these can be declared. */
function orders(patterns: readonly string[]): string[][] {
  if (patterns.length <= 1) return [[...patterns]];
  return patterns.flatMap((first) =>
    orders(patterns.filter((other) => other !== first)).map((rest) => [first, ...rest]),
  );
}

test.each([
  // pattern, channel, parameters; undefined: does not match
  ['lobby', 'lobby', {}],
  ['lobby', 'lobby/1', undefined],
  ['lobby', 'lobb', undefined],
  ['arena/:room', 'arena/7', { room: '7' }],
  ['arena/:room', 'arena', undefined],
  ['arena/:room', 'arena/7/chat', undefined],
  [':game/:room', 'arena/7', { game: 'arena', room: '7' }],
  ['arena/:room/chat', 'arena/7/chat', { room: '7' }],
  ['sensors/#', 'sensors/line-2', {}],
  ['sensors/#', 'sensors/line-2/temp', {}],
  ['sensors/#', 'sensors', undefined],
  ['sensors/:line/#', 'sensors/2/temp/max', { line: '2' }],
  ['sensors/:line/#', 'sensors/2', undefined],
  ['#', 'anything/at/all', {}],
  ['arena/:constructor', 'arena/7', { constructor: '7' }],
  ['arena/:room', 'arena/Zürich 8', { room: 'Zürich 8' }],
] as const)("'%s' and '%s': %o", (pattern, channel, params) => {
  const match = rules(pattern).match(channel);
  expect(match === undefined ? undefined : { ...match.params }).toEqual(params);
});

const TABLE = ['#', 'a/#', 'a/:x/#', 'a/:x/:y', 'a/:x', 'a/b/#', 'a/b', 'a', ':x/b'] as const;

test.each([
  ['a', 'a'],
  ['a/b', 'a/b'],
  ['a/c', 'a/:x'],
  ['z/b', ':x/b'],
  ['a/b/c', 'a/b/#'],
  ['a/c/d', 'a/:x/:y'],
  ['a/c/d/e', 'a/:x/#'],
  ['a/b/c/d', 'a/b/#'],
  ['z/z', '#'],
])("of the patterns that match, '%s' gets '%s'", (channel, winner) => {
  expect(rules(...TABLE).match(channel)?.rule.pattern).toBe(winner);
  expect(rules(...TABLE.toReversed()).match(channel)?.rule.pattern).toBe(winner);
});

test('the order of declaration changes nothing', () => {
  for (const order of orders(['a', 'a/b/#', 'a/:x/:y', 'a/#', ':x/b/c'])) {
    expect(rules(...order).match('a/b/c')?.rule.pattern, order.join(' then ')).toBe('a/b/#');
  }
});

test.each(['', '/', 'a//b', 'a/', '/a', ':', 'a/:', 'a/+', '+', 'a/#/b', 'a/x#', ':x/:x', 'a b/#x'])(
  "'%s' is no pattern",
  (pattern) => {
    expect(() => rules(pattern)).toThrow(expect.objectContaining({ code: 'bad-pattern' }));
  },
);

test('a pattern is declared once, whatever its parameters are called', () => {
  const declared = rules('arena/:room', 'sensors/:line/#');
  for (const pattern of ['arena/:room', 'arena/:id', 'sensors/:x/#']) {
    expect(() => declared.declare(pattern, {})).toThrow(
      expect.objectContaining({ code: 'duplicate-pattern' }),
    );
  }
  expect(() => declared.declare('arena/room', {})).not.toThrow();
});

test('a rule keeps its options and its pattern', () => {
  const declared = new ChannelRules();
  const authorize = () => true;
  declared.declare('arena/:room', { delivery: 'latest', authorize });
  expect(declared.match('arena/7')?.rule).toEqual({ pattern: 'arena/:room', delivery: 'latest', authorize });
});

test('what was found for a channel is remembered, until a pattern comes that fits it better', () => {
  const declared = rules('arena/:room', '#');
  const found = declared.match('arena/7');
  expect([found?.rule.pattern, { ...found?.params }]).toEqual(['arena/:room', { room: '7' }]);
  expect(declared.match('arena/7')).toBe(found);
  expect(Object.isFrozen(found?.params)).toBe(true);
  declared.declare('arena/7', {});
  expect(declared.match('arena/7')?.rule.pattern).toBe('arena/7');
  for (let n = 0; n < 5_000; n++) expect(declared.match(`arena/${n + 100}`)?.params.room).toBe(`${n + 100}`);
});
