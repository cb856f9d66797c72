import { UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { SpillwayError } from '../core/errors.ts';
import { type JwtOptions, jwt } from './jwt.ts';
import { bytes, type Claims, NOW, now, SECONDS, SECRET, sign } from './test-issuer.ts';

/** What becomes of a token. */
function check(token: string | undefined, options: Partial<JwtOptions> = {}): Promise<unknown> {
  const authenticate = jwt({ secret: SECRET, algorithms: ['HS256'], now, ...options } as JwtOptions);
  return Promise.resolve(authenticate(token));
}

/** Why a token is refused. */
async function refusal(token: string | undefined, options?: Partial<JwtOptions>): Promise<SpillwayError> {
  const error = await check(token, options).then(
    () => expect.unreachable('the token was accepted'),
    (thrown: unknown) => thrown as SpillwayError,
  );
  expect(error).toMatchObject({ name: 'SpillwayError', code: 'unauthorized' });
  return error;
}

describe('the user', () => {
  test('is the subject, with grants, end and all other claims', async () => {
    const grants = { sub: ['arena/+', 'lobby'], pub: 'arena/+' };
    const token = await sign({ spillway: grants, role: 'pilot', jti: 'n1' });
    expect(await check(token, { clockTolerance: 2_000 })).toEqual({
      id: 'ada',
      grants: { sub: ['arena/+', 'lobby'], pub: ['arena/+'] },
      expiresAt: NOW + 62_000,
      role: 'pilot',
      jti: 'n1',
    });
  });

  test('cannot take an id, grants or an end from claims of those names', async () => {
    const token = await sign({ id: 'root', grants: { sub: ['#'] }, expiresAt: 1 });
    expect(await check(token)).toMatchObject({ id: 'ada', grants: undefined, expiresAt: NOW + 65_000 });
  });

  test('has the grants of the claim that was configured', async () => {
    const token = await sign({ 'https://example.com/rt': { sub: 'lobby' }, spillway: { sub: '#' } });
    const options = { grantsClaim: 'https://example.com/rt' };
    expect(await check(token, options)).toMatchObject({ grants: { sub: ['lobby'] } });
  });

  test('ends when the token is too old, if that is sooner', async () => {
    const token = await sign({ iat: SECONDS - 10 });
    expect(await check(token, { maxTokenAge: 30_000 })).toMatchObject({ expiresAt: NOW + 25_000 });
  });

  test('of a token without end has none, where that is allowed', async () => {
    const token = await sign({ exp: undefined });
    expect(await check(token, { requireExpiry: false })).toMatchObject({ id: 'ada', expiresAt: undefined });
  });
});

describe('a token is refused, and the message says why', () => {
  test.each<[string, Claims, Partial<JwtOptions>, string, string]>([
    ['has expired', { exp: SECONDS - 60 }, {}, 'expired', 'token expired'],
    ['expires now', { exp: SECONDS }, { clockTolerance: 0 }, 'expired', 'token expired'],
    ['is not valid yet', { nbf: SECONDS + 60 }, {}, 'not-yet-valid', 'token not valid yet'],
    ['is too old', { iat: SECONDS - 90 }, { maxTokenAge: 60_000 }, 'too-old', 'token too old'],
    [
      'comes from the future',
      { iat: SECONDS + 90 },
      { maxTokenAge: 60_000 },
      'not-yet-valid',
      'token not valid yet',
    ],
    ['is for somebody else', { aud: 'shop' }, { audience: 'game' }, 'audience', 'wrong audience'],
    ['is from somebody else', { iss: 'evil' }, { issuer: ['a', 'b'] }, 'issuer', 'wrong issuer'],
    ['has no audience', {}, { audience: 'game' }, 'claim', "claim 'aud' is missing"],
    ['has no issuer', {}, { issuer: 'a' }, 'claim', "claim 'iss' is missing"],
    ['has no issue time', {}, { maxTokenAge: 60_000 }, 'claim', "claim 'iat' is missing"],
    ['has no subject', { sub: undefined }, {}, 'claim', "claim 'sub' is missing"],
    ['has an empty subject', { sub: '' }, {}, 'claim', "claim 'sub' must be a text"],
    ['has a number for subject', { sub: 7 }, {}, 'claim', "claim 'sub' must be a text"],
    ['never ends', { exp: undefined }, {}, 'claim', "claim 'exp' is missing"],
    ['has no grants', {}, { requireGrants: true }, 'claim', "claim 'spillway' is missing"],
    ['has grants that are none', { spillway: 'all' }, {}, 'grants', 'the grants are not valid'],
    [
      'has a pattern that is none',
      { spillway: { pub: ['a//b'] } },
      {},
      'grants',
      "grant 'pub' holds what is no pattern",
    ],
  ])('one that %s', async (_what, claims, options, reason, message) => {
    expect(await refusal(await sign(claims), options)).toMatchObject({ message, details: { reason } });
  });

  test.each<[string, string | undefined, string, string]>([
    ['none at all', undefined, 'missing', 'a token is required'],
    ['an empty one', '', 'missing', 'a token is required'],
    ['one that is none', 'secret-looking-text', 'malformed', 'malformed token'],
    ['one of three parts that are nothing', 'a.b.c', 'malformed', 'malformed token'],
  ])('%s', async (_what, token, reason, message) => {
    expect(await refusal(token)).toMatchObject({ message, details: { reason } });
  });

  test('one with a signature of another key, whatever its claims', async () => {
    const token = await sign({ exp: SECONDS - 60 }, bytes('y'.repeat(64)));
    expect(await refusal(token)).toMatchObject({
      message: 'bad signature',
      details: { reason: 'signature' },
    });
  });

  test('one that was changed after it was signed', async () => {
    const [head, , signature] = (await sign()).split('.');
    const claims = Buffer.from(JSON.stringify({ sub: 'root', exp: SECONDS + 60 })).toString('base64url');
    expect((await refusal(`${head}.${claims}.${signature}`)).message).toBe('bad signature');
  });

  test('one that is not signed, or by an algorithm that is not on the list', async () => {
    const unsigned = new UnsecuredJWT({ sub: 'ada', exp: SECONDS + 60 }).encode();
    for (const token of [unsigned, await sign({}, bytes(SECRET), 'HS512')]) {
      expect(await refusal(token)).toMatchObject({
        message: 'algorithm not allowed',
        details: { reason: 'algorithm' },
      });
    }
  });

  test('no error quotes the token or carries its claims', async () => {
    const faults: unknown[] = [];
    const tokens = [
      await sign({ aud: 'game', exp: SECONDS - 60, role: 'hunter2' }),
      await sign({ aud: 'hunter2' }),
      await sign({ aud: 'game', spillway: { pub: ['hunter2//'] } }),
      await sign({ aud: 'game', role: 'hunter2' }, bytes('y'.repeat(64))),
      'hunter2.hunter2.hunter2',
    ];
    for (const token of tokens) {
      const error = await refusal(token, { audience: 'game' });
      const told = `${error.message}${error.stack}${JSON.stringify(error)}`;
      faults.push((error.details as { reason: string }).reason);
      expect(error.cause).toBeUndefined();
      for (const part of [...token.split('.'), 'hunter2']) expect(told).not.toContain(part);
    }
    expect(faults).toEqual(['expired', 'audience', 'grants', 'signature', 'malformed']);
  });
});

test('the clocks may be apart by the tolerance, and no more', async () => {
  const late = await sign({ exp: SECONDS - 4 });
  await expect(check(late)).resolves.toMatchObject({ expiresAt: NOW + 1_000 });
  expect((await refusal(late, { clockTolerance: 4_000 })).message).toBe('token expired');
  await expect(check(await sign({ nbf: SECONDS + 5 }))).resolves.toMatchObject({ id: 'ada' });
});

test('one of several audiences and issuers is enough', async () => {
  const token = await sign({ aud: ['shop', 'game'], iss: 'b' });
  await expect(check(token, { audience: ['game', 'chat'], issuer: ['a', 'b'] })).resolves.toMatchObject({
    id: 'ada',
  });
});

test.each(['HS256', 'HS384', 'HS512'] as const)('a shared secret and %s', async (alg) => {
  const options = { secret: bytes(SECRET), algorithms: [alg] };
  await expect(check(await sign({}, bytes(SECRET), alg), options)).resolves.toMatchObject({ id: 'ada' });
});
