import { SpillwayError } from './errors.ts';

const FAULTS = {
  missing: 'a token is required',
  refused: 'the token was not accepted',
  malformed: 'malformed token',
  algorithm: 'algorithm not allowed',
  'unknown-key': 'unknown key',
  signature: 'bad signature',
  expired: 'token expired',
  'too-old': 'token too old',
  'not-yet-valid': 'token not valid yet',
  audience: 'wrong audience',
  issuer: 'wrong issuer',
  claim: 'a claim is missing or not valid',
  grants: 'the grants are not valid',
  'other-user': 'the token is for another user',
} as const;

/** What is wrong with a token. Stable: `details.reason` of the `unauthorized` that the client gets. */
export type TokenFault = keyof typeof FAULTS;

/** The refusal of a token. `message` says more than the fault alone; it must not quote the token. */
export function unauthorized(reason: TokenFault, message: string = FAULTS[reason]): SpillwayError {
  return new SpillwayError('unauthorized', message, { details: { reason } });
}
