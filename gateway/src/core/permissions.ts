import type { ChannelAction } from './channel-options.ts';
import type { ChannelContext, ChannelMatch, ChannelRule } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';
import { type Authorize, authorizeFrom, readGrants } from './grants.ts';
import { isPromise } from './is-promise.ts';
import type { Reached } from './pattern-reach.ts';
import type { SessionHandle, User } from './session-handle.ts';

/** What one session may do on channels: the one place that asks. */
export class Permissions {
  readonly #session: SessionHandle;
  /** How many channels' publish grants are remembered; past that they are simply asked for again. */
  readonly #capacity: number;
  #publish: Set<string> | undefined;
  /** What the user's token grants; undefined where that is not said, and hooks alone decide. */
  #granted: Authorize | undefined;
  /** Which user was asked about: counts up when it becomes another. */
  #generation = 0;

  constructor(session: SessionHandle, capacity: number) {
    this.#session = session;
    this.#capacity = capacity;
    this.#granted = grantedTo(session.user);
  }

  /** Goes up when answers that were given, or are on their way, are about another user. */
  get generation(): number {
    return this.#generation;
  }

  /** The session is another user's: what was asked says nothing about this one. */
  renew(): void {
    this.#generation++;
    this.#granted = grantedTo(this.#session.user);
    this.forgetGrants();
  }

  /** Whether it may publish is asked anew. */
  forgetGrants(): void {
    // Another set: an answer that is still under way is about the old one.
    this.#publish = undefined;
  }

  /** Synchronous as long as the hook is. */
  may(action: ChannelAction, channel: string, match: ChannelMatch): boolean | PromiseLike<boolean> {
    if (this.#granted?.(action, channel) === false) return false;
    const { authorize } = match.rule;
    return authorize === undefined || authorize(action, this.about(channel, match));
  }

  /** What of a wildcard the session may subscribe to without being asked again. Rejects with what refuses it. */
  async requireWildcard(pattern: string, reached: readonly Reached<ChannelRule>[]): Promise<void> {
    // Known at once, unlike what hooks say of names that are still to come.
    if (this.#granted?.('subscribe', pattern) === false)
      throw new SpillwayError('forbidden', `subscribing to '${pattern}' is not allowed`);
    for (const { rule, pattern: channel, params } of reached) {
      if (rule.wildcards === false)
        throw new SpillwayError('forbidden', `'${rule.pattern}' cannot be subscribed to by '${pattern}'`);
      if (rule.wildcards === 'pattern' && !(await this.may('subscribe', channel, { rule, params })))
        throw new SpillwayError('forbidden', `subscribing to '${pattern}' is not allowed`);
    }
  }

  /** Whether a channel that a wildcard led to may be had. */
  mayByWildcard(channel: string, match: ChannelMatch): boolean | PromiseLike<boolean> {
    return match.rule.wildcards === 'pattern' || this.may('subscribe', channel, match);
  }

  /** Runs `then` if the session may publish there; what that returns. @throws SpillwayError `forbidden` */
  publishing(channel: string, match: ChannelMatch, then: () => void | Promise<void>): void | Promise<void> {
    this.#publish ??= new Set();
    const grants = this.#publish;
    if (grants.has(channel)) return then();
    const decide = (allowed: boolean) => {
      if (!allowed) throw new SpillwayError('forbidden', `publishing to '${channel}' is not allowed`);
      if (grants.size < this.#capacity) grants.add(channel);
      return then();
    };
    const allowed = this.may('publish', channel, match);
    return isPromise(allowed) ? Promise.resolve(allowed).then(decide) : decide(allowed);
  }

  about(channel: string, { params }: ChannelMatch): ChannelContext {
    return { session: this.#session, channel, params };
  }
}

function grantedTo(user: User | undefined): Authorize | undefined {
  return user?.grants && authorizeFrom(readGrants(user.grants));
}
