import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  exportPKCS8,
  exportSPKI,
  type GenerateKeyPairResult,
  generateKeyPair,
  importJWK,
  importPKCS8,
  type JWK,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Admission } from '../core/contracts/transport.ts';
import type { SpillwayError } from '../core/errors.ts';
import { type JwtOptions, jwt } from './jwt.ts';
import type { PublicAlgorithm } from './keys.ts';

const SECRET = 'x'.repeat(64);
const NOW = Date.UTC(2026, 10, 21, 12);
const SECONDS = NOW / 1000;
const admission = { remoteAddress: '192.0.2.1' } as Admission;
const now = () => NOW;

type Key = Parameters<SignJWT['sign']>[0];
type Claims = Record<string, unknown>;

/** A token of ada's that is good for a minute. */
function sign(claims: Claims = {}, key: Key = bytes(SECRET), alg = 'HS256', kid?: string): Promise<string> {
  return new SignJWT({ sub: 'ada', exp: SECONDS + 60, ...claims })
    .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
    .sign(key);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What becomes of a token. */
function check(token: string | undefined, options: Partial<JwtOptions> = {}): Promise<unknown> {
  const authenticate = jwt({ secret: SECRET, algorithms: ['HS256'], now, ...options } as JwtOptions);
  return Promise.resolve(authenticate(token, admission));
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

afterEach(() => {
  vi.useRealTimers();
});

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
    const tokens = [
      await sign({ exp: SECONDS - 60, role: 'hunter2' }),
      await sign({ aud: 'hunter2' }),
      await sign({ spillway: { pub: ['hunter2//'] } }),
      await sign({ role: 'hunter2' }, bytes('y'.repeat(64))),
      'hunter2.hunter2.hunter2',
    ];
    for (const token of tokens) {
      const error = await refusal(token, { audience: 'game' });
      const told = `${error.message}${error.stack}${JSON.stringify(error)}`;
      expect(error.cause).toBeUndefined();
      for (const part of [...token.split('.'), 'hunter2']) expect(told).not.toContain(part);
    }
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

const PUBLIC: readonly PublicAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

test.each(PUBLIC)('a public key and %s, as PEM and as JWK', async (alg) => {
  const { publicKey, privateKey } = await keyPair(alg);
  const token = await sign({}, privateKey, alg);
  const forged = await sign({}, (await keyPair(alg, 'somebody else')).privateKey, alg);
  for (const key of [await exportSPKI(publicKey), await exportJWK(publicKey)]) {
    const authenticate = jwt({ publicKey: key, algorithms: [alg], now });
    await expect(authenticate(token, admission)).resolves.toMatchObject({ id: 'ada' });
    await expect(authenticate(forged, admission)).rejects.toMatchObject({ message: 'bad signature' });
  }
});

const rsaKeys = new Map<string, Promise<string>>();

/** Keys of an owner. RSA keys take long to make, and one serves all its algorithms. */
async function keyPair(alg: string, owner = 'issuer'): Promise<GenerateKeyPairResult> {
  if (!/^[RP]S/.test(alg)) return generateKeyPair(alg, { extractable: true });
  const pem = rsaKeys.get(owner) ?? newRsaKey();
  rsaKeys.set(owner, pem);
  const privateKey = await importPKCS8(await pem, alg, { extractable: true });
  const { n, e } = await exportJWK(privateKey);
  const publicKey = (await importJWK({ kty: 'RSA', n: n!, e: e! }, alg, { extractable: true })) as CryptoKey;
  return { publicKey, privateKey };
}

async function newRsaKey(): Promise<string> {
  return exportPKCS8((await generateKeyPair('RS256', { extractable: true })).privateKey);
}

test('a public key that is taken for a secret signs nothing', async () => {
  const { publicKey } = await keyPair('RS256');
  const pem = await exportSPKI(publicKey);
  const forged = await sign({}, bytes(pem), 'HS256');
  const authenticate = jwt({ publicKey: pem, algorithms: ['RS256'], now });
  await expect(authenticate(forged, admission)).rejects.toMatchObject({ message: 'algorithm not allowed' });
});

test('options that cannot be right are refused at once', async () => {
  const rsa = await keyPair('RS256');
  const pem = await exportSPKI(rsa.publicKey);
  const wrong: [unknown, RegExp][] = [
    [{ secret: SECRET }, /list of algorithms/],
    [{ secret: SECRET, algorithms: [] }, /list of algorithms/],
    [{ secret: SECRET, algorithms: ['none'] }, /does not take 'none'/],
    [{ secret: SECRET, algorithms: ['RS256'] }, /does not take 'RS256'/],
    [{ secret: undefined, algorithms: ['HS256'] }, /must be a text or bytes/],
    [{ secret: 'x'.repeat(31), algorithms: ['HS256'] }, /at least 32 bytes/],
    [{ secret: 'x'.repeat(63), algorithms: ['HS256', 'HS512'] }, /at least 64 bytes/],
    [{ publicKey: pem, algorithms: ['HS256'] }, /does not take 'HS256'/],
    [{ publicKey: pem, algorithms: ['none'] }, /does not take 'none'/],
    [{ publicKey: pem, algorithms: ['RS256', 'ES256'] }, /ES256 does not fit a key of type rsa/],
    [{ publicKey: 'no key', algorithms: ['RS256'] }, /neither PEM nor JWK/],
    [{ publicKey: await exportPKCS8(rsa.privateKey), algorithms: ['RS256'] }, /private key/],
    [{ publicKey: await exportJWK(rsa.privateKey), algorithms: ['RS256'] }, /private key/],
    [{ jwks: 'http://issuer.example/keys', algorithms: ['RS256'] }, /over https/],
    [{ jwks: 'http://127.0.0.1.issuer.example/keys', algorithms: ['RS256'] }, /over https/],
    [{ jwks: 'https://issuer.example/keys', algorithms: ['HS256'] }, /does not take 'HS256'/],
  ];
  for (const [options, message] of wrong) {
    expect(() => jwt(options as JwtOptions), JSON.stringify(options)).toThrow(message);
    expect(() => jwt(options as JwtOptions)).toThrow(TypeError);
  }
});

/** An issuer with its key set on loopback. */
class Issuer {
  readonly keys: JWK[] = [];
  readonly #signers = new Map<string, Key>();
  /** How often the set was fetched. */
  fetches = 0;
  status = 200;
  url = '';

  static async start(): Promise<Issuer> {
    const issuer = new Issuer();
    const server = createServer((_request, response) => {
      issuer.fetches++;
      response.writeHead(issuer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: issuer.keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    return issuer;
  }

  /** A new key; `published` unless the set does not show it yet. */
  async rotate(kid: string, published = true): Promise<void> {
    const { publicKey, privateKey } = await keyPair('ES256');
    this.#signers.set(kid, privateKey);
    if (published) this.keys.push({ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' });
  }

  token(kid: string, named = true, claims?: Claims): Promise<string> {
    return sign(claims, this.#signers.get(kid)!, 'ES256', named ? kid : undefined);
  }

  authenticate(options: Partial<JwtOptions> = {}): (token: string) => Promise<unknown> {
    const authenticate = jwt({ jwks: this.url, algorithms: ['ES256'], now, ...options } as JwtOptions);
    return (token) => authenticate(token, admission);
  }
}

/** Lets the time pass for jose, which looks at the clock; sockets and timers stay real. */
function pass(ms: number): void {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.now() + ms);
}

describe('a key set', () => {
  test('is fetched once for many tokens', async () => {
    const issuer = await Issuer.start();
    await issuer.rotate('k1');
    const authenticate = issuer.authenticate();
    const token = await issuer.token('k1');
    await Promise.all(Array.from({ length: 20 }, () => authenticate(token)));
    await expect(authenticate(token)).resolves.toMatchObject({ id: 'ada' });
    expect(issuer.fetches).toBe(1);
  });

  test('is fetched again for a key that it did not have, once in a cooldown', async () => {
    const issuer = await Issuer.start();
    await issuer.rotate('k1');
    const authenticate = issuer.authenticate();
    await authenticate(await issuer.token('k1'));

    pass(30_000);
    await issuer.rotate('k2');
    await expect(authenticate(await issuer.token('k2'))).resolves.toMatchObject({ id: 'ada' });
    expect(issuer.fetches).toBe(2);

    await issuer.rotate('k3', false);
    const unknown = await issuer.token('k3');
    for (let time = 0; time < 10; time++) {
      await expect(authenticate(unknown)).rejects.toMatchObject({
        code: 'unauthorized',
        message: 'unknown key',
        details: { reason: 'unknown-key' },
      });
    }
    expect(issuer.fetches).toBe(2);

    pass(30_000);
    await expect(authenticate(unknown)).rejects.toMatchObject({ message: 'unknown key' });
    await expect(authenticate(unknown)).rejects.toMatchObject({ message: 'unknown key' });
    expect(issuer.fetches).toBe(3);
  });

  test('no longer takes a key that was withdrawn, once the set has aged', async () => {
    const issuer = await Issuer.start();
    await issuer.rotate('k1');
    const authenticate = issuer.authenticate({ jwksMaxAge: 60_000 });
    const token = await issuer.token('k1');
    await authenticate(token);
    issuer.keys.length = 0;
    await issuer.rotate('k2');
    await expect(authenticate(token)).resolves.toMatchObject({ id: 'ada' });
    pass(60_000);
    await expect(authenticate(token)).rejects.toMatchObject({ message: 'unknown key' });
    await expect(authenticate(await issuer.token('k2'))).resolves.toMatchObject({ id: 'ada' });
  });

  test('in the middle of a rotation takes tokens that do not name their key', async () => {
    const issuer = await Issuer.start();
    await issuer.rotate('k1');
    await issuer.rotate('k2');
    const authenticate = issuer.authenticate();
    for (const kid of ['k1', 'k2']) {
      await expect(authenticate(await issuer.token(kid, false))).resolves.toMatchObject({ id: 'ada' });
    }
    await issuer.rotate('k3', false);
    await expect(authenticate(await issuer.token('k3', false))).rejects.toMatchObject({
      message: 'bad signature',
    });
    await expect(authenticate(await issuer.token('k2', false, { exp: SECONDS - 60 }))).rejects.toMatchObject({
      message: 'token expired',
    });
  });

  test('that cannot be had is no fault of the token', async () => {
    const issuer = await Issuer.start();
    await issuer.rotate('k1');
    issuer.status = 503;
    const authenticate = issuer.authenticate();
    const token = await issuer.token('k1');
    for (let time = 0; time < 5; time++) {
      const error = await authenticate(token).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ name: 'Error', message: /could not be had/ });
    }
    expect(issuer.fetches).toBe(1);

    issuer.status = 200;
    pass(1_000);
    await expect(authenticate(token)).resolves.toMatchObject({ id: 'ada' });
  });

  test('is not asked for tokens whose algorithm is not on the list', async () => {
    const issuer = await Issuer.start();
    await issuer.rotate('k1');
    await expect(issuer.authenticate()(await sign())).rejects.toMatchObject({
      message: 'algorithm not allowed',
    });
    expect(issuer.fetches).toBe(0);
  });

  test('may be given as it is', async () => {
    const issuer = await Issuer.start();
    await issuer.rotate('k1');
    const authenticate = issuer.authenticate({ jwks: { keys: issuer.keys } });
    await expect(authenticate(await issuer.token('k1'))).resolves.toMatchObject({ id: 'ada' });
    expect(issuer.fetches).toBe(0);
  });
});
