import { type Codec, type Delivery, decode, type Event, encode, type NameBook } from '@spillway/envelope';
import { Attendance } from './attendance.ts';
import type { Kept, Page, PageQuery, Position } from './channel-log.ts';
import type { HistoryRule } from './channel-options.ts';
import { ChannelRates } from './channel-rates.ts';
import type { ChannelMatch, ChannelRule, ChannelRules } from './channel-rules.ts';
import type { Timers } from './clock.ts';
import type { Broker, BrokerMessage } from './contracts/broker.ts';
import type { DropOptions } from './drop-options.ts';
import { SpillwayError } from './errors.ts';
import { History, type HistoryOptions } from './history.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { Match } from './match.ts';
import { isWildcard, type Reached } from './pattern-reach.ts';
import { Publication } from './publication.ts';
import { Run } from './run.ts';
import { TopicIndex } from './topic-index.ts';

/** What the hub needs of a session: to hand it events. */
export interface Subscriber {
  /** What `except` of a publication names; absent: it gets everything. */
  readonly id?: string | undefined;
  /** Must not throw: others are waiting for the same event. */
  deliver(publication: Publication): void;
  /** Does what `deliver` would with each, which is called where this is absent. */
  deliverRun?(run: Run): void;
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

/** What is to be done with a draft. */
export interface PublishTerms extends DropOptions {
  /** How much of its channel is kept. @default nothing */
  readonly history?: HistoryRule | undefined;
  /** Id of the session that does not get it. */
  readonly except?: string | undefined;
}

/** Where a subscription begins. */
export interface Joined extends Position {
  /** Is everything among `missed` that the subscriber has not had, and must have? */
  readonly recovered: boolean;
  /** What came between the position that it knew and now, as far as it is kept. */
  readonly missed: readonly Publication[];
}

/** How much of channels is remembered. */
export interface HubMemory {
  /** What is kept of all channels, bytes. */
  readonly historyBytes: number;
  /** How long a channel's sequence is remembered after its last subscriber and event, ms. */
  readonly resumeWindow: number;
}

/**
 * The topic index of this node. It stamps `seq` and `ts`, encodes once, gives the event to the broker, and hands
 * what the broker brings to the subscribed sessions. A channel that is forgotten starts its next life with a new epoch,
 * above the positions of all that ended, so a position never means two things.
 */
export class Hub {
  readonly attendance: Attendance;
  readonly #broker: Broker;
  readonly #rules: ChannelRules;
  readonly #book: NameBook;
  readonly #clock: Timers;
  readonly #history: History;
  readonly #linger: number;
  readonly #index = new TopicIndex<Subscriber>();
  /** By name or pattern that somebody is subscribed to: resolves when the broker carries it to this node. */
  readonly #carried = new Map<string, Promise<void>>();
  readonly #rates = new ChannelRates();
  #arrived: Arrived[] = [];
  #published = 0;
  #delivered = 0;

  constructor(
    broker: Broker,
    rules: ChannelRules,
    book: NameBook,
    clock: Timers,
    newEpoch: () => string,
    { historyBytes, resumeWindow }: HubMemory = DEFAULT_LIMITS,
  ) {
    this.#broker = broker;
    this.#rules = rules;
    this.#book = book;
    this.#clock = clock;
    this.#history = new History(historyBytes, newEpoch);
    this.#linger = resumeWindow;
    this.attendance = new Attendance(clock, book);
  }

  /** `channels`: names and patterns that somebody is subscribed to. */
  get stats(): { readonly channels: number; readonly published: number; readonly delivered: number } {
    return { channels: this.#carried.size, published: this.#published, delivered: this.#delivered };
  }

  /** `evicted`: channels of which `historyBytes` had no room for all that was to be kept. */
  get memory(): History['stats'] {
    return this.#history.stats;
  }

  async start(): Promise<void> {
    await this.#broker.start((message, more) => {
      this.#take(message);
      if (!more) this.#deliver();
    });
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    this.#history.sweep(now);
    this.#rates.sweep(now);
  }

  close(): void {
    this.attendance.close();
  }

  /** @throws SpillwayError `unknown-channel` */
  match(channel: string): ChannelMatch {
    const match = this.#rules.match(channel);
    if (match === undefined)
      throw new SpillwayError('unknown-channel', `no channel is declared for '${channel}'`);
    return match;
  }

  /** What a wildcard comes to. @throws SpillwayError `unknown-channel` where that is nothing */
  reach(pattern: string): Reached<ChannelRule>[] {
    const reached = this.#rules.reach(pattern);
    if (reached.length === 0)
      throw new SpillwayError('unknown-channel', `no channel is declared that '${pattern}' covers`);
    return reached;
  }

  /**
   * Keeps the channel, or all that the pattern covers, coming for this subscriber; resolves when the broker carries it.
   * Events come from `join` on.
   * @throws SpillwayError `channel-full`; `broker-unavailable`: then it is let go
   */
  async subscribe(subscriber: Subscriber, pattern: string): Promise<void> {
    if (!this.#index.has(subscriber, pattern)) this.#add(subscriber, pattern);
    try {
      await this.#carried.get(pattern);
    } catch (cause) {
      this.unsubscribe(subscriber, pattern);
      throw new SpillwayError('broker-unavailable', 'the broker did not take the subscription', { cause });
    }
  }

  /**
   * Everything after the returned position reaches the subscriber, `missed` first, which is the caller's to hand on.
   * A step of its own, so that the caller can say so before the first event comes. `maxBytes`: of what was missed.
   */
  join(subscriber: Subscriber, pattern: string, since?: Position, maxBytes = 0): Joined {
    if (!this.#index.has(subscriber, pattern)) throw new Error(`join without subscribe: '${pattern}'`);
    if (isWildcard(pattern)) {
      this.#index.join(subscriber, pattern);
      return { epoch: EVERY, seq: 0, recovered: false, missed: [] };
    }
    const log = this.#history.get(pattern)!;
    const { epoch, seq } = log;
    this.#index.join(subscriber, pattern, seq);
    if (since === undefined) return { epoch, seq, recovered: false, missed: [] };
    const { events, recovered, missing } = log.since(since, maxBytes, this.#clock.now());
    return {
      epoch,
      // What follows begins right behind it.
      seq: recovered ? since.seq : (missing?.to ?? seq),
      recovered,
      missed: events.map((event) => this.read(event)),
    };
  }

  unsubscribe(subscriber: Subscriber, pattern: string): void {
    if (!this.#index.remove(subscriber, pattern) || this.#index.count(pattern) > 0) return;
    this.#carried.delete(pattern);
    this.#broker.unsubscribe(pattern);
    if (!isWildcard(pattern)) this.#history.release(pattern, this.#clock.now());
  }

  /** @throws ProtocolError when a field is out of range, as `encode` does. */
  publish({ channel, type, delivery, codec, payload, key }: Draft, terms: PublishTerms = {}): void {
    const { history, except, maxAge, oversize } = terms;
    const ts = this.#clock.now();
    const isHeard = history !== undefined || this.#index.matches(channel).length > 0;
    // Nobody here listens, and so nobody at all until a broker spans nodes and stamps for them.
    const log = isHeard || this.#history.get(channel) ? this.#open(channel, history, ts) : undefined;
    const seq = (log?.seq ?? 0) + 1;
    const event: Event = { kind: 'event', channel, type, delivery, codec, payload, key, seq, ts };
    const bytes = encode(event);
    // Only now: what cannot be encoded must not leave a hole in the sequence.
    const mustArrive = delivery === 'reliable' || delivery === 'unordered';
    if (log !== undefined)
      this.#history.append(channel, seq, mustArrive || history?.droppable ? bytes : undefined, ts);
    this.#published++;
    this.#broker.publish({ channel, bytes, event, epoch: log?.epoch, except, maxAge, oversize });
  }

  /** May one more message be published to the channel by a client? */
  takeRate(channel: string, perSecond: number): boolean {
    return this.#rates.take(channel, perSecond, this.#clock.exact());
  }

  /** Some of what is kept of a channel; undefined where it is not remembered. */
  page(channel: string, query: PageQuery): Page | undefined {
    return this.#history.get(channel)?.page(query, this.#clock.now());
  }

  /** An event that was kept. */
  read({ bytes }: Kept): Publication {
    return new Publication(decode(bytes) as Event, this.#book, bytes);
  }

  /** The channels that somebody is subscribed to by name. */
  channels(): IterableIterator<string> {
    return this.#index.names();
  }

  /** Those who are subscribed by this name or pattern. */
  subscribers(pattern: string): Iterable<Subscriber> {
    return this.#index.subscribers(pattern);
  }

  #add(subscriber: Subscriber, pattern: string): void {
    const isFirst = this.#index.count(pattern) === 0;
    if (!isWildcard(pattern)) {
      const { history, limits } = this.match(pattern).rule;
      const { members = Number.POSITIVE_INFINITY } = limits ?? {};
      if (this.#index.count(pattern) >= members)
        throw new SpillwayError('channel-full', `'${pattern}' has at most ${members} members`);
      if (isFirst) {
        this.#open(pattern, history, this.#clock.now());
        this.#history.hold(pattern);
      }
    }
    this.#index.add(subscriber, pattern);
    if (isFirst) this.#carried.set(pattern, this.#broker.subscribe(pattern));
  }

  #open(channel: string, history: HistoryRule | undefined, now: number) {
    const options: HistoryOptions = {
      size: history?.size ?? 0,
      ttl: history?.ttl ?? 0,
      linger: this.#linger,
    };
    // What is late of another life of the channel is below what comes of this one.
    return this.#history.open(channel, options, now, this.#history.floor);
  }

  #take(message: BrokerMessage): void {
    const { channel, bytes, event, epoch, except } = message;
    // What belongs to another life of the channel has no place among those of this one.
    if (epoch === undefined || this.#history.get(channel)?.epoch !== epoch) return;
    if (this.#index.matches(channel).length === 0) return;
    const publication = new Publication(event ?? (decode(bytes) as Event), this.#book, bytes, message);
    this.#arrived.push({ publication, except });
  }

  /**
   * Hands on what the broker brought: as many events of one channel as came together to one subscriber after the other.
   * So a session's state is fetched from memory once for all of them, which takes longer than what is done with it.
   */
  #deliver(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    for (let from = 0; from < arrived.length; ) {
      const { channel } = arrived[from]!.publication.event;
      let to = from + 1;
      while (to < arrived.length && arrived[to]!.publication.event.channel === channel) to++;
      this.#spread(arrived.slice(from, to), this.#index.matches(channel));
      from = to;
    }
  }

  #spread(arrived: readonly Arrived[], matches: readonly Match<Subscriber>[]): void {
    if (arrived.length === 1) {
      for (const match of matches) this.#hand(arrived[0]!, match);
      return;
    }
    const first = arrived[0]!.publication.event.seq ?? 0;
    const isForAll = arrived.every(({ except }) => except === undefined);
    const run = isForAll ? new Run(arrived.map(({ publication }) => publication)) : undefined;
    for (const match of matches) {
      if (run !== undefined && first > match.since && match.subscriber.deliverRun !== undefined) {
        match.subscriber.deliverRun(run);
        this.#delivered += arrived.length;
      } else for (const one of arrived) this.#hand(one, match);
    }
  }

  #hand({ publication, except }: Arrived, match: Match<Subscriber>): void {
    const { seq = Number.POSITIVE_INFINITY } = publication.event;
    if (seq <= match.since) return;
    const { subscriber } = match;
    if (except !== undefined && subscriber.id === except) return;
    subscriber.deliver(publication);
    this.#delivered++;
  }
}

/** An event that the broker brought, on its way to who is subscribed. */
interface Arrived {
  readonly publication: Publication;
  /** Id of the session that does not get it. */
  readonly except: string | undefined;
}

/** In the place of the epoch of one channel, where a subscription is to many. */
const EVERY = '*';
