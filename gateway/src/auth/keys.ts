import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';

/** Shared secrets, and how many bytes each needs at least (RFC 7518 section 3.2). */
const SECRET_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const;

/** Public keys, and the type or curve that each takes. */
const KEY_TYPE = {
  RS256: 'rsa',
  RS384: 'rsa',
  RS512: 'rsa',
  PS256: 'rsa',
  PS384: 'rsa',
  PS512: 'rsa',
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
  EdDSA: 'ed25519',
} as const;

export type SecretAlgorithm = keyof typeof SECRET_BYTES;
export type PublicAlgorithm = keyof typeof KEY_TYPE;

/** A secret that issuer and gateway share. */
export interface SecretOptions {
  /** Text counts as its UTF-8 bytes. At least 32 bytes for HS256, 48 for HS384, 64 for HS512. */
  readonly secret: string | Uint8Array;
  /** The only ones that are accepted. */
  readonly algorithms: readonly SecretAlgorithm[];
}

/** The issuer's public key. */
export interface PublicKeyOptions {
  /** PEM (a public key or a certificate) or JWK. */
  readonly publicKey: string | JWK;
  /** The only ones that are accepted; each must fit the key. */
  readonly algorithms: readonly PublicAlgorithm[];
}

/** The issuer's key set: several public keys, told apart by `kid`. */
export interface JwksOptions {
  /** Where the issuer publishes it: https, or plain http on loopback. Or the set itself. */
  readonly jwks: string | URL | JSONWebKeySet;
  /** The only ones that are accepted. */
  readonly algorithms: readonly PublicAlgorithm[];
  /** How long a fetched set is used, ms: a key that is withdrawn counts for so long. @default 600000 */
  readonly jwksMaxAge?: number | undefined;
  /** An unknown `kid` has the set fetched again, but no sooner than so many ms after the last time. @default 30000 */
  readonly jwksCooldown?: number | undefined;
  /** For one fetch, ms; less than `helloTimeout`, so that the client learns why. @default 3000 */
  readonly jwksTimeout?: number | undefined;
}

/** Where the keys come from that a signature is checked with. */
export type KeyOptions = SecretOptions | PublicKeyOptions | JwksOptions;

/** After a failed fetch, ms: clients that come in the meantime are told so without another one. */
const PAUSE_AFTER_FAILURE = 1_000;

/** Checks the options and gives what jose asks for keys. @throws TypeError for a key or algorithm that cannot be */
export function keySource(options: KeyOptions): JWTVerifyGetKey {
  if ('secret' in options) {
    const secret = secretBytes(options);
    return () => secret;
  }
  checkAlgorithms(options.algorithms, Object.keys(KEY_TYPE));
  if ('publicKey' in options) {
    const key = publicKey(options);
    return () => key;
  }
  return keySet(options);
}

/** A key of one family never meets an algorithm of the other: a public key is no secret to sign with. */
function checkAlgorithms(algorithms: readonly string[], allowed: readonly string[]): void {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw new TypeError('jwt() needs the list of algorithms that it is to accept');
  }
  for (const algorithm of algorithms) {
    if (!allowed.includes(algorithm)) {
      throw new TypeError(
        `jwt() does not take '${algorithm}' with this kind of key, only ${allowed.join(', ')}`,
      );
    }
  }
}

function secretBytes({ secret, algorithms }: SecretOptions): Uint8Array {
  checkAlgorithms(algorithms, Object.keys(SECRET_BYTES));
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  // An environment variable that is not set gets past a cast.
  if (!(bytes instanceof Uint8Array)) throw new TypeError('secret must be a text or bytes');
  for (const algorithm of algorithms) {
    if (bytes.length < SECRET_BYTES[algorithm]) {
      throw new TypeError(`${algorithm} needs a secret of at least ${SECRET_BYTES[algorithm]} bytes`);
    }
  }
  return bytes;
}

function publicKey({ publicKey: given, algorithms }: PublicKeyOptions): KeyObject {
  const isPrivate = typeof given === 'string' ? given.includes('PRIVATE KEY') : 'd' in given || 'k' in given;
  if (isPrivate) throw new TypeError('publicKey holds a private key; the gateway must not have it');
  let key: KeyObject;
  try {
    key = typeof given === 'string' ? createPublicKey(given) : createPublicKey({ key: given, format: 'jwk' });
  } catch (cause) {
    throw new TypeError('publicKey is neither PEM nor JWK', { cause });
  }
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const type = namedCurve ?? key.asymmetricKeyType;
  for (const algorithm of algorithms) {
    if (KEY_TYPE[algorithm] !== type) throw new TypeError(`${algorithm} does not fit a key of type ${type}`);
  }
  if (type === 'rsa' && modulusLength < 2048) throw new TypeError('an RSA key needs at least 2048 bits');
  return key;
}

function keySet({ jwks, jwksMaxAge, jwksCooldown, jwksTimeout }: JwksOptions): JWTVerifyGetKey {
  if (typeof jwks !== 'string' && !(jwks instanceof URL)) return createLocalJWKSet(jwks);
  const url = new URL(jwks);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw new TypeError('a key set is fetched over https; plain http only from loopback');
  }
  return createRemoteJWKSet(url, {
    cacheMaxAge: jwksMaxAge ?? 600_000,
    cooldownDuration: jwksCooldown ?? 30_000,
    timeoutDuration: jwksTimeout ?? 3_000,
    [customFetch]: pausing(fetch),
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

/** Does not ask a server that has just failed again for each client that knocks. */
function pausing(fetchSet: FetchImplementation): FetchImplementation {
  let failure: { readonly at: number; readonly error: unknown } | undefined;
  return async (url, options) => {
    if (failure !== undefined && Date.now() - failure.at < PAUSE_AFTER_FAILURE) throw failure.error;
    try {
      const response = await fetchSet(url, options);
      if (response.status !== 200) throw new Error(`the key set's server answered ${response.status}`);
      failure = undefined;
      return response;
    } catch (error) {
      failure = { at: Date.now(), error };
      throw error;
    }
  };
}
