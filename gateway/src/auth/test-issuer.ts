import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  exportPKCS8,
  type GenerateKeyPairResult,
  generateKeyPair,
  importJWK,
  importPKCS8,
  type JWK,
  SignJWT,
} from 'jose';
import { type JwtOptions, jwt } from './jwt.ts';

/** Long enough for every algorithm. */
export const SECRET = 'x'.repeat(64);
/** The time in these tests, ms. */
export const NOW = Date.UTC(2026, 10, 21, 12);
/** The same as tokens count it. */
export const SECONDS = NOW / 1000;
export const now = () => NOW;

type Key = Parameters<SignJWT['sign']>[0];
export type Claims = Record<string, unknown>;

/** A token of ada's that is good for a minute. */
export function sign(
  claims: Claims = {},
  key: Key = bytes(SECRET),
  alg = 'HS256',
  kid?: string,
): Promise<string> {
  return new SignJWT({ sub: 'ada', exp: SECONDS + 60, ...claims })
    .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
    .sign(key);
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const rsaKeys = new Map<string, Promise<string>>();

/** Keys of an owner. RSA keys take long to make, and one serves all its algorithms. */
export async function keyPair(alg: string, owner = 'issuer'): Promise<GenerateKeyPairResult> {
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

/** An issuer with its key set on loopback. */
export class Issuer implements AsyncDisposable {
  readonly keys: JWK[] = [];
  #server: Server | undefined;
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
    issuer.#server = server;
    issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    return issuer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.closeAllConnections();
    await this.#server?.[Symbol.asyncDispose]();
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
    return jwt({ jwks: this.url, algorithms: ['ES256'], now, ...options } as JwtOptions);
  }
}
