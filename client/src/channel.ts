import { type Delivery, type Event, type Subscribed, validChannel } from '@spillway/envelope';
import type {
  Channel,
  HistoryOptions,
  HistoryPage,
  Message,
  MessageMeta,
  Position,
  PublishOptions,
  SubscribeOptions,
  Subscription,
} from './api.ts';
import { Backfill } from './backfill.ts';
import type { Clock, Undo } from './clock.ts';
import { Emitter } from './emitter.ts';
import { RequestError } from './errors.ts';
import type { RawPage } from './history.ts';
import { Holes } from './holes.ts';
import { type MessageHost, openMessage } from './message.ts';
import { MessageQueue } from './message-queue.ts';
import { isDroppable } from './outbox.ts';
import { PresenceCore } from './presence.ts';

/** What a channel needs of its session. */
export interface ChannelHost extends MessageHost {
  readonly clock: Clock;
  /** False once the session is closed. */
  readonly alive: boolean;
  publish(
    channel: string,
    type: string,
    payload: unknown,
    options: PublishOptions,
  ): boolean | Promise<unknown>;
  /** Resolves when there is room to publish. */
  drained(): Promise<void>;
  /** Sends SUBSCRIBE or UNSUBSCRIBE and waits for its answer; undefined without a connection. */
  ask(kind: 'subscribe' | 'unsubscribe', channel: string, since?: Position): Promise<unknown> | undefined;
  /** Asks for `$presence` of the channel. */
  inquire(channel: string, asked: object): Promise<unknown>;
  /** Asks for `$history` of the channel. */
  page(channel: string, query: HistoryOptions): Promise<RawPage>;
  /** Messages are gone for good; `to` is undefined where nobody knows. */
  lacks(channel: string, from: number, to: number | undefined): void;
  /** A listener threw. */
  blame(error: unknown): void;
}

type AnyEvents = Record<string, unknown>;

/** `unordered` messages remembered, so that none comes twice when a lost session is made up for. */
const MAX_SEEN = 1024;
const NOTHING = { sure: 0, highest: 0 };
/** Messages in a page that fills a gap. */
const PAGE = 500;

/** The session's side of a channel; users see it as `Channel`. */
export class ChannelCore implements Channel {
  readonly name: string;
  readonly presence: PresenceCore;
  readonly #host: ChannelHost;
  /** Not one channel, but all that the name as a pattern covers. */
  readonly #isPattern: boolean;
  readonly #listeners: Emitter<Record<string, [payload: unknown, meta: MessageMeta]>>;
  readonly #queues = new Set<MessageQueue<Message<AnyEvents>>>();
  /** The application wants it, whether or not there is a connection. */
  #wanted = false;
  /** The answer to the SUBSCRIBE that counts, of this connection. */
  #asked: Promise<unknown> | undefined;
  /** For `subscribe` calls that wait. */
  #waiting: PromiseWithResolvers<Subscription> | undefined;
  /** Where the application wants to begin. */
  #since: Position | undefined;
  /** How the present subscription began; undefined while there is none. */
  #began: Subscription | undefined;
  #highest = 0;
  /** Of the reliable ones, which come in order: nothing that had to arrive is missing up to here. */
  #sure = 0;
  #received = 0;
  /** What came before the answer that says where the subscription begins; some may be of the one before it. */
  #early: number[] = [];
  /** Names the life of the positions. */
  #epoch: string | undefined;
  readonly #holes = new Holes();
  /**
   * Of the subscription that ended with its session: nothing is missing up to `through`, at least of late; `all` is the
   * position if nothing at all is.
   */
  #left:
    | { readonly through: number; readonly sure: number; readonly all: number; readonly highest: number }
    | undefined;
  /** The gateway keeps history. */
  #hasHistory = false;
  /** What has come of the subscription before is not new: reliable ones up to `sure`, droppable ones up to `highest`. */
  #before = NOTHING;
  /** The `unordered` ones of late. */
  readonly #seen = new Set<number>();
  readonly #backfill: Backfill;
  /** Missing on earlier connections. */
  #missedBefore = 0;
  #transit: number | undefined;

  constructor(name: string, host: ChannelHost) {
    this.name = name;
    this.#host = host;
    this.#listeners = new Emitter(host);
    this.#isPattern = !validChannel(name);
    this.#backfill = new Backfill({
      older: (from) => host.page(name, { from, limit: PAGE, epoch: this.#epoch }),
      accept: (event) => this.#accept(event),
      lacks: (from, to) => host.lacks(name, from, to),
    });
    this.presence = new PresenceCore({
      get alive() {
        return host.alive;
      },
      inquire: (asked) => this.#inquire(asked),
      joined: async () => void (await this.#waiting?.promise),
      report: (error) => this.#report(error),
      blame: (error) => host.blame(error),
    });
  }

  // Channel: what the application calls.

  get position(): Position | undefined {
    if (this.#isPattern || this.#epoch === undefined) return undefined;
    const seq = this.#began ? this.#sure : this.#left?.sure;
    return seq === undefined ? undefined : { epoch: this.#epoch, seq };
  }

  async subscribe({ since }: SubscribeOptions = {}): Promise<Subscription> {
    if (!this.#host.alive) throw new RequestError('closed');
    if (!this.#wanted) this.#since = since;
    this.#wanted = true;
    if (this.#began) return this.#began;
    this.#waiting ??= Promise.withResolvers();
    if (!this.#asked) this.#ask();
    return this.#waiting.promise;
  }

  async unsubscribe(): Promise<void> {
    const wasAsked = this.#asked !== undefined;
    this.#wanted = false;
    this.#left = undefined;
    this.#backfill.clear();
    this.#reset();
    this.#settle(new RequestError('aborted'));
    this.#endQueues();
    try {
      if (wasAsked) await this.#host.ask('unsubscribe', this.name);
    } catch (error) {
      // Without its connection the subscription is gone as well.
      if (!/^(connection-lost|closed)$/.test((error as RequestError).code)) throw error;
    }
  }

  on(type: string, listener: (payload: never, meta: MessageMeta) => void): Undo {
    return this.#listeners.on(type, listener as (payload: unknown, meta: MessageMeta) => void);
  }

  off(type: string, listener: (payload: never, meta: MessageMeta) => void): void {
    this.#listeners.off(type, listener as (payload: unknown, meta: MessageMeta) => void);
  }

  publish(type: string, payload: unknown, options: PublishOptions = {}): never {
    if (this.#isPattern) throw this.#noChannel();
    // A boolean, or with `receipt` or `reply` a promise, as the overloads of `Channel` say.
    return this.#host.publish(this.name, type, payload, options) as never;
  }

  async history(options: HistoryOptions = {}): Promise<HistoryPage<AnyEvents>> {
    if (this.#isPattern) throw this.#noChannel();
    const { events, epoch, seq, forgotten, next } = await this.#host.page(this.name, options);
    const messages = events.flatMap((event) => openMessage(event, this.#host) ?? []);
    return { messages, epoch, seq, forgotten, next };
  }

  drained(): Promise<void> {
    return this.#host.drained();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message<AnyEvents>> {
    const { meter, alive } = this.#host;
    const queue = new MessageQueue<Message<AnyEvents>>(meter);
    if (alive) this.#queues.add(queue);
    else queue.end();
    return queue.read(() => this.#queues.delete(queue));
  }

  // What the session calls.

  /** Messages that were stamped since the subscription began and have not come. */
  get missing(): number {
    const expected = this.#began && !this.#isPattern ? this.#highest - this.#began.seq : 0;
    return this.#missedBefore + Math.max(0, expected - this.#received);
  }

  /** There is a connection: asks for the subscription, and who is there, unless that goes on. */
  connected(): void {
    if (this.#wanted && !this.#asked) this.#ask();
    this.presence.connected();
  }

  #ask(): void {
    const left = this.#left && { epoch: this.#epoch!, seq: this.#left.through };
    const asked = this.#host.ask('subscribe', this.name, left ?? this.#since);
    this.#asked = asked;
    // What was missed comes first, and may overtake the answer that says so.
    if (asked && left) this.#backfill.hold();
    asked?.then(
      (answer) => {
        if (this.#asked === asked) this.#subscribed(answer as Subscribed);
      },
      (error: RequestError) => {
        if (this.#asked === asked) this.refused(error);
      },
    );
  }

  /** The gateway's session is gone, and the subscription with it. */
  disconnected(): void {
    // The gap that is being filled is as wide as it will stay.
    this.#backfill.giveUp();
    if (this.#began) {
      const { seq } = this.#began;
      this.#left = {
        through: this.#through,
        sure: this.#sure,
        all: seq + this.#received,
        highest: this.#highest,
      };
    }
    this.#reset();
    this.presence.disconnected();
  }

  /** The gateway does not grant the subscription, or no longer. */
  refused(cause: RequestError): void {
    this.#wanted = false;
    this.#backfill.giveUp();
    this.#left = undefined;
    this.#reset();
    if (this.#waiting) this.#settle(cause);
    else this.#report(cause);
  }

  receive(event: Event): void {
    if (event.type.startsWith('$')) this.presence.receive(event);
    else if (this.#wanted && !this.#isLate(event) && !this.#backfill.take(event)) this.#accept(event);
  }

  /** The gateway could not keep these for us, both inclusive. */
  gap(from: number, to: number): void {
    // In order, or not at all: what came after them has been handed out.
    if (this.#hasHistory && this.#began && this.#sure < from) this.#backfill.fill(from, to);
    else this.#host.lacks(this.name, from, to);
  }

  #accept(event: Event): void {
    const droppable = isDroppable(event);
    const { seq } = event;
    if (seq !== undefined && !this.#isPattern) {
      const isFresh = this.#isFresh(seq, event.delivery);
      this.#holes.take(seq);
      if (this.#began) this.#received++;
      else this.#early.push(seq);
      this.#highest = Math.max(this.#highest, seq);
      if (!isFresh) return;
    }
    if (event.delivery === 'reliable') this.#sure = Math.max(this.#sure, event.seq ?? 0);
    if (droppable && event.ts !== undefined) {
      this.#transit = this.#host.meter.arrived(this.#host.clock.now() - event.ts, this.#transit);
    }
    if (this.#queues.size > 0 || this.#listeners.has(event.type)) this.#deliver(event, droppable);
  }

  /** The session is closed. */
  close(): void {
    this.#wanted = false;
    this.#backfill.clear();
    this.#reset();
    this.#settle(new RequestError('closed'));
    this.#endQueues();
    this.presence.close();
    this.#listeners.clear();
  }

  #deliver(event: Event, droppable: boolean): void {
    const message = openMessage(event, this.#host);
    if (!message) return;
    this.#listeners.emit(event.type, message.payload, message.meta);
    for (const queue of this.#queues) queue.push(message, droppable);
  }

  #subscribed({ seq, epoch, recovered, history }: Subscribed): void {
    const left = this.#left;
    const isNew = this.#epoch !== epoch;
    this.#left = undefined;
    if (isNew) this.#seen.clear();
    this.#epoch = epoch;
    this.#began = { epoch, seq, recovered };
    this.#received = this.#early.filter((early) => early > seq).length;
    this.#hasHistory = history;
    this.#highest = Math.max(this.#highest, seq);
    this.#sure = Math.max(this.#sure, seq);
    this.#before = left && !isNew ? left : NOTHING;
    this.#holes.begin(seq);
    for (const early of this.#early.sort((one, other) => one - other)) this.#holes.take(early);
    this.#settle();
    if (this.#isPattern) {
      // Nobody knows of which channels, nor how much.
      if (left) this.#host.lacks(this.name, 0, undefined);
    } else if (left) {
      if (isNew) this.#host.lacks(this.name, left.through + 1, undefined);
      else if (seq > left.through && seq > left.all) this.#missed(left.through + 1, seq);
    }
    this.#backfill.release();
    this.presence.joined();
  }

  #missed(from: number, to: number): void {
    if (this.#hasHistory) this.#backfill.fill(from, to);
    else this.#host.lacks(this.name, from, to);
  }

  get #through(): number {
    return (this.#holes.first ?? this.#highest + 1) - 1;
  }

  /** It is of a subscription before this one. */
  #isLate({ seq }: Event): boolean {
    return !this.#isPattern && seq !== undefined && this.#began !== undefined && seq <= this.#began.seq;
  }

  /** False: it has come before, or something newer in its place. */
  #isFresh(seq: number, delivery: Delivery): boolean {
    if (delivery === 'reliable') return seq > this.#before.sure;
    if (delivery !== 'unordered') return seq > this.#before.highest;
    if (this.#seen.has(seq)) return false;
    this.#seen.add(seq);
    if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.values().next().value!);
    return true;
  }

  async #inquire(asked: object): Promise<unknown> {
    if (this.#isPattern) throw this.#noChannel();
    return this.#host.inquire(this.name, asked);
  }

  #report(cause: RequestError): void {
    const { code, message } = cause;
    this.#host.report(new RequestError(code, message, { cause, details: { channel: this.name } }));
  }

  #noChannel(): TypeError {
    return new TypeError(`'${this.name}' is a pattern, not a channel`);
  }

  /** Nothing of the subscription is left but what it missed. */
  #reset(): void {
    this.#missedBefore = this.missing;
    this.#began = undefined;
    this.#highest = 0;
    this.#sure = 0;
    this.#received = 0;
    this.#early = [];
    this.#transit = undefined;
    this.#asked = undefined;
  }

  #settle(error?: RequestError): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve(this.#began!);
  }

  #endQueues(): void {
    for (const queue of this.#queues) queue.end();
  }
}
