import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Member, Presence, type PresenceChange } from './presence.ts';

const GRACE = 1_000;

function presence(grace = GRACE): Presence {
  return new Presence({ grace, maxStateBytes: 20 });
}

function member(session: string, user?: string, state?: string): Member {
  return { session, user, state };
}

/** `join ann-1 (ann)`; with `!` where no other session of the user is there. */
function told(changes: readonly PresenceChange[]): string[] {
  return changes.map(
    ({ event, member: { session, state }, alone }) =>
      `${event} ${session}${state === undefined ? '' : ` ${state}`}${alone ? ' !' : ''}`,
  );
}

test('who joins is told, and is in the snapshot from then on', () => {
  const room = presence();
  room.join('a', member('s1', 'ann', '"here"'));
  expect(room.snapshot('a')).toEqual([]);
  expect(room.nextDeadline).toBe(0);
  expect(room.changes(0)).toEqual([
    { event: 'join', channel: 'a', member: member('s1', 'ann', '"here"'), alone: true },
  ]);
  expect(room.snapshot('a')).toEqual([member('s1', 'ann', '"here"')]);
  expect(room.changes(0)).toEqual([]);
  expect(room.nextDeadline).toBeUndefined();
});

test('who leaves is there until the grace is over', () => {
  const room = presence();
  room.join('a', member('s1', 'ann'));
  room.changes(0);
  room.leave('a', 's1', 100);
  expect(room.nextDeadline).toBe(1_100);
  expect(room.changes(1_099)).toEqual([]);
  expect(room.snapshot('a')).toHaveLength(1);
  expect(told(room.changes(1_100))).toEqual(['leave s1 !']);
  expect(room.snapshot('a')).toEqual([]);
  expect(room.count('a')).toEqual({ members: 0, users: 0 });
  expect(room.nextDeadline).toBeUndefined();
});

test('who leaves and comes back within the grace has not left, and keeps its state', () => {
  const room = presence();
  room.join('a', member('s1', 'ann', '1'));
  room.changes(0);
  for (let flap = 0; flap < 5; flap++) {
    room.leave('a', 's1', flap * 500);
    room.join('a', member('s1', 'ann'));
    expect(room.changes(flap * 500)).toEqual([]);
  }
  expect(room.changes(1e9)).toEqual([]);
  expect(room.snapshot('a')).toEqual([member('s1', 'ann', '1')]);
});

test('who comes back does not keep the others from leaving', () => {
  const room = presence();
  for (const session of ['s1', 's2']) room.join('a', member(session));
  room.changes(0);
  room.leave('a', 's1', 0);
  room.leave('a', 's2', 0);
  room.join('a', member('s1'));
  expect(room.nextDeadline).toBe(GRACE);
  expect(told(room.changes(GRACE))).toEqual(['leave s2 !']);
});

test('who comes back with another state has changed it', () => {
  const room = presence();
  room.join('a', member('s1', 'ann', '1'));
  room.changes(0);
  room.leave('a', 's1', 0);
  room.join('a', member('s1', 'ann', '2'));
  expect(told(room.changes(0))).toEqual(['update s1 2 !']);
});

test('a change that was not told when its member left is told when it comes back', () => {
  const room = presence();
  room.join('a', member('s1', 'ann', '1'));
  room.changes(0);
  room.update('a', 's1', '2');
  room.leave('a', 's1', 0);
  expect(room.changes(0)).toEqual([]);
  room.join('a', member('s1', 'ann'));
  expect(told(room.changes(0))).toEqual(['update s1 2 !']);
});

test('who comes and goes before anybody was told was never there', () => {
  const room = presence();
  room.join('a', member('s1', 'ann'));
  room.leave('a', 's1', 0);
  expect([room.nextDeadline, room.changes(1e9)]).toEqual([undefined, []]);
  expect(() => room.update('a', 's1', '1')).toThrow('not present');
});

test('without grace a leave is told at once', () => {
  const room = presence(0);
  room.join('a', member('s1', 'ann'));
  room.changes(0);
  room.leave('a', 's1', 5);
  expect(told(room.changes(5))).toEqual(['leave s1 !']);
});

test('many changes of a state between two turns are one, and a change to the same is none', () => {
  const room = presence();
  room.join('a', member('s1', 'ann', '0'));
  room.update('a', 's1', '1');
  expect(told(room.changes(0))).toEqual(['join s1 1 !']);
  for (const state of ['2', '3', '4']) room.update('a', 's1', state);
  expect(told(room.changes(0))).toEqual(['update s1 4 !']);
  room.update('a', 's1', '5');
  room.update('a', 's1', '4');
  expect([room.nextDeadline, room.changes(0)]).toEqual([undefined, []]);
});

test('a user with several sessions comes with the first and leaves with the last', () => {
  const room = presence(0);
  room.join('a', member('s1', 'ann'));
  room.join('a', member('s2', 'ann'));
  room.join('a', member('s3', 'bob'));
  expect(told(room.changes(0))).toEqual(['join s1 !', 'join s2', 'join s3 !']);
  expect(room.count('a')).toEqual({ members: 3, users: 2 });
  room.leave('a', 's1', 1);
  expect(told(room.changes(1))).toEqual(['leave s1']);
  room.leave('a', 's2', 2);
  expect(told(room.changes(2))).toEqual(['leave s2 !']);
  expect(room.count('a')).toEqual({ members: 1, users: 1 });
});

test('a user whose page is loaded anew, in another session, has not left', () => {
  const room = presence();
  room.join('a', member('s1', 'ann'));
  room.changes(0);
  room.leave('a', 's1', 0);
  room.join('a', member('s2', 'ann'));
  expect(told(room.changes(500))).toEqual(['join s2']);
  expect(told(room.changes(1_000))).toEqual(['leave s1']);
});

test('in one turn those who come are told before those who go, so that a user who moves does not flicker', () => {
  const room = presence(0);
  room.join('a', member('s1', 'ann'));
  room.changes(0);
  room.leave('a', 's1', 1);
  room.join('a', member('s2', 'ann'));
  expect(told(room.changes(1))).toEqual(['join s2', 'leave s1']);
});

test('sessions without a user are each their own', () => {
  const room = presence(0);
  room.join('a', member('s1'));
  room.join('a', member('s2'));
  expect(told(room.changes(0))).toEqual(['join s1 !', 'join s2 !']);
  expect(room.count('a')).toEqual({ members: 2, users: 2 });
  room.leave('a', 's1', 0);
  expect(told(room.changes(0))).toEqual(['leave s1 !']);
});

test('channels know nothing of each other', () => {
  const room = presence();
  room.join('a', member('s1', 'ann'));
  room.join('b', member('s1', 'ann'));
  expect(told(room.changes(0))).toEqual(['join s1 !', 'join s1 !']);
  room.leave('a', 's1', 0);
  room.changes(1_000);
  expect([room.snapshot('a'), room.snapshot('b')]).toEqual([[], [member('s1', 'ann')]]);
});

test('a state has at most its bytes, in UTF-8, and one that has more changes nothing', () => {
  const room = presence();
  expect(() => room.join('a', member('s1', 'ann', `"${'x'.repeat(19)}"`))).toThrow('at most 20 bytes');
  expect(room.nextDeadline).toBeUndefined();
  room.join('a', member('s1', 'ann', `"${'ß'.repeat(9)}"`));
  expect(() => room.update('a', 's1', `"${'ß'.repeat(10)}"`)).toThrow('at most 20 bytes');
  expect(room.changes(0)[0]!.member.state).toBe(`"${'ß'.repeat(9)}"`);
});

test('only who is there can change its state, and only who is there can leave', () => {
  const room = presence();
  expect(() => room.update('a', 's1', '1')).toThrow('not present');
  room.leave('a', 's1', 0);
  room.join('a', member('s1', 'ann'));
  room.changes(0);
  room.leave('a', 's1', 0);
  room.leave('a', 's1', 900);
  expect(() => room.update('a', 's1', '1')).toThrow('not present');
  expect(told(room.changes(1_000))).toEqual(['leave s1 !']);
});

const step = fc.record({
  do: fc.constantFrom('join', 'join', 'leave', 'leave', 'update', 'turn'),
  channel: fc.constantFrom('a', 'b'),
  session: fc.constantFrom('ann-1', 'ann-2', 'bob-1', 'bob-2', '-1', '-2'),
  state: fc.constantFrom('1', '2', undefined),
  after: fc.constantFrom(0, 1, 400, 1_000),
});

function userOf(session: string): string | undefined {
  return session.split('-')[0] || undefined;
}

test('whoever heard every change knows the snapshot, and it comes to what is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 500, GRACE), (steps, grace) => {
      const room = presence(grace);
      /** What one knows who hears all changes. */
      const heard = new Map<string, Member>();
      /** Who is there, and its state. */
      const here = new Map<string, string | undefined>();
      /** Last seen, of those who are not. */
      const left = new Map<string, number>();
      const lastState = new Map<string, string | undefined>();
      let now = 0;
      const listen = () => {
        for (const { event, channel, member, alone } of room.changes(now)) {
          const key = `${channel} ${member.session}`;
          expect(heard.has(key)).toBe(event !== 'join');
          if (event === 'leave') {
            expect(here.has(key)).toBe(false);
            expect(now - left.get(key)!).toBeGreaterThanOrEqual(grace);
            heard.delete(key);
          }
          const others = [...heard].some(
            ([other, { user }]) =>
              other !== key && other.startsWith(channel) && user !== undefined && user === member.user,
          );
          expect(alone).toBe(!others);
          if (event !== 'leave') heard.set(key, member);
        }
      };
      for (const { do: what, channel, session, state, after } of steps) {
        now += after;
        const key = `${channel} ${session}`;
        const known = here.has(key);
        if (what === 'turn') {
          listen();
        } else if (what === 'join') {
          room.join(channel, { session, user: userOf(session), state });
          const remembered = known ? here.get(key) : heard.has(key) ? lastState.get(key) : undefined;
          here.set(key, state ?? remembered);
        } else if (what === 'leave') {
          room.leave(channel, session, now);
          if (here.delete(key)) left.set(key, now);
        } else if (known && state !== undefined) {
          room.update(channel, session, state);
          here.set(key, state);
        }
        if (here.has(key)) lastState.set(key, here.get(key));
        for (const name of ['a', 'b']) {
          const members = [...heard].filter(([key]) => key.startsWith(name)).map(([, member]) => member);
          expect(new Set(room.snapshot(name))).toEqual(new Set(members));
          const users = new Set(members.map(({ session, user }) => user ?? session));
          expect(room.count(name)).toEqual({ members: members.length, users: users.size });
        }
      }
      now += grace;
      listen();
      expect([...heard].map(([key, { state }]) => `${key} ${state}`).sort()).toEqual(
        [...here].map(([key, state]) => `${key} ${state}`).sort(),
      );
      expect(room.nextDeadline).toBeUndefined();
    }),
    { numRuns: 1_000 },
  );
});
