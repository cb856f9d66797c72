import { expect, test } from 'vitest';
import { Claims } from './claims.ts';
import type { User } from './session-handle.ts';

/** Claims that are asked about by hand. */
function claims(user?: User) {
  const answers: (() => void)[] = [];
  const one = new Claims(user, () => new Promise((resolve) => answers.push(resolve)));
  return { one, answers };
}

/** Whether it is decided, as of now. */
async function decided(promise: Promise<void> | undefined): Promise<boolean> {
  const open = Symbol('open');
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, open))])) !== open;
}

test('the same user, or nobody as before, is not asked about', () => {
  const { one, answers } = claims({ id: 'ada', roles: ['player'] });
  expect(one.become({ id: 'ada', roles: ['player'] })).toBeUndefined();
  expect(claims().one.become(undefined)).toBeUndefined();
  expect(answers.length).toBe(0);
});

test('a newer token of the same user is not asked about, and its end is the one that counts', () => {
  const { one, answers } = claims({ id: 'ada', exp: 1, expiresAt: 1_000 });
  expect(one.become({ expiresAt: 2_000, exp: 2, id: 'ada' })).toBeUndefined();
  expect(one.user?.expiresAt).toBe(2_000);
  expect(answers.length).toBe(0);
});

test('another one is the user at once, and what that changes is waited for', async () => {
  const { one, answers } = claims({ id: 'ada' });
  const changed = one.become({ id: 'ada', role: 'admin' });
  expect(one.user).toEqual({ id: 'ada', role: 'admin' });
  expect(await decided(changed)).toBe(false);
  answers[0]!();
  expect(await decided(changed)).toBe(true);
  expect(one.become({ id: 'ada', role: 'admin' })).toBeUndefined();
});

test('whoever comes with the new claims while they are asked about waits too', async () => {
  const { one, answers } = claims({ id: 'ada' });
  void one.become({ id: 'ada', role: 'admin' });
  const same = one.become({ id: 'ada', role: 'admin' });
  expect(await decided(same)).toBe(false);
  const other = one.become({ id: 'ada', role: 'player' });
  answers[1]!();
  expect(await decided(other)).toBe(false);
  answers[0]!();
  expect([await decided(same), await decided(other)]).toEqual([true, true]);
});

test('claims that JSON cannot hold may have changed', () => {
  const big = { id: 'ada', score: 1n };
  expect(claims(big).one.become(big)).toBeInstanceOf(Promise);
});
