import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { ChannelAction } from '../core/channel-options.ts';
import { Expiry } from '../core/expiry.ts';
import { authorizeFrom } from '../core/grants.ts';
import { jwt } from './jwt.ts';

/**
 * Two users, each with a token of their own: every action, where it is allowed, where it is denied, by wildcard, and
 * after the token's end.
 */

const SECRET = new TextEncoder().encode('a secret that both of them share');
const NOW = Date.UTC(2026, 10, 21, 12);
const LIFE = 60_000;

const TOKENS = {
  ada: {
    sub: ['arena/+', 'sensors/#', 'inbox/ada'],
    pub: ['arena/7', 'inbox/+'],
    presence: ['arena/+'],
    history: ['arena/#'],
  },
  bob: { sub: ['lobby', 'inbox/bob', 'sensors/+/temp'], pub: 'lobby', history: 'sensors/+/temp' },
} as const;

type Name = keyof typeof TOKENS;

const actions = ['subscribe', 'publish', 'presence', 'history'] as const satisfies readonly ChannelAction[];

/** For each channel who may do what: s(ubscribe), p(ublish), P(resence), h(istory). */
const MATRIX: readonly [channel: string, ada: string, bob: string][] = [
  // names
  ['lobby', '', 'sp'],
  ['lobby/1', '', ''],
  ['arena', 'h', ''],
  ['arena/7', 'spPh', ''],
  ['arena/8', 'sPh', ''],
  ['arena/7/chat', 'h', ''],
  ['inbox/ada', 'sp', ''],
  ['inbox/bob', 'p', 's'],
  ['sensors', 's', ''],
  ['sensors/2/temp', 's', 'sh'],
  ['sensors/2/rpm', 's', ''],
  ['sensors/2/temp/max', 's', ''],
  ['elsewhere', '', ''],
  // wildcards
  ['arena/+', 'sPh', ''],
  ['arena/#', 'h', ''],
  ['arena/+/chat', 'h', ''],
  ['inbox/+', '', ''],
  ['sensors/#', 's', ''],
  ['sensors/+/temp', 's', 'sh'],
  ['sensors/2/+', 's', ''],
  ['+/temp', '', ''],
  ['+', '', ''],
  ['#', '', ''],
];

const LETTER: Readonly<Record<ChannelAction, string>> = {
  subscribe: 's',
  publish: 'p',
  presence: 'P',
  history: 'h',
};

/** What a session of theirs has after HELLO with their token. */
async function open(name: Name, now = NOW) {
  const token = await new SignJWT({ sub: name, exp: (NOW + LIFE) / 1000, spillway: TOKENS[name] })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(SECRET);
  const authenticate = jwt({ secret: SECRET, algorithms: ['HS256'], clockTolerance: 0, now: () => now });
  const user = await authenticate(token);
  const expiry = new Expiry(user, { lead: 10_000, grace: 0 }, now);
  const authorize = authorizeFrom(user.grants!);
  return {
    may: (action: ChannelAction, channel: string, at: number) =>
      expiry.valid(at) && authorize(action, channel),
  };
}

describe.each(['ada', 'bob'] as const)('%s', async (name) => {
  const column = name === 'ada' ? 1 : 2;
  const session = await open(name);

  for (const row of MATRIX) {
    for (const action of actions) {
      const allowed = row[column].includes(LETTER[action]);
      test(`${allowed ? 'may' : 'may not'} ${action} ${row[0]}, and never after the token's end`, () => {
        expect(session.may(action, row[0], NOW)).toBe(allowed);
        expect(session.may(action, row[0], NOW + LIFE - 1)).toBe(allowed);
        expect(session.may(action, row[0], NOW + LIFE)).toBe(false);
      });
    }
  }

  test('has no session by a token whose end is past', async () => {
    await expect(open(name, NOW + LIFE)).rejects.toMatchObject({
      code: 'unauthorized',
      details: { reason: 'expired' },
    });
  });
});

test('the matrix has each action allowed and denied, by name and by wildcard; publishing by name alone', () => {
  const isWildcard = (channel: string) => /[+#]/.test(channel);
  for (const action of actions) {
    for (const wildcard of [false, true]) {
      const cells = MATRIX.filter(([channel]) => isWildcard(channel) === wildcard).map(
        ([, ada, bob]) => ada + bob,
      );
      const allowed = cells.filter((cell) => cell.includes(LETTER[action])).length;
      expect(allowed > 0, `${action} ${wildcard}`).toBe(!(wildcard && action === 'publish'));
      expect(allowed).toBeLessThan(cells.length);
    }
  }
});
