import { type Codec, type Delivery, decode, type Event, encode, type NameBook } from '@spillway/envelope';
import type { ChannelMatch, ChannelRules } from './channel-rules.ts';
import type { Clock } from './clock.ts';
import type { Broker, BrokerMessage } from './contracts/broker.ts';
import type { DropOptions } from './drop-options.ts';
import { SpillwayError } from './errors.ts';
import { Publication } from './publication.ts';

/** What the hub needs of a session: to hand it events. */
export interface Subscriber {
  /** Must not throw: others are waiting for the same event. */
  deliver(publication: Publication): void;
}

/** A publication before it has a place in its channel. */
export interface Draft {
  readonly channel: string;
  readonly type: string;
  readonly delivery: Delivery;
  readonly codec: Codec;
  readonly payload: Uint8Array;
  readonly key?: string | undefined;
}

/** Where a channel's sequence stands. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** A channel that somebody here is subscribed to. */
interface Topic {
  readonly channel: string;
  readonly epoch: string;
  /** Each gets what comes after this `seq`; nothing yet before `join`. */
  readonly subscribers: Map<Subscriber, number>;
  /** Resolves when the broker carries this channel to this node. */
  readonly ready: Promise<void>;
  seq: number;
}

/**
 * The topic index of this node. It stamps `seq` and `ts`, encodes once, gives the event to the broker, and hands
 * what the broker brings to the subscribed sessions. A channel exists as long as it has a subscriber; its next
 * life starts with a new epoch, above the positions of all that ended, so a position never means two things.
 */
export class Hub {
  readonly #broker: Broker;
  readonly #rules: ChannelRules;
  readonly #book: NameBook;
  readonly #clock: Clock;
  readonly #newEpoch: () => string;
  readonly #topics = new Map<string, Topic>();
  /** The highest position of any life that has ended. */
  #floor = 0;
  #published = 0;
  #delivered = 0;

  constructor(broker: Broker, rules: ChannelRules, book: NameBook, clock: Clock, newEpoch: () => string) {
    this.#broker = broker;
    this.#rules = rules;
    this.#book = book;
    this.#clock = clock;
    this.#newEpoch = newEpoch;
  }

  get stats(): { readonly channels: number; readonly published: number; readonly delivered: number } {
    return { channels: this.#topics.size, published: this.#published, delivered: this.#delivered };
  }

  async start(): Promise<void> {
    await this.#broker.start((message) => this.#dispatch(message));
  }

  /** @throws SpillwayError `unknown-channel` */
  match(channel: string): ChannelMatch {
    const match = this.#rules.match(channel);
    if (match === undefined)
      throw new SpillwayError('unknown-channel', `no channel is declared for '${channel}'`);
    return match;
  }

  /**
   * Keeps the channel alive for this subscriber; resolves when the broker carries it. Events come from `join` on.
   * @throws SpillwayError `broker-unavailable`; then the channel is let go
   */
  async subscribe(subscriber: Subscriber, channel: string): Promise<void> {
    const topic = this.#topics.get(channel) ?? this.#open(channel);
    if (!topic.subscribers.has(subscriber)) topic.subscribers.set(subscriber, Number.POSITIVE_INFINITY);
    try {
      await topic.ready;
    } catch (cause) {
      this.unsubscribe(subscriber, channel);
      throw new SpillwayError('broker-unavailable', 'the broker did not take the subscription', { cause });
    }
  }

  /**
   * Everything after the returned position reaches the subscriber, nothing before it. A step of its own, so that
   * the caller can say so before the first event comes.
   */
  join(subscriber: Subscriber, channel: string): Position {
    const topic = this.#topics.get(channel);
    if (topic === undefined || !topic.subscribers.has(subscriber))
      throw new Error(`join without subscribe: '${channel}'`);
    const { epoch, seq } = topic;
    if (topic.subscribers.get(subscriber) === Number.POSITIVE_INFINITY)
      topic.subscribers.set(subscriber, seq);
    return { epoch, seq };
  }

  unsubscribe(subscriber: Subscriber, channel: string): void {
    const topic = this.#topics.get(channel);
    if (topic === undefined || !topic.subscribers.delete(subscriber) || topic.subscribers.size > 0) return;
    this.#topics.delete(channel);
    this.#floor = Math.max(this.#floor, topic.seq);
    this.#broker.unsubscribe(channel);
  }

  /** @throws ProtocolError when a field is out of range, as `encode` does. */
  publish({ channel, type, delivery, codec, payload, key }: Draft, drop: DropOptions = {}): void {
    const topic = this.#topics.get(channel);
    // Nobody here listens, and so nobody at all until a broker spans nodes and stamps for them.
    const seq = (topic?.seq ?? 0) + 1;
    const ts = this.#clock.now();
    const event: Event = { kind: 'event', channel, type, delivery, codec, payload, key, seq, ts };
    const bytes = encode(event);
    // Only now: what cannot be encoded must not leave a hole in the sequence.
    if (topic !== undefined) topic.seq = seq;
    this.#published++;
    this.#broker.publish({ channel, bytes, event, maxAge: drop.maxAge, oversize: drop.oversize });
  }

  #open(channel: string): Topic {
    const topic: Topic = {
      channel,
      epoch: this.#newEpoch(),
      subscribers: new Map(),
      ready: this.#broker.subscribe(channel),
      // What is late of another life of the channel is below what comes of this one.
      seq: this.#floor,
    };
    this.#topics.set(channel, topic);
    return topic;
  }

  #dispatch(message: BrokerMessage): void {
    const { channel, bytes, event } = message;
    const topic = this.#topics.get(channel);
    if (topic === undefined) return;
    const publication = new Publication(event ?? (decode(bytes) as Event), this.#book, bytes, message);
    const { seq = Number.POSITIVE_INFINITY } = publication.event;
    for (const [subscriber, since] of topic.subscribers) {
      if (seq <= since) continue;
      subscriber.deliver(publication);
      this.#delivered++;
    }
  }
}
