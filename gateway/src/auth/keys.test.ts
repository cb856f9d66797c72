import { exportJWK, exportPKCS8, exportSPKI } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type JwtOptions, jwt } from './jwt.ts';
import type { PublicAlgorithm } from './keys.ts';
import { bytes, Issuer, keyPair, now, SECONDS, SECRET, sign } from './test-issuer.ts';

afterEach(() => {
  vi.useRealTimers();
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
    await expect(authenticate(token)).resolves.toMatchObject({ id: 'ada' });
    await expect(authenticate(forged)).rejects.toMatchObject({ message: 'bad signature' });
  }
});

test('a public key that is taken for a secret signs nothing', async () => {
  const { publicKey } = await keyPair('RS256');
  const pem = await exportSPKI(publicKey);
  const forged = await sign({}, bytes(pem), 'HS256');
  const authenticate = jwt({ publicKey: pem, algorithms: ['RS256'], now });
  await expect(authenticate(forged)).rejects.toMatchObject({ message: 'algorithm not allowed' });
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

/** Lets the time pass for jose, which looks at the clock; sockets and timers stay real. */
function pass(ms: number): void {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.now() + ms);
}

describe('a key set', () => {
  test('is fetched once for many tokens', async () => {
    await using issuer = await Issuer.start();
    await issuer.rotate('k1');
    const authenticate = issuer.authenticate();
    const token = await issuer.token('k1');
    await Promise.all(Array.from({ length: 20 }, () => authenticate(token)));
    await expect(authenticate(token)).resolves.toMatchObject({ id: 'ada' });
    expect(issuer.fetches).toBe(1);
  });

  test('is fetched again for a key that it did not have, once in a cooldown', async () => {
    await using issuer = await Issuer.start();
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
    await using issuer = await Issuer.start();
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
    await using issuer = await Issuer.start();
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
    await using issuer = await Issuer.start();
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
    await using issuer = await Issuer.start();
    await issuer.rotate('k1');
    await expect(issuer.authenticate()(await sign())).rejects.toMatchObject({
      message: 'algorithm not allowed',
    });
    expect(issuer.fetches).toBe(0);
  });

  test('may be given as it is', async () => {
    await using issuer = await Issuer.start();
    await issuer.rotate('k1');
    const authenticate = issuer.authenticate({ jwks: { keys: issuer.keys } });
    await expect(authenticate(await issuer.token('k1'))).resolves.toMatchObject({ id: 'ada' });
    expect(issuer.fetches).toBe(0);
  });
});
