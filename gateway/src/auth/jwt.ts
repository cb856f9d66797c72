import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { SpillwayError } from '../core/errors.ts';
import { type Grants, readGrants } from '../core/grants.ts';
import type { User } from '../core/session-handle.ts';
import { unauthorized } from '../core/token-fault.ts';
import { type KeyOptions, keySource } from './keys.ts';

/** What a token must say. Times in ms. */
export interface ClaimOptions {
  /** `aud` must hold one of these. @default not checked */
  readonly audience?: string | readonly string[] | undefined;
  /** `iss` must be one of these. @default not checked */
  readonly issuer?: string | readonly string[] | undefined;
  /** How far the issuer's clock may be off. @default 5000 */
  readonly clockTolerance?: number | undefined;
  /** A token counts no longer than this after its `iat`, whatever its `exp`. @default its `exp` alone counts */
  readonly maxTokenAge?: number | undefined;
  /** Refuse a token without `exp`, which would never end. @default true */
  readonly requireExpiry?: boolean | undefined;
  /** The claim that holds the grants. @default 'spillway' */
  readonly grantsClaim?: string | undefined;
  /** Refuse a token without grants; otherwise `authorize` alone decides for it. @default false */
  readonly requireGrants?: boolean | undefined;
  /** The clock, ms since the Unix epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
}

export type JwtOptions = KeyOptions & ClaimOptions;

/** Whom a token speaks of: its claims, but `sub`, `exp` and the grants under names of ours. */
export interface JwtUser extends User {
  /** `sub`. */
  readonly id: string;
  /** Undefined where the token has none. */
  readonly grants: Grants | undefined;
  /** When the gateway stops taking the token, ms since the Unix epoch. Undefined: never. */
  readonly expiresAt: number | undefined;
}

/**
 * An `authenticate` that takes signed JSON Web Tokens (RFC 7519). A token that is not accepted is a SpillwayError
 * `unauthorized` whose message and `details.reason` say why; a key set that cannot be had is another error, so the
 * client is told `internal` and tries again.
 * @throws TypeError for a key or algorithm that cannot be
 */
export function jwt(options: JwtOptions): (token: string | undefined) => Promise<JwtUser> {
  const { clockTolerance = 5_000, maxTokenAge, requireExpiry = true, now = Date.now } = options;
  const { audience, issuer, grantsClaim = 'spillway', requireGrants = false } = options;
  const keys = keySource(options);
  const required = ['sub', ...(requireExpiry ? ['exp'] : []), ...(requireGrants ? [grantsClaim] : [])];
  // What is undefined must be absent here: jose would take it for a demand.
  const checks: JWTVerifyOptions = {
    algorithms: [...options.algorithms],
    requiredClaims: required,
    clockTolerance: clockTolerance / 1000,
    ...(audience !== undefined && { audience: list(audience) }),
    ...(issuer !== undefined && { issuer: list(issuer) }),
    ...(maxTokenAge !== undefined && { maxTokenAge: maxTokenAge / 1000 }),
  };

  return async (token) => {
    if (!token) throw unauthorized('missing');
    const claims = await verify(token, keys, { ...checks, currentDate: new Date(now()) });
    const { sub, exp, [grantsClaim]: granted, ...others } = claims;
    if (typeof sub !== 'string' || sub === '') throw unauthorized('claim', "claim 'sub' must be a text");
    const ends = [exp, maxTokenAge === undefined ? undefined : claims.iat! + maxTokenAge / 1000];
    const end = Math.min(...ends.filter((time) => time !== undefined));
    return {
      ...others,
      id: sub,
      grants: granted === undefined ? undefined : readGrants(granted),
      expiresAt: Number.isFinite(end) ? end * 1000 + clockTolerance : undefined,
    };
  };
}

function list(value: string | readonly string[]): string[] {
  return typeof value === 'string' ? [value] : [...value];
}

async function verify(token: string, keys: JWTVerifyGetKey, checks: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return await verifyWithAny(token, keys, checks);
  } catch (error) {
    const fault = faultOf(error);
    if (fault !== undefined) throw fault;
    throw new Error('the keys to check tokens with could not be had', { cause: error });
  }
}

async function verifyWithAny(
  token: string,
  keys: JWTVerifyGetKey,
  checks: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, checks)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // A token without `kid` and a set in the middle of a rotation: any of its keys may be the one.
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, checks)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/**
 * What is wrong with the token; undefined where the fault is not the token's. Without jose's error as `cause`, which
 * holds the claims, and a cause is logged.
 */
function faultOf(error: unknown): SpillwayError | undefined {
  if (error instanceof errors.JWTExpired) {
    return unauthorized(error.claim === 'iat' ? 'too-old' : 'expired');
  }
  if (error instanceof errors.JWTClaimValidationFailed) return claimFault(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return unauthorized('signature');
  if (error instanceof errors.JOSEAlgNotAllowed) return unauthorized('algorithm');
  if (error instanceof errors.JWKSNoMatchingKey) return unauthorized('unknown-key');
  const malformed =
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported;
  return malformed ? unauthorized('malformed') : undefined;
}

function claimFault({ claim, reason }: errors.JWTClaimValidationFailed): SpillwayError {
  // The name is one that was asked for here, never one of the token's own.
  if (reason === 'missing') return unauthorized('claim', `claim '${claim}' is missing`);
  if (reason === 'invalid') return unauthorized('claim', `claim '${claim}' is not valid`);
  switch (claim) {
    case 'aud':
      return unauthorized('audience');
    case 'iss':
      return unauthorized('issuer');
    case 'nbf':
    case 'iat':
      return unauthorized('not-yet-valid');
    default:
      return unauthorized('claim', `claim '${claim}' is not valid`);
  }
}
