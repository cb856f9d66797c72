import {
  type Envelope,
  type Event,
  type Outcome,
  type Subscribe,
  type Unsubscribe,
  validChannel,
} from '@spillway/envelope';
import type { ChannelContext, ChannelMatch } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';

/** The way back to the client. */
export interface ChannelReplies {
  reply(envelope: Envelope): void;
  /** What became of a publication whose publisher asked. */
  receipt(id: string, outcome: Outcome): void;
  closeLane(channel: string): void;
}

const NOTHING = new Uint8Array(0);

/**
 * What one session may do on channels and what it is subscribed to. Its methods throw or reject with what the
 * client is to be told; the session turns that into ERROR, and calls them for one channel one after the other.
 */
export class ChannelAccess {
  readonly subscriptions: Set<string> = new Set();
  readonly #session: SessionHandle & Subscriber;
  readonly #context: SessionContext;
  readonly #replies: ChannelReplies;
  #publishGrants = new Set<string>();
  /** Subscriptions that the broker has not taken yet. */
  readonly #joining = new Set<string>();
  /** Which user was asked about: counts up when it becomes another. */
  #asked = 0;
  #closed = false;

  constructor(session: SessionHandle & Subscriber, context: SessionContext, replies: ChannelReplies) {
    this.#session = session;
    this.#context = context;
    this.#replies = replies;
  }

  /** Synchronous, and without a promise, as long as the hooks are. */
  publish(event: Event): void | Promise<void> {
    const { channel } = event;
    if (channel === '') throw new SpillwayError('bad-channel', 'a publication needs a channel');
    const match = this.#context.hub.match(channel);
    const { authorize } = match.rule;
    const grants = this.#publishGrants;
    if (authorize === undefined || grants.has(channel)) return this.#offer(event, match);
    const allowed = authorize('publish', this.#about(channel, match));
    return isPromise(allowed)
      ? Promise.resolve(allowed).then((yes) => this.#granted(yes, event, match, grants))
      : this.#granted(allowed, event, match, grants);
  }

  async subscribe({ id, channel }: Subscribe): Promise<void> {
    const { hub, limits } = this.#context;
    if (!validChannel(channel))
      throw new SpillwayError('bad-channel', `'${channel}' does not name one channel`);
    const match = hub.match(channel);
    if (this.subscriptions.has(channel)) {
      this.#confirm(id, channel);
      return;
    }
    await this.#requireSubscribe(channel, match);
    const asked = this.#asked;
    if (this.#closed) return;
    if (this.subscriptions.size + this.#joining.size >= limits.subscriptionsPerSession) {
      throw new SpillwayError(
        'too-many-subscriptions',
        `a session has at most ${limits.subscriptionsPerSession}`,
      );
    }
    this.#joining.add(channel);
    try {
      await hub.subscribe(this.#session, channel);
      if (asked !== this.#asked && !this.#closed) await this.#requireSubscribe(channel, match);
      if (!this.#closed) this.#confirm(id, channel);
      // A confirmation that does not fit closes the session.
      if (this.#closed) return;
      this.subscriptions.add(channel);
    } catch (error) {
      hub.unsubscribe(this.#session, channel);
      throw error;
    } finally {
      this.#joining.delete(channel);
    }
    await this.#notify('onSubscribe', channel, match);
  }

  unsubscribe({ id, channel }: Unsubscribe): void | Promise<void> {
    const left = this.subscriptions.delete(channel) ? this.#leave(channel) : undefined;
    this.#replies.reply({ kind: 'response', id, more: false, codec: 'bytes', payload: NOTHING });
    return left;
  }

  /** Whether it may publish is asked anew. */
  forgetGrants(): void {
    // Another set: an answer that is still under way is about the old one.
    this.#publishGrants = new Set();
  }

  /**
   * The session's user is another than was asked about: asks again for each subscription, and ends those that are
   * refused. Resolves with their channels; does not reject.
   */
  async reauthorize(): Promise<string[]> {
    this.#asked++;
    const refused = await Promise.all([...this.subscriptions].map((channel) => this.#isRefused(channel)));
    return refused.filter((channel) => channel !== undefined);
  }

  close(): void {
    this.#closed = true;
    for (const channel of this.#joining) this.#context.hub.unsubscribe(this.#session, channel);
    for (const channel of this.subscriptions) void this.#leave(channel);
    this.subscriptions.clear();
  }

  /** Asks until an answer is about the user that the session has then. */
  async #requireSubscribe(channel: string, match: ChannelMatch): Promise<void> {
    const { authorize } = match.rule;
    if (authorize === undefined) return;
    let asked: number;
    do {
      asked = this.#asked;
      const allowed = await authorize('subscribe', this.#about(channel, match));
      if (!allowed) throw new SpillwayError('forbidden', `subscribing to '${channel}' is not allowed`);
    } while (asked !== this.#asked && !this.#closed);
  }

  async #isRefused(channel: string): Promise<string | undefined> {
    const { hub, logger } = this.#context;
    try {
      await this.#requireSubscribe(channel, hub.match(channel));
      return undefined;
    } catch (error) {
      if (!(error instanceof SpillwayError)) {
        logger.error({ err: error, session: this.#session.id, channel }, 'authorize failed');
      }
    }
    // It may have been left meanwhile.
    if (!this.subscriptions.delete(channel)) return undefined;
    void this.#leave(channel);
    return channel;
  }

  #confirm(id: string, channel: string): void {
    const { epoch, seq } = this.#context.hub.join(this.#session, channel);
    this.#replies.reply({ kind: 'subscribed', id, channel, epoch, seq, recovered: false, history: false });
  }

  #granted(allowed: boolean, event: Event, match: ChannelMatch, grants: Set<string>): void | Promise<void> {
    const { channel } = event;
    if (!allowed) throw new SpillwayError('forbidden', `publishing to '${channel}' is not allowed`);
    // Bounded like the subscriptions; past that, authorize is simply asked again.
    if (grants.size < this.#context.limits.subscriptionsPerSession) grants.add(channel);
    return this.#offer(event, match);
  }

  #offer(event: Event, match: ChannelMatch): void | Promise<void> {
    const { payloads } = this.#context;
    const { onPublish } = match.rule;
    if (onPublish === undefined) {
      this.#publish(event, match);
      return;
    }
    // A stamp is the gateway's to give: what the client wrote there means nothing.
    const { kind: _kind, payload, seq: _seq, ts: _ts, ...meta } = event;
    const message = { type: event.type, payload: payloads.read(payload, event.codec), meta };
    const verdict = onPublish(message, this.#about(event.channel, match));
    if (isPromise(verdict))
      return Promise.resolve(verdict).then((answer) => this.#decide(answer, event, match));
    this.#decide(verdict, event, match);
  }

  #decide(verdict: unknown, event: Event, match: ChannelMatch): void {
    if (verdict !== false) this.#publish(event, match);
    else this.#delivered(event);
  }

  #publish(event: Event, match: ChannelMatch): void {
    this.#context.hub.publish(event, match.rule);
    this.#delivered(event);
  }

  /** It was published, or the application took it: either way it came to where its publisher sent it. */
  #delivered(event: Event): void {
    if (event.id !== undefined) this.#replies.receipt(event.id, 'delivered');
  }

  #leave(channel: string): void | Promise<void> {
    const { hub } = this.#context;
    hub.unsubscribe(this.#session, channel);
    this.#replies.closeLane(channel);
    return this.#notify('onUnsubscribe', channel, hub.match(channel));
  }

  /** Calls a hook whose failure is no answer for the client: it has its answer already. */
  #notify(hook: 'onSubscribe' | 'onUnsubscribe', channel: string, match: ChannelMatch): void | Promise<void> {
    const failed = (error: unknown) => {
      const { logger } = this.#context;
      logger.error({ err: error, session: this.#session.id, channel }, `${hook} failed`);
    };
    try {
      const done = match.rule[hook]?.(this.#about(channel, match));
      if (isPromise(done)) return Promise.resolve(done).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #about(channel: string, match: ChannelMatch): ChannelContext {
    return { session: this.#session, channel, params: match.params };
  }
}

/** Any thenable: one that is no Promise of this realm must not pass as a truthy answer. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
