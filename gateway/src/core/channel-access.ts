import type { Envelope, Event, Subscribe, Unsubscribe } from '@spillway/envelope';
import type { ChannelContext, ChannelMatch } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';

/** The way back to the client. */
export interface ChannelReplies {
  reply(envelope: Envelope): void;
  closeLane(channel: string): void;
}

const NOTHING = new Uint8Array(0);

/**
 * What one session may do on channels and what it is subscribed to. Its methods throw or reject with what the
 * client is to be told; the session turns that into ERROR.
 */
export class ChannelAccess {
  readonly subscriptions: Set<string> = new Set();
  readonly #session: SessionHandle & Subscriber;
  readonly #context: SessionContext;
  readonly #replies: ChannelReplies;
  readonly #publishGrants = new Set<string>();
  #closed = false;

  constructor(session: SessionHandle & Subscriber, context: SessionContext, replies: ChannelReplies) {
    this.#session = session;
    this.#context = context;
    this.#replies = replies;
  }

  /** Synchronous, and without a promise, as long as the hooks are. */
  publish(event: Event): void | Promise<void> {
    const { channel } = event;
    const match = this.#context.hub.match(channel);
    const { authorize } = match.rule;
    if (authorize === undefined || this.#publishGrants.has(channel)) return this.#offer(event, match);
    const allowed = authorize('publish', this.#about(channel, match));
    return allowed instanceof Promise
      ? allowed.then((yes) => this.#granted(yes, event, match))
      : this.#granted(allowed, event, match);
  }

  async subscribe({ id, channel }: Subscribe): Promise<void> {
    const { hub, limits } = this.#context;
    const match = hub.match(channel);
    const about = this.#about(channel, match);
    if (match.rule.authorize !== undefined && !(await match.rule.authorize('subscribe', about))) {
      throw new SpillwayError('forbidden', `subscribing to '${channel}' is not allowed`);
    }
    if (this.#closed) return;
    const isNew = !this.subscriptions.has(channel);
    if (isNew && this.subscriptions.size >= limits.subscriptionsPerSession) {
      throw new SpillwayError(
        'too-many-subscriptions',
        `a session has at most ${limits.subscriptionsPerSession}`,
      );
    }
    this.subscriptions.add(channel);
    try {
      const { epoch, seq } = await hub.subscribe(this.#session, channel);
      if (this.#closed) return;
      this.#replies.reply({ kind: 'subscribed', id, channel, epoch, seq, recovered: false });
    } catch (error) {
      this.subscriptions.delete(channel);
      throw error;
    }
    if (isNew) match.rule.onSubscribe?.(about);
  }

  unsubscribe({ id, channel }: Unsubscribe): void {
    if (this.subscriptions.delete(channel)) this.#leave(channel);
    this.#replies.reply({ kind: 'response', id, more: false, codec: 'bytes', payload: NOTHING });
  }

  close(): void {
    this.#closed = true;
    for (const channel of this.subscriptions) this.#leave(channel);
    this.subscriptions.clear();
  }

  #granted(allowed: boolean, event: Event, match: ChannelMatch): void | Promise<void> {
    const { channel } = event;
    if (!allowed) throw new SpillwayError('forbidden', `publishing to '${channel}' is not allowed`);
    // Bounded like the subscriptions; past that, authorize is simply asked again.
    if (this.#publishGrants.size < this.#context.limits.subscriptionsPerSession)
      this.#publishGrants.add(channel);
    return this.#offer(event, match);
  }

  #offer(event: Event, match: ChannelMatch): void | Promise<void> {
    const { hub, payloads } = this.#context;
    const { onPublish } = match.rule;
    if (onPublish === undefined) {
      hub.publish(event);
      return;
    }
    const { kind: _kind, payload, ...meta } = event;
    const message = { type: event.type, payload: payloads.read(payload, event.codec), meta };
    const verdict = onPublish(message, this.#about(event.channel, match));
    if (verdict instanceof Promise) {
      return verdict.then((answer) => {
        if (answer !== false) hub.publish(event);
      });
    }
    if (verdict !== false) hub.publish(event);
  }

  #leave(channel: string): void {
    const { hub, logger } = this.#context;
    hub.unsubscribe(this.#session, channel);
    this.#replies.closeLane(channel);
    try {
      const match = hub.match(channel);
      match.rule.onUnsubscribe?.(this.#about(channel, match));
    } catch (error) {
      logger.error({ err: error, session: this.#session.id, channel }, 'onUnsubscribe failed');
    }
  }

  #about(channel: string, match: ChannelMatch): ChannelContext {
    return { session: this.#session, channel, params: match.params };
  }
}
