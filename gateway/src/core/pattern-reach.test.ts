import { matchChannel } from '@spillway/envelope';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChannelRules } from './channel-rules.ts';
import { coversPattern, isWildcard, reach } from './pattern-reach.ts';

const NAMES = ['a', 'b'];
/** Every channel of up to five segments: one more than patterns have, and with a name that none of them has. */
const CHANNELS = channels(5);

function channels(depth: number): string[] {
  if (depth === 0) return [];
  const shorter = channels(depth - 1);
  const names = [...NAMES, 'other'];
  return [...names, ...shorter.flatMap((channel) => names.map((name) => `${name}/${channel}`))].filter(
    (channel, index, all) => all.indexOf(channel) === index,
  );
}

const subscription = patterns(fc.constantFrom(...NAMES, '+'));
const rulePattern = patterns(fc.constantFrom(...NAMES, ':'));

function patterns(segment: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.array(segment, { maxLength: 3 }), fc.boolean()).map(([segments, open]) => {
    const named = segments.map((name, i) => (name === ':' ? `:p${i}` : name));
    return [...named, ...(open || named.length === 0 ? ['#'] : [])].join('/');
  });
}

/** Declares them, and lists them in the order in which `ChannelRules` tries them. */
function declared(patterns: readonly string[]): { rules: ChannelRules; tried: { pattern: string }[] } {
  const rules = new ChannelRules();
  const tried: { pattern: string }[] = [];
  for (const pattern of patterns) {
    try {
      rules.declare(pattern, {});
      tried.push({ pattern });
    } catch {
      // Declared already, under other names.
    }
  }
  const looseness = ({ pattern }: { pattern: string }) =>
    `${pattern}/.`.replace(/[^/]+\/?/g, (segment) => `${[':', '#', '.'].indexOf(segment[0]!) + 1}`);
  tried.sort((one, two) => (looseness(one) < looseness(two) ? -1 : 1));
  return { rules, tried };
}

test.each([
  ['#', 'a/b/#', true],
  ['a/#', 'a', true],
  ['a/#', 'a/+', true],
  ['a/#', 'a/+/#', true],
  ['a/+/#', 'a/#', false],
  ['a/+', 'a/#', false],
  ['+', '#', false],
  ['+/#', '#', true],
  ['a/+', 'a/b', true],
  ['a/b', 'a/+', false],
  ['+/b', 'a/+', false],
  ['a/+', 'a/+/c', false],
] as const)('%s covers %s: %s', (wide, narrow, covered) => {
  expect(coversPattern(wide, narrow)).toBe(covered);
});

test('a pattern covers another exactly if it matches every channel that the other matches', () => {
  fc.assert(
    fc.property(subscription, subscription, (wide, narrow) => {
      const matched = CHANNELS.filter((channel) => matchChannel(narrow, channel));
      expect(coversPattern(wide, narrow)).toBe(matched.every((channel) => matchChannel(wide, channel)));
    }),
    { numRuns: 300 },
  );
});

test.each([
  // subscription, rule, what is common, parameters
  ['arena/+', 'arena/:room', 'arena/+', { room: '+' }],
  ['arena/#', 'arena/:room', 'arena/+', { room: '+' }],
  ['arena/7', 'arena/:room', 'arena/7', { room: '7' }],
  ['+/7', ':game/:room', '+/7', { game: '+', room: '7' }],
  ['#', 'sensors/#', 'sensors/+/#', {}],
  ['sensors', 'sensors/#', undefined, {}],
  ['sensors/#', 'sensors/#', 'sensors/+/#', {}],
  ['sensors/+/temp', 'sensors/#', 'sensors/+/temp', {}],
  ['+/+/temp', 'sensors/:line/#', 'sensors/+/temp', { line: '+' }],
  ['a/+', 'b/:x', undefined, {}],
  ['a/+/c', 'a/:x', undefined, {}],
] as const)('of %s the rule %s has %s', (pattern, rule, common, params) => {
  const [reached] = reach(pattern, [{ pattern: rule }]);
  expect(reached?.pattern).toBe(common);
  expect({ ...reached?.params }).toEqual(params);
});

test('a rule is not reached through channels that a fixed name takes from it', () => {
  const rules = [{ pattern: 'arena/lobby' }, { pattern: 'arena/:room' }];
  const reached = (pattern: string) => reach(pattern, rules).map(({ rule }) => rule.pattern);
  expect(reached('+/lobby')).toEqual(['arena/lobby']);
  expect(reached('arena/+')).toEqual(['arena/lobby', 'arena/:room']);
  expect(reached('arena/7')).toEqual(['arena/:room']);
  expect(reached('chat/+')).toEqual([]);
});

test('the rule of every channel that a subscription matches is among those it reaches, with that channel', () => {
  fc.assert(
    fc.property(subscription, fc.uniqueArray(rulePattern, { maxLength: 5 }), (pattern, patterns) => {
      const { rules, tried } = declared(patterns);
      const reached = new Map(reach(pattern, tried).map((one) => [one.rule.pattern, one.pattern]));
      for (const channel of CHANNELS) {
        const rule = matchChannel(pattern, channel) && rules.match(channel)?.rule.pattern;
        if (typeof rule !== 'string') continue;
        expect([...reached.keys()]).toContain(rule);
        expect(matchChannel(reached.get(rule)!, channel)).toBe(true);
      }
      for (const common of reached.values()) expect(coversPattern(pattern, common)).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('a name is no wildcard', () => {
  expect(['a', 'a/b', 'a/+', '#', 'a/#'].map(isWildcard)).toEqual([false, false, true, true, true]);
});
