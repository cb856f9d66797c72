import {
  type Envelope,
  type Subscribe,
  type Unsubscribe,
  validChannel,
  validPattern,
} from '@spillway/envelope';
import type { Position } from './channel-log.ts';
import type { ChannelMatch } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import { isPromise } from './is-promise.ts';
import { isWildcard } from './pattern-reach.ts';
import type { Permissions } from './permissions.ts';
import type { Publication } from './publication.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';
import { WildcardGrants } from './wildcard-grants.ts';

/** The way back to the client. */
export interface ChannelReplies {
  reply(envelope: Envelope): void;
  deliver(publication: Publication): unknown;
  closeLane(channel: string): void;
}

/** Of a pattern with `+`: each may double the branches that are looked at for a channel. */
const MAX_SEGMENTS = 10;

const NOTHING = new Uint8Array(0);

/**
 * What one session is subscribed to. Its methods throw or reject with what the client is to be told; the session turns
 * that into ERROR, and calls them for one channel one after the other.
 */
export class ChannelAccess {
  #subscriptions: Set<string> | undefined;
  readonly #session: SessionHandle & Subscriber;
  readonly #context: SessionContext;
  readonly #permissions: Permissions;
  readonly #replies: ChannelReplies;
  /** What comes by pattern; undefined as long as the session has never had one. */
  #wildcards: WildcardGrants<Publication> | undefined;
  /** By channel, the position up to which a wildcard may bring once more what was recovered. */
  #recovered: Map<string, number> | undefined;
  /** Subscriptions that the broker has not taken yet. */
  #joining: Set<string> | undefined;
  #closed = false;

  constructor(
    session: SessionHandle & Subscriber,
    context: SessionContext,
    permissions: Permissions,
    replies: ChannelReplies,
  ) {
    this.#session = session;
    this.#context = context;
    this.#permissions = permissions;
    this.#replies = replies;
  }

  /** Names and patterns. */
  get subscriptions(): ReadonlySet<string> {
    // The same from the first time on: whoever keeps it sees it change.
    this.#subscriptions ??= new Set();
    return this.#subscriptions;
  }

  async subscribe({ id, channel, since }: Subscribe): Promise<void> {
    const { hub, limits } = this.#context;
    checkPattern(channel);
    const match = isWildcard(channel) ? undefined : hub.match(channel);
    if (this.#subscriptions?.has(channel)) {
      this.#confirm(id, channel, match);
      return;
    }
    await this.#require(channel, match);
    const { generation } = this.#permissions;
    if (this.#closed) return;
    if ((this.#subscriptions?.size ?? 0) + (this.#joining?.size ?? 0) >= limits.subscriptionsPerSession) {
      throw new SpillwayError(
        'too-many-subscriptions',
        `a session has at most ${limits.subscriptionsPerSession}`,
      );
    }
    this.#joining ??= new Set();
    this.#joining.add(channel);
    try {
      await hub.subscribe(this.#session, channel);
      if (generation !== this.#permissions.generation && !this.#closed) await this.#require(channel, match);
      if (!this.#closed) this.#confirm(id, channel, match, since);
      // A confirmation that does not fit closes the session.
      if (this.#closed) return;
      this.#subscriptions ??= new Set();
      this.#subscriptions.add(channel);
    } catch (error) {
      hub.unsubscribe(this.#session, channel);
      throw error;
    } finally {
      this.#joining?.delete(channel);
    }
    if (match === undefined) return;
    hub.attendance.join(channel, match.rule, this.#session.id, this.#session.user?.id);
    await this.#notify('onSubscribe', channel, match);
  }

  unsubscribe({ id, channel }: Unsubscribe): void | Promise<void> {
    const left = this.#subscriptions?.delete(channel) ? this.#leave(channel) : undefined;
    this.#replies.reply({ kind: 'response', id, more: false, codec: 'bytes', payload: NOTHING });
    return left;
  }

  /** Is all that the hub brings for the session? Without wildcards it is: there is nothing to sort out. */
  get takesAll(): boolean {
    return this.#wildcards === undefined;
  }

  /** Hands on what the hub brings, as far as the session may have it. */
  deliver(publication: Publication): void {
    const { channel, seq = Number.POSITIVE_INFINITY } = publication.event;
    if (this.#wildcards === undefined) this.#replies.deliver(publication);
    else if (seq <= (this.#recovered?.get(channel) ?? 0)) return;
    else if (this.#subscriptions?.has(channel)) this.#replies.deliver(publication);
    else this.#wildcards.offer(publication);
  }

  /**
   * The session's user is another than was asked about: asks again for each subscription, and ends those that are
   * refused. Resolves with their channels; does not reject.
   */
  async reauthorize(): Promise<string[]> {
    this.#wildcards?.clear();
    const refused = await Promise.all(
      [...(this.#subscriptions ?? [])].map((channel) => this.#isRefused(channel)),
    );
    return refused.filter((channel) => channel !== undefined);
  }

  close(): void {
    this.#closed = true;
    this.#wildcards?.close();
    for (const channel of this.#joining ?? []) this.#context.hub.unsubscribe(this.#session, channel);
    for (const channel of this.#subscriptions ?? []) void this.#leave(channel);
    this.#subscriptions?.clear();
  }

  /** Asks until an answer is about the user that the session has then. `match`: undefined for a pattern. */
  async #require(channel: string, match: ChannelMatch | undefined): Promise<void> {
    let asked: number;
    do {
      asked = this.#permissions.generation;
      if (match === undefined) {
        await this.#permissions.requireWildcard(channel, this.#context.hub.reach(channel));
      } else {
        const allowed = this.#permissions.may('subscribe', channel, match);
        if (!(isPromise(allowed) ? await allowed : allowed))
          throw new SpillwayError('forbidden', `subscribing to '${channel}' is not allowed`);
      }
    } while (asked !== this.#permissions.generation && !this.#closed);
  }

  async #isRefused(channel: string): Promise<string | undefined> {
    const { hub, logger } = this.#context;
    try {
      await this.#require(channel, isWildcard(channel) ? undefined : hub.match(channel));
      return undefined;
    } catch (error) {
      if (!(error instanceof SpillwayError)) {
        logger.error({ err: error, session: this.#session.id, channel }, 'authorize failed');
      }
    }
    // It may have been left meanwhile.
    if (!this.#subscriptions?.delete(channel)) return undefined;
    void this.#leave(channel);
    return channel;
  }

  /** Tells where the subscription begins, then what was missed; what is live comes after that. */
  #confirm(id: string, channel: string, match: ChannelMatch | undefined, since?: Position): void {
    const { hub, limits } = this.#context;
    if (match === undefined) this.#wildcards ??= this.#newGrants();
    // A long history must not be what makes the client too slow.
    const maxBytes = limits.sendBudgetHard / 4;
    const { missed, ...position } = hub.join(this.#session, channel, since, maxBytes);
    const history = match?.rule.history !== undefined;
    this.#replies.reply({ kind: 'subscribed', id, channel, ...position, history });
    for (const publication of missed) this.#replies.deliver(publication);
    const last = missed.at(-1)?.event.seq;
    if (this.#wildcards === undefined || last === undefined) return;
    this.#recovered ??= new Map();
    this.#recovered.set(channel, last);
  }

  #newGrants(): WildcardGrants<Publication> {
    const { hub, logger } = this.#context;
    return new WildcardGrants({
      authorize: (channel) => this.#permissions.mayByWildcard(channel, hub.match(channel)),
      deliver: (publication) => this.#replies.deliver(publication),
      missed: (channel, from, to) => this.#replies.reply({ kind: 'gap', channel, from, to }),
      failed: (error, channel) =>
        logger.error({ err: error, session: this.#session.id, channel }, 'authorize failed'),
    });
  }

  #leave(channel: string): void | Promise<void> {
    const { hub } = this.#context;
    hub.unsubscribe(this.#session, channel);
    if (isWildcard(channel)) return;
    this.#recovered?.delete(channel);
    this.#replies.closeLane(channel);
    const match = hub.match(channel);
    hub.attendance.leave(channel, match.rule, this.#session.id);
    return this.#notify('onUnsubscribe', channel, match);
  }

  /** Calls a hook whose failure is no answer for the client: it has its answer already. */
  #notify(hook: 'onSubscribe' | 'onUnsubscribe', channel: string, match: ChannelMatch): void | Promise<void> {
    const failed = (error: unknown) => {
      const { logger } = this.#context;
      logger.error({ err: error, session: this.#session.id, channel }, `${hook} failed`);
    };
    try {
      const done = match.rule[hook]?.(this.#permissions.about(channel, match));
      if (isPromise(done)) return Promise.resolve(done).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** @throws SpillwayError `bad-channel` */
function checkPattern(pattern: string): void {
  if (validChannel(pattern)) return;
  if (!validPattern(pattern)) throw new SpillwayError('bad-channel', `'${pattern}' is no channel or pattern`);
  if (pattern.includes('+') && pattern.split('/').length > MAX_SEGMENTS)
    throw new SpillwayError('bad-channel', `a pattern with '+' has at most ${MAX_SEGMENTS} segments`);
}
