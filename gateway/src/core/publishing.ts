import type { Codec, Event, Outcome, Response, Stage } from '@spillway/envelope';
import type { PublishDecision } from './channel-options.ts';
import type { ChannelMatch, ChannelRule } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';
import type { PublishTerms } from './hub.ts';
import { isPromise } from './is-promise.ts';
import type { Permissions } from './permissions.ts';
import { isReserved } from './reserved.ts';
import type { SessionContext } from './session-context.ts';
import { TokenBucket } from './token-bucket.ts';

/** The way back to the publisher. */
export interface PublishReplies {
  /** In the place of a receipt. */
  answer(response: Response): void;
  /** What became of a publication whose publisher asked. */
  receipt(id: string, outcome: Outcome | Stage): void;
  /** It is over a rate of its channel, and is dropped. */
  overRate(event: Event): void;
}

/**
 * What one client publishes, from the question whether it may to the hub. Throws or rejects with what the client is to
 * be told.
 */
export class Publishing {
  readonly #session: string;
  readonly #context: SessionContext;
  readonly #permissions: Permissions;
  readonly #replies: PublishReplies;
  /** What of a rule's `messagesPerSecond` is left. */
  readonly #rates = new Map<ChannelRule, TokenBucket>();

  constructor(session: string, context: SessionContext, permissions: Permissions, replies: PublishReplies) {
    this.#session = session;
    this.#context = context;
    this.#permissions = permissions;
    this.#replies = replies;
  }

  /** Synchronous, and without a promise, as long as the hooks are. */
  publish(event: Event): void | Promise<void> {
    const { channel, type } = event;
    if (channel === '') throw new SpillwayError('bad-channel', 'a publication needs a channel');
    if (isReserved(type)) throw new SpillwayError('bad-type', `'${type}' is the gateway's to publish`);
    const match = this.#context.hub.match(channel);
    return this.#permissions.publishing(channel, match, () => this.#offer(event, match));
  }

  #offer(event: Event, match: ChannelMatch): void | Promise<void> {
    const { rule } = match;
    if (rule.limits !== undefined) {
      this.#checkSize(event, rule);
      if (!this.#isInRate(event.channel, rule)) {
        this.#replies.overRate(event);
        return;
      }
    }
    if (rule.onPublish === undefined) {
      this.#publish(event, rule);
      return;
    }
    // A stamp is the gateway's to give: what the client wrote there means nothing.
    const { kind: _kind, payload: _payload, seq: _seq, ts: _ts, ...meta } = event;
    const message = { type: event.type, payload: this.#read(event), meta };
    const verdict = rule.onPublish(message, this.#permissions.about(event.channel, match));
    if (isPromise(verdict)) {
      return Promise.resolve(verdict).then((answer) => this.#decide(answer, event, rule, message.payload));
    }
    this.#decide(verdict, event, rule, message.payload);
  }

  #decide(verdict: unknown, event: Event, rule: ChannelRule, payload: unknown): void {
    if (verdict === false) {
      this.#processed(event);
      return;
    }
    if (typeof verdict !== 'object' || verdict === null) {
      this.#publish(event, rule);
      return;
    }
    const decision: PublishDecision = verdict;
    // Before anything is published: what cannot be answered fails as a whole.
    const answer = this.#answer(event, decision);
    if (decision.publish === false) {
      if (answer === undefined) this.#processed(event);
    } else this.#publish(this.#change(event, decision, payload), rule, answer !== undefined);
    if (answer !== undefined) this.#replies.answer(answer);
  }

  #publish(event: Event, rule: ChannelRule, isAnswered = false): void {
    const terms: PublishTerms = rule.echo === false ? { ...rule, except: this.#session } : rule;
    this.#context.hub.publish(event, terms);
    if (event.id !== undefined && !isAnswered) this.#replies.receipt(event.id, 'delivered');
  }

  /** The application took it. */
  #processed({ id }: Event): void {
    if (id !== undefined) this.#replies.receipt(id, 'processed');
  }

  #answer({ id, codec }: Event, decision: PublishDecision): Response | undefined {
    if (id === undefined || decision.answer === undefined) return undefined;
    return { kind: 'response', id, more: false, ...this.#write(decision.answer, codec) };
  }

  #change(
    event: Event,
    { type, key, delivery, stamp, ...decision }: PublishDecision,
    payload: unknown,
  ): Event {
    if (type !== undefined && isReserved(type)) throw new Error(`onPublish: '${type}' is a reserved type`);
    const value = decision.payload ?? payload;
    const isChanged = decision.payload !== undefined || stamp !== undefined;
    return {
      ...event,
      type: type ?? event.type,
      key: key ?? event.key,
      delivery: delivery ?? event.delivery,
      ...(isChanged && this.#write(stamp === undefined ? value : stamped(value, stamp), event.codec)),
    };
  }

  #read({ payload, codec }: Event): unknown {
    return this.#context.payloads.read(payload, codec);
  }

  /** In CBOR for who wrote CBOR. */
  #write(value: unknown, codec: Codec): { codec: Codec; payload: Uint8Array } {
    try {
      return this.#context.payloads.write(value, codec === 'cbor' ? 'cbor' : undefined);
    } catch (cause) {
      // The hook's fault, not the client's, though it is a SpillwayError that says why.
      throw new Error('what onPublish decided cannot be sent', { cause });
    }
  }

  #checkSize(
    { channel, payload }: Event,
    { limits: { messageBytes = Number.POSITIVE_INFINITY } = {} }: ChannelRule,
  ) {
    if (payload.length <= messageBytes) return;
    throw new SpillwayError('message-too-large', `'${channel}' takes at most ${messageBytes} bytes`);
  }

  #isInRate(channel: string, rule: ChannelRule): boolean {
    const { messagesPerSecond, totalPerSecond } = rule.limits ?? {};
    if (messagesPerSecond !== undefined && !this.#bucket(rule, messagesPerSecond)) return false;
    return totalPerSecond === undefined || this.#context.hub.takeRate(channel, totalPerSecond);
  }

  #bucket(rule: ChannelRule, perSecond: number): boolean {
    const now = this.#context.clock.exact();
    let bucket = this.#rates.get(rule);
    if (bucket === undefined) {
      bucket = new TokenBucket(perSecond, 2 * perSecond, now);
      this.#rates.set(rule, bucket);
    }
    return bucket.take(1, now);
  }
}

function stamped(value: unknown, stamp: Readonly<Record<string, unknown>>): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array))
    return { ...value, ...stamp };
  throw new SpillwayError('bad-payload', 'the payload must be an object here');
}
