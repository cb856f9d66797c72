import { expect, test } from 'vitest';
import { type ChannelOptions, ChannelRules } from './channel-rules.ts';

const declare = (options: object) => new ChannelRules().declare('a', options as ChannelOptions);

test.each([
  [{ history: { size: 0, ttl: 1 } }, 'history.size'],
  [{ history: { size: 1.5, ttl: 1 } }, 'history.size'],
  [{ history: { size: 1, ttl: 0 } }, 'history.ttl'],
  [{ history: { size: 1, ttl: Number.POSITIVE_INFINITY } }, 'history.ttl'],
  [{ presence: { grace: -1 } }, 'presence.grace'],
  [{ presence: { maxStateBytes: 0 } }, 'presence.maxStateBytes'],
  [{ wildcards: true }, 'wildcards'],
  [{ wildcards: 'some' }, 'wildcards'],
  [{ limits: { members: 0 } }, 'limits.members'],
  [{ limits: { messageBytes: Number.NaN } }, 'limits.messageBytes'],
  [{ limits: { messagesPerSecond: '5' } }, 'limits.messagesPerSecond'],
  [{ limits: { totalPerSecond: 2 ** 31 } }, 'limits.totalPerSecond'],
])('%o is refused, by the name of what is wrong', (options, name) => {
  expect(() => declare(options)).toThrow(RangeError);
  expect(() => declare(options)).toThrow(name);
});

test.each([
  { history: { size: 1, ttl: 1, droppable: true } },
  { presence: true },
  { presence: false },
  { presence: { grace: 0, maxStateBytes: 1 } },
  { wildcards: false },
  { wildcards: 'each' },
  { wildcards: 'pattern' },
  { limits: {} },
  { limits: { members: 1, messageBytes: 1, messagesPerSecond: 1, totalPerSecond: 1 } },
])('%o is taken', (options) => {
  expect(() => declare(options)).not.toThrow();
});
