import { expect, test } from 'vitest';
import { DEFAULT_LIMITS, type Limits, resolveLimits, sessionLimits } from './limits.ts';

test('what is not given has its default', () => {
  expect(resolveLimits()).toEqual(DEFAULT_LIMITS);
  expect(resolveLimits({ maxSessions: 5 })).toEqual({ ...DEFAULT_LIMITS, maxSessions: 5 });
});

test('the defaults are those of the design', () => {
  expect(DEFAULT_LIMITS).toMatchObject({
    maxMessageBytes: 65_536,
    messagesPerSecond: 500,
    messagesBurst: 1_000,
    bytesPerSecond: 1_048_576,
    subscriptionsPerSession: 128,
    sessionsPerAddress: 256,
    maxSessions: 10_000,
    sendBudgetSoft: 262_144,
    sendBudgetHard: 1_048_576,
    helloTimeout: 5_000,
    idleTimeout: 30_000,
    pingInterval: 10_000,
    drainTimeout: 30_000,
    retainBudget: 1_048_576,
    resumeWindow: 120_000,
  });
});

test('an undefined limit means its default', () => {
  const given = { maxSessions: undefined } as unknown as Partial<Limits>;
  expect(resolveLimits(given)).toEqual(DEFAULT_LIMITS);
});

test.each([0, -1, 1.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number])(
  'a limit of %s is refused by name',
  (value) => {
    expect(() => resolveLimits({ maxSessions: value })).toThrow(RangeError);
    expect(() => resolveLimits({ maxSessions: value })).toThrow(/limits\.maxSessions .* not /);
  },
);

test('a limit that does not exist is refused by name', () => {
  expect(() => resolveLimits({ maxSesions: 5 } as Partial<Limits>)).toThrow(
    'limits.maxSesions is not a limit of Spillway',
  );
});

test.each([
  [{ sendBudgetSoft: 2, sendBudgetHard: 1 }],
  [{ pingInterval: 2, idleTimeout: 1 }],
  [{ maxHelloBytes: 2, maxMessageBytes: 1 }],
  [{ subscriptionsPerSession: 2, pendingPerSession: 1 }],
])('limits that cannot work together are refused, both by name: %o', (pair) => {
  const [low, high] = Object.keys(pair);
  expect(() => resolveLimits(pair)).toThrow(`limits.${low} (2) must not exceed limits.${high} (1)`);
});

test('clients are told what they must keep to, and nothing else', () => {
  expect(Object.keys(sessionLimits(DEFAULT_LIMITS)).sort()).toEqual([
    'bytesPerSecond',
    'idleTimeout',
    'maxMessageBytes',
    'maxNames',
    'messagesPerSecond',
    'pingInterval',
    'subscriptionsPerSession',
  ]);
});
