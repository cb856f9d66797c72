import { SpillwayError } from './errors.ts';
import type { User } from './session-handle.ts';
import { unauthorized } from './token-fault.ts';

/** Times of a token's end, ms. */
export interface ExpiryOptions {
  /** How long before its end the client is warned; at most half of what the token has left when it is taken. */
  readonly lead: number;
  /** How long a refresh that is being checked when the token ends may keep the session. */
  readonly grace: number;
}

/** What a session has to do: tell the client, or end. */
export type ExpiryEvent = 'expiring' | 'expired';

/**
 * The life of a session's token: when to warn, when to end, and what a refresh changes. Holds no token and no timer;
 * time comes in as `now`, ms since the Unix epoch.
 */
export class Expiry {
  readonly #options: ExpiryOptions;
  #expiresAt = Number.POSITIVE_INFINITY;
  #warnAt = Number.POSITIVE_INFINITY;
  /** Since when a refresh is being checked. */
  #refreshing: number | undefined;
  #phase: 'fresh' | 'warned' | 'expired' = 'fresh';

  constructor(user: User | undefined, options: ExpiryOptions, now: number) {
    this.#options = options;
    this.#take(user, now);
  }

  /** Until the token ends, ms; undefined where it never does. */
  within(now: number): number | undefined {
    return this.#expiresAt === Number.POSITIVE_INFINITY ? undefined : Math.max(0, this.#expiresAt - now);
  }

  /** May the session still do anything? False from the token's end on, also while a refresh is being checked. */
  valid(now: number): boolean {
    return now < this.#expiresAt;
  }

  /** What is due now; each is told once for a token. */
  tick(now: number): ExpiryEvent | undefined {
    if (this.#phase === 'expired') return undefined;
    if (!this.valid(now)) {
      if (this.#refreshing !== undefined && now - this.#refreshing < this.#options.grace) return undefined;
      this.#phase = 'expired';
      return 'expired';
    }
    if (this.#phase === 'warned' || now < this.#warnAt) return undefined;
    this.#phase = 'warned';
    // Who is at it need not be told.
    return this.#refreshing === undefined ? 'expiring' : undefined;
  }

  /**
   * A new token has come and is about to be checked; `end` has to follow.
   * @throws SpillwayError `too-many-requests` while another is, `unauthorized` when it comes too late
   */
  begin(now: number): void {
    if (this.#refreshing !== undefined)
      throw new SpillwayError('too-many-requests', 'one token is checked at a time');
    // Else a client could stay for good on one bad token after the other.
    if (!this.valid(now)) throw unauthorized('expired');
    this.#refreshing = now;
  }

  /**
   * The new token was accepted: its end counts from here on.
   * @throws SpillwayError `unauthorized` when it speaks of somebody else; nothing has changed then
   */
  renew(before: User | undefined, after: User, now: number): void {
    if (before?.id !== after.id) throw unauthorized('other-user');
    if (this.#phase === 'expired') throw unauthorized('expired');
    this.#take(after, now);
  }

  /** The check is over, whatever came of it. */
  end(): void {
    this.#refreshing = undefined;
  }

  #take(user: User | undefined, now: number): void {
    this.#expiresAt = user?.expiresAt ?? Number.POSITIVE_INFINITY;
    // A token that lives shorter than the lead must not be told to be expiring as soon as it is there.
    const lead = Math.min(this.#options.lead, (this.#expiresAt - now) / 2);
    this.#warnAt = this.#expiresAt - lead;
    this.#phase = 'fresh';
  }
}

/** What differs from token to token though the user is the same. */
const OF_THE_TOKEN: ReadonlySet<string> = new Set(['expiresAt', 'exp', 'iat', 'nbf', 'jti']);

/**
 * Is it more than another token for the same rights? What was granted to `before` must then be asked again. Users are
 * compared as the JSON that they make; two that make none are never the same.
 */
export function accessChanged(before: User, after: User): boolean {
  try {
    return canonical(withoutToken(before)) !== canonical(withoutToken(after));
  } catch {
    return true;
  }
}

function withoutToken(user: User): object {
  return Object.fromEntries(Object.entries(user).filter(([claim]) => !OF_THE_TOKEN.has(claim)));
}

/** JSON with its members in order: an issuer may write them in any. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
