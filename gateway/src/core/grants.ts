import { validChannel, validPattern } from '@spillway/envelope';
import type { ChannelAction } from './channel-options.ts';
import { PatternSet } from './pattern-set.ts';
import { unauthorized } from './token-fault.ts';

/** What a user may do, by channel pattern (`+` is one segment, a final `#` the rest). Absent: on no channel. */
export interface Grants {
  /** Where the user may subscribe. */
  readonly sub?: readonly string[] | undefined;
  readonly pub?: readonly string[] | undefined;
  /** Where the user may see who is there. */
  readonly presence?: readonly string[] | undefined;
  readonly history?: readonly string[] | undefined;
}

/** May the user do that on this channel, or on all that this wildcard reaches? */
export type Authorize = (action: ChannelAction, channel: string) => boolean;

const GRANT = {
  subscribe: 'sub',
  publish: 'pub',
  presence: 'presence',
  history: 'history',
} as const satisfies Record<ChannelAction, keyof Grants>;

const KEYS = Object.values(GRANT);

/**
 * The grants in a claim: a list of patterns, or a single one, for each of `sub`, `pub`, `presence`, `history`.
 * @throws SpillwayError `unauthorized` for what are none
 */
export function readGrants(claim: unknown): Grants {
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) throw unauthorized('grants');
  const grants: { -readonly [Key in keyof Grants]: Grants[Key] } = {};
  for (const key of KEYS) {
    if (!Object.hasOwn(claim, key)) continue;
    const given = (claim as Record<string, unknown>)[key];
    const patterns: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (!patterns.every(isPattern)) throw unauthorized('grants', `grant '${key}' holds what is no pattern`);
    grants[key] = patterns;
  }
  return grants;
}

function isPattern(value: unknown): value is string {
  return typeof value === 'string' && validPattern(value);
}

/**
 * Compiles grants; once for a session and token. A wildcard subscription is allowed where one granted pattern covers
 * everything it reaches. Publishing takes the name of one channel.
 */
export function authorizeFrom(grants: Grants): Authorize {
  const sets = new Map(KEYS.map((key) => [key, new PatternSet(grants[key] ?? [])]));
  return (action, channel) => {
    const isValid = action === 'publish' ? validChannel(channel) : validPattern(channel);
    return isValid && sets.get(GRANT[action])!.covers(channel);
  };
}
