import { expect, test } from 'vitest';
import { accessChanged, Expiry } from './expiry.ts';
import type { User } from './session-handle.ts';

const OPTIONS = { lead: 30_000, grace: 5_000 };

function ada(expiresAt?: number, rest: object = {}): User {
  return { id: 'ada', ...rest, ...(expiresAt !== undefined && { expiresAt }) };
}

/** What is told from `from` to `to`, looking every quarter of a second as the gateway does. */
function told(expiry: Expiry, from: number, to: number): [time: number, event: string][] {
  const events: [number, string][] = [];
  for (let now = from; now <= to; now += 250) {
    const event = expiry.tick(now);
    if (event !== undefined) events.push([now, event]);
  }
  return events;
}

test('a token warns once before its end and ends once', () => {
  const expiry = new Expiry(ada(100_000), OPTIONS, 0);
  expect(told(expiry, 0, 200_000)).toEqual([
    [70_000, 'expiring'],
    [100_000, 'expired'],
  ]);
});

test('a session whose user has no end has nothing to tell', () => {
  for (const user of [undefined, ada()]) {
    const expiry = new Expiry(user, OPTIONS, 0);
    expect(expiry.tick(Number.MAX_SAFE_INTEGER)).toBeUndefined();
    expect(expiry.valid(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(expiry.within(0)).toBeUndefined();
  }
});

test('a token that lives shorter than the lead warns in the middle of its life', () => {
  const expiry = new Expiry(ada(20_000), OPTIONS, 0);
  expect(told(expiry, 0, 30_000)).toEqual([
    [10_000, 'expiring'],
    [20_000, 'expired'],
  ]);
});

test('short tokens one after the other are asked for once in half of their life, not without end', () => {
  const expiry = new Expiry(ada(1_000), OPTIONS, 0);
  let warnings = 0;
  for (let now = 0; now < 60_000; now += 10) {
    if (expiry.tick(now) !== 'expiring') continue;
    warnings++;
    expiry.begin(now);
    expiry.renew(ada(), ada(now + 1_000), now);
    expiry.end();
  }
  expect(warnings).toBeGreaterThan(100);
  expect(warnings).toBeLessThanOrEqual(120);
});

test('a token is valid until its end, and says how long that is', () => {
  const expiry = new Expiry(ada(100_000), OPTIONS, 0);
  expect([expiry.valid(99_999), expiry.within(99_999)]).toEqual([true, 1]);
  expect([expiry.valid(100_000), expiry.within(100_000)]).toEqual([false, 0]);
  expect(expiry.within(150_000)).toBe(0);
});

test('a refresh moves the end and warns anew', () => {
  const expiry = new Expiry(ada(100_000), OPTIONS, 0);
  expect(expiry.tick(80_000)).toBe('expiring');
  expiry.begin(80_000);
  expiry.renew(ada(100_000), ada(300_000), 80_001);
  expiry.end();
  expect(told(expiry, 80_250, 400_000)).toEqual([
    [270_000, 'expiring'],
    [300_000, 'expired'],
  ]);
});

test('a refresh may also bring the end nearer, or take it away', () => {
  const expiry = new Expiry(ada(), OPTIONS, 0);
  expiry.renew(ada(), ada(50_000), 0);
  expect(expiry.within(0)).toBe(50_000);
  expiry.renew(ada(), ada(), 0);
  expect(expiry.within(0)).toBeUndefined();
});

test('a token of another user changes nothing', () => {
  const expiry = new Expiry(ada(100_000), OPTIONS, 0);
  expect(expiry.tick(80_000)).toBe('expiring');
  expiry.begin(80_000);
  expect(() => expiry.renew(ada(), { id: 'bob', expiresAt: 900_000 }, 80_000)).toThrow(
    expect.objectContaining({ code: 'unauthorized', details: { reason: 'other-user' } }),
  );
  expiry.end();
  expect(told(expiry, 80_250, 200_000)).toEqual([[100_000, 'expired']]);
});

test('a session without a user does not become one', () => {
  expect(() => new Expiry(undefined, OPTIONS, 0).renew(undefined, ada(1_000), 0)).toThrow(
    'the token is for another user',
  );
});

test('one token is checked at a time', () => {
  const expiry = new Expiry(ada(100_000), OPTIONS, 0);
  expiry.begin(0);
  expect(() => expiry.begin(1)).toThrow(expect.objectContaining({ code: 'too-many-requests' }));
  expiry.end();
  expect(() => expiry.begin(2)).not.toThrow();
});

test('nothing is told of an end that a refresh is already about', () => {
  const expiry = new Expiry(ada(100_000), OPTIONS, 0);
  expiry.begin(69_000);
  expect(told(expiry, 69_000, 99_000)).toEqual([]);
});

test('a refresh under way at the end keeps the session, but gives it no right, and not for long', () => {
  const saved = new Expiry(ada(100_000), OPTIONS, 0);
  saved.begin(99_000);
  expect(saved.tick(100_000)).toBeUndefined();
  expect(saved.valid(100_000)).toBe(false);
  saved.renew(ada(), ada(200_000), 102_000);
  saved.end();
  expect(saved.tick(104_000)).toBeUndefined();
  expect(saved.valid(104_000)).toBe(true);

  const slow = new Expiry(ada(100_000), OPTIONS, 0);
  slow.tick(80_000);
  slow.begin(99_000);
  expect(told(slow, 99_000, 120_000)).toEqual([[104_000, 'expired']]);
  expect(() => slow.renew(ada(), ada(200_000), 104_001)).toThrow('token expired');

  const failed = new Expiry(ada(100_000), OPTIONS, 0);
  failed.begin(99_000);
  failed.end();
  expect(failed.tick(100_000)).toBe('expired');
});

test('after its end a token cannot be refreshed, so bad ones do not keep a session', () => {
  const expiry = new Expiry(ada(100_000), OPTIONS, 0);
  expect(() => expiry.begin(100_000)).toThrow(expect.objectContaining({ details: { reason: 'expired' } }));
});

test.each([
  [
    'the times and number of the token',
    { exp: 1, iat: 1, nbf: 1, jti: 'a', expiresAt: 1 },
    { exp: 2, jti: 'b' },
    false,
  ],
  ['the order of the claims', { a: 1, b: { c: [1, 2], d: 2 } }, { b: { d: 2, c: [1, 2] }, a: 1 }, false],
  ['a claim', { role: 'pilot' }, { role: 'guest' }, true],
  ['a claim that is new', {}, { role: 'guest' }, true],
  ['a grant', { grants: { sub: ['a', 'b'] } }, { grants: { sub: ['a'] } }, true],
  ['an inner claim named like a time', { team: { exp: 1 } }, { team: { exp: 2 } }, true],
  ['the order of a list', { roles: ['a', 'b'] }, { roles: ['b', 'a'] }, true],
])('a difference in %s', (_what, before, after, changed) => {
  expect(accessChanged({ id: 'ada', ...before }, { id: 'ada', ...after })).toBe(changed);
});

test('users that make no JSON are never the same', () => {
  const odd: User = { id: 'ada', level: 1n };
  expect(accessChanged(odd, odd)).toBe(true);
});
