import { matchChannel } from '@spillway/envelope';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TopicIndex } from './topic-index.ts';

/** Who gets an event of a channel. */
function receivers(index: TopicIndex<string>, channel: string, seq = 1): string[] {
  return index
    .matches(channel)
    .filter(({ since }) => seq > since)
    .map(({ subscriber }) => subscriber)
    .sort();
}

function indexOf(...subscriptions: [subscriber: string, pattern: string][]): TopicIndex<string> {
  const index = new TopicIndex<string>();
  for (const [subscriber, pattern] of subscriptions) {
    index.add(subscriber, pattern);
    index.join(subscriber, pattern);
  }
  return index;
}

test('finds subscriptions by name, by one segment and by the rest', () => {
  const index = indexOf(
    ['name', 'sensors/2/temp'],
    ['one', 'sensors/+/temp'],
    ['rest', 'sensors/#'],
    ['all', '#'],
    ['both', '+/2/#'],
    ['other', 'sensors/+/humidity'],
  );
  expect(receivers(index, 'sensors/2/temp')).toEqual(['all', 'both', 'name', 'one', 'rest']);
  expect(receivers(index, 'sensors/3/temp')).toEqual(['all', 'one', 'rest']);
  expect(receivers(index, 'sensors')).toEqual(['all', 'rest']);
  expect(receivers(index, 'arena/2')).toEqual(['all', 'both']);
});

test('one that several of its subscriptions lead to is found once', () => {
  const index = indexOf(['ann', 'a/b'], ['ann', 'a/+'], ['ann', '#'], ['bob', 'a/+']);
  expect(receivers(index, 'a/b')).toEqual(['ann', 'bob']);
  index.remove('ann', 'a/b');
  index.remove('ann', '#');
  expect(receivers(index, 'a/b')).toEqual(['ann', 'bob']);
  index.remove('ann', 'a/+');
  expect(receivers(index, 'a/b')).toEqual(['bob']);
});

test('nothing is for a subscriber before it joins, and then what comes after its position', () => {
  const index = new TopicIndex<string>();
  index.add('ann', 'a/b');
  expect(receivers(index, 'a/b')).toEqual([]);
  index.join('ann', 'a/b', 7);
  expect(receivers(index, 'a/b', 7)).toEqual([]);
  expect(receivers(index, 'a/b', 8)).toEqual(['ann']);
  index.join('ann', 'a/b', 100);
  expect(receivers(index, 'a/b', 8)).toEqual(['ann']);
});

test('of several subscriptions the one that began first says from where on', () => {
  const index = new TopicIndex<string>();
  for (const pattern of ['a/b', 'a/+', '#']) index.add('ann', pattern);
  index.join('ann', 'a/b', 7);
  expect(receivers(index, 'a/b', 7)).toEqual([]);
  index.join('ann', 'a/+', 3);
  expect(receivers(index, 'a/b', 4)).toEqual(['ann']);
  index.remove('ann', 'a/+');
  expect(receivers(index, 'a/b', 7)).toEqual([]);
  expect(receivers(index, 'a/b', 8)).toEqual(['ann']);
});

test('joining what was never added is an error of the caller', () => {
  expect(() => new TopicIndex<string>().join('ann', 'a/b')).toThrow('join without add');
  expect(() => new TopicIndex<string>().join('ann', 'a/+')).toThrow('join without add');
});

test('a second subscription to the same changes nothing, nor does ending one that is not there', () => {
  const index = indexOf(['ann', 'a/b'], ['ann', 'a/#']);
  expect([index.add('ann', 'a/b'), index.add('ann', 'a/#')]).toEqual([false, false]);
  expect(index.size).toBe(2);
  expect([index.remove('bob', 'a/b'), index.remove('ann', 'a/+'), index.remove('ann', 'x/y/#')]).toEqual([
    false,
    false,
    false,
  ]);
  expect([index.count('a/b'), index.count('a/#'), index.count('a/+')]).toEqual([1, 1, 0]);
});

test('the same list is given until a subscription changes it', () => {
  const index = indexOf(['ann', 'a/b'], ['bob', 'a/+'], ['bob', 'x/+']);
  const list = index.matches('a/b');
  expect(index.matches('a/b')).toBe(list);
  // Of other channels, by name and by pattern.
  index.add('cat', 'x/y');
  index.add('cat', 'x/#');
  index.remove('cat', 'x/#');
  index.join('bob', 'a/+', 3);
  expect(index.matches('a/b')).toBe(list);
  index.add('cat', 'a/#');
  expect(index.matches('a/b')).not.toBe(list);
});

test('whoever is removed while a list is gone through gets nothing more, and the list does not keep it', () => {
  const index = indexOf(['ann', '#'], ['bob', 'a'], ['bob', '+']);
  const list = index.matches('a');
  index.remove('ann', '#');
  index.remove('bob', 'a');
  expect(list.map(({ since }) => since)).toContain(Number.POSITIVE_INFINITY);
  expect(list.filter(({ since }) => since < 1).map(({ subscriber }) => subscriber)).toEqual(['bob']);
  index.remove('bob', '+');
  expect(list.map(({ subscriber }) => subscriber)).toEqual([undefined, undefined]);
});

test('keeps lists within its capacity, those that are used rather than others', () => {
  const index = new TopicIndex<string>(33 * 4);
  index.add('ann', '#');
  index.join('ann', '#');
  const busy = index.matches('busy');
  for (let n = 0; n < 50; n++) {
    expect(receivers(index, `idle/${n}`)).toEqual(['ann']);
    expect(index.matches('busy')).toBe(busy);
    expect(index.lists).toBeLessThanOrEqual(4);
  }
});

test('a list that is larger than the capacity is kept alone', () => {
  const index = new TopicIndex<string>(1);
  for (let n = 0; n < 10; n++) index.add(`${n}`, 'a');
  expect(index.matches('a')).toHaveLength(10);
  expect(index.matches('a')).toBe(index.matches('a'));
  index.matches('b');
  expect(index.lists).toBe(1);
});

test('a list loses who has left', () => {
  const index = indexOf(['ann', 'a/+'], ['bob', 'a/+'], ['cat', 'a/#']);
  for (const [subscriber, pattern] of [
    ['ann', 'a/+'],
    ['cat', 'a/#'],
    ['bob', 'a/+'],
  ] as const) {
    const before = index.matches('a/b').length;
    index.remove(subscriber, pattern);
    expect(index.matches('a/b')).toHaveLength(before - 1);
  }
});

test('when all subscriptions have ended, nothing is left of them', () => {
  const index = indexOf(['ann', 'a/+/c'], ['ann', 'a/#'], ['bob', 'a/+'], ['bob', 'a']);
  for (const [subscriber, pattern] of [
    ['ann', 'a/#'],
    ['bob', 'a/+'],
    ['ann', 'a/+/c'],
    ['bob', 'a'],
  ] as const)
    expect(index.remove(subscriber, pattern)).toBe(true);
  expect(index.size).toBe(0);
  expect(['a', 'a/b', 'a/b/c'].flatMap((channel) => index.matches(channel))).toEqual([]);
});

type Step =
  | { readonly do: 'add' | 'join' | 'remove'; readonly subscriber: string; readonly pattern: string }
  | { readonly do: 'publish'; readonly channel: string };

const segment = fc.constantFrom('a', 'b', 'c');
const channel = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
const pattern = fc
  .tuple(fc.array(fc.oneof(segment, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([segments, open]) => [...segments, ...(open || segments.length === 0 ? ['#'] : [])].join('/'));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('add', 'add', 'join', 'remove'),
    subscriber: fc.constantFrom('ann', 'bob', 'cat'),
    pattern: fc.oneof(channel, pattern),
  }),
  fc.record({ do: fc.constant('publish'), channel }),
);

test('whatever comes and goes, exactly those get an event that a subscription of theirs matches, once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 100, 10_000), (steps, capacity) => {
      const index = new TopicIndex<string>(capacity);
      /** `subscriber pattern` -> has it joined? */
      const model = new Map<string, boolean>();
      for (const step of steps) {
        if (step.do === 'publish') {
          const expected = [...model]
            .filter(([, joined]) => joined)
            .map(([key]) => key.split(' ') as [string, string])
            .filter(([, pattern]) => matchChannel(pattern, step.channel))
            .map(([subscriber]) => subscriber);
          expect(receivers(index, step.channel)).toEqual([...new Set(expected)].sort());
          continue;
        }
        const { subscriber, pattern } = step;
        const key = `${subscriber} ${pattern}`;
        expect(index.has(subscriber, pattern)).toBe(model.has(key));
        if (step.do === 'add') {
          expect(index.add(subscriber, pattern)).toBe(!model.has(key));
          if (!model.has(key)) model.set(key, false);
        } else if (step.do === 'remove') {
          expect(index.remove(subscriber, pattern)).toBe(model.delete(key));
        } else if (model.has(key)) {
          index.join(subscriber, pattern);
          model.set(key, true);
        }
        expect(index.size).toBe(model.size);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what a match costs does not grow with the number of subscriptions that do not match', () => {
  /** Map lookups of one match, counted where they happen. */
  const lookups = (others: number): number => {
    const index = indexOf(['ann', 'sensors/+/temp'], ['bob', 'sensors/#']);
    for (let n = 0; n < others; n++) index.add('cat', `sensors/+/other-${n}/#`);
    const { get } = Map.prototype;
    let count = 0;
    Map.prototype.get = function (key) {
      count++;
      return get.call(this, key);
    };
    try {
      index.matches('sensors/2/temp');
    } finally {
      Map.prototype.get = get;
    }
    return count;
  };
  expect(lookups(2_000)).toBe(lookups(1));
});
