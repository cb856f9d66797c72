import type { Event, Outcome, Subscribed } from '@spillway/envelope';
import type { Channel, Message, MessageMeta, PublishOptions } from './api.ts';
import type { Clock, Undo } from './clock.ts';
import { Emitter } from './emitter.ts';
import { RequestError } from './errors.ts';
import { openMessage } from './message.ts';
import { MessageQueue } from './message-queue.ts';
import { isDroppable } from './outbox.ts';
import type { Meter } from './stats.ts';

/** What a channel needs of its session. */
export interface ChannelHost {
  readonly clock: Clock;
  readonly meter: Meter;
  /** False once the session is closed. */
  readonly alive: boolean;
  publish(
    channel: string,
    type: string,
    payload: unknown,
    options: PublishOptions,
  ): boolean | Promise<Outcome>;
  /** Resolves when there is room to publish. */
  drained(): Promise<void>;
  /** Sends SUBSCRIBE or UNSUBSCRIBE and waits for its answer; undefined without a connection. */
  ask(kind: 'subscribe' | 'unsubscribe', channel: string): Promise<unknown> | undefined;
  /** The positions of the channel begin anew. */
  restarted(channel: string): void;
  /** Messages are gone for good; `to` is undefined where nobody knows. */
  lacks(channel: string, from: number, to: number | undefined): void;
  /** Something that no caller waits for. */
  report(error: RequestError): void;
  /** A listener threw. */
  blame(error: unknown): void;
}

type AnyEvents = Record<string, unknown>;

/** The session's side of a channel; users see it as `Channel`. */
export class ChannelCore implements Channel {
  readonly name: string;
  readonly #host: ChannelHost;
  readonly #listeners: Emitter<Record<string, [payload: unknown, meta: MessageMeta]>>;
  readonly #queues = new Set<MessageQueue<Message<AnyEvents>>>();
  /** The application wants it, whether or not there is a connection. */
  #wanted = false;
  /** The answer to the SUBSCRIBE that counts, of this connection. */
  #asked: Promise<unknown> | undefined;
  /** For `subscribe` calls that wait. */
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Last position before the subscription began; undefined while there is none. */
  #base: number | undefined;
  #highest = 0;
  /** Everything up to here has come. */
  #whole = 0;
  #received = 0;
  /** Positions that came before SUBSCRIBED: some may be of the subscription before. */
  #early: number[] = [];
  /** Names the life of the positions. */
  #epoch: string | undefined;
  /** `#whole` of the subscription that ended with its session. */
  #left: number | undefined;
  /** Missing on earlier connections. */
  #missedBefore = 0;
  #transit: number | undefined;

  constructor(name: string, host: ChannelHost) {
    this.name = name;
    this.#host = host;
    this.#listeners = new Emitter(host);
  }

  // Channel: what the application calls.

  async subscribe(): Promise<void> {
    if (!this.#host.alive) throw new RequestError('closed');
    this.#wanted = true;
    if (this.#base !== undefined) return;
    this.#waiting ??= Promise.withResolvers();
    if (!this.#asked) this.connected();
    await this.#waiting.promise;
  }

  async unsubscribe(): Promise<void> {
    const wasAsked = this.#asked !== undefined;
    this.#wanted = false;
    this.#left = undefined;
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
    // A boolean, or with `receipt` a promise, as the overloads of `Channel` say.
    return this.#host.publish(this.name, type, payload, options) as never;
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
    const expected = this.#base === undefined ? 0 : this.#highest - this.#base;
    return this.#missedBefore + Math.max(0, expected - this.#received);
  }

  /** There is a connection: asks for the subscription, unless it goes on. */
  connected(): void {
    if (!this.#wanted || this.#asked !== undefined) return;
    const asked = this.#host.ask('subscribe', this.name);
    this.#asked = asked;
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
    if (this.#base !== undefined) this.#left = this.#whole;
    this.#reset();
  }

  /** The gateway does not grant the subscription, or no longer. */
  refused(cause: RequestError): void {
    this.#wanted = false;
    this.#reset();
    if (this.#waiting) {
      this.#settle(cause);
      return;
    }
    const { code, message } = cause;
    this.#host.report(new RequestError(code, message, { cause, details: { channel: this.name } }));
  }

  receive(event: Event): void {
    if (!this.#wanted) return;
    const { seq } = event;
    if (seq !== undefined) {
      // Late, of a subscription before this one.
      if (this.#base !== undefined && seq <= this.#base) return;
      if (this.#base === undefined) this.#early.push(seq);
      this.#received++;
      this.#highest = Math.max(this.#highest, seq);
      this.#count();
    }
    const droppable = isDroppable(event);
    if (droppable && event.ts !== undefined) {
      this.#transit = this.#host.meter.arrived(this.#host.clock.now() - event.ts, this.#transit);
    }
    if (this.#queues.size > 0 || this.#listeners.has(event.type)) this.#deliver(event, droppable);
  }

  /** The session is closed. */
  close(): void {
    this.#wanted = false;
    this.#reset();
    this.#settle(new RequestError('closed'));
    this.#endQueues();
    this.#listeners.clear();
  }

  #deliver(event: Event, droppable: boolean): void {
    const message = openMessage(event, this.#host);
    if (!message) return;
    this.#listeners.emit(event.type, message.payload, message.meta);
    for (const queue of this.#queues) queue.push(message, droppable);
  }

  #subscribed({ seq, epoch }: Subscribed): void {
    const left = this.#left;
    const isNew = this.#epoch !== epoch;
    this.#left = undefined;
    if (isNew && this.#epoch !== undefined) this.#host.restarted(this.name);
    this.#epoch = epoch;
    this.#base = seq;
    this.#highest = Math.max(this.#highest, seq);
    this.#received = this.#early.filter((position) => position > seq).length;
    this.#early = [];
    this.#whole = seq;
    this.#count();
    this.#settle();
    if (left === undefined) return;
    if (isNew) this.#host.lacks(this.name, left + 1, undefined);
    else if (seq > left) this.#host.lacks(this.name, left + 1, seq);
  }

  /** Messages of several classes overtake each other, and which class a missing one has nobody here knows. */
  #count(): void {
    if (this.#base !== undefined && this.#base + this.#received === this.#highest)
      this.#whole = this.#highest;
  }

  /** Nothing of the subscription is left but what it missed. */
  #reset(): void {
    this.#missedBefore = this.missing;
    this.#base = undefined;
    this.#highest = 0;
    this.#whole = 0;
    this.#received = 0;
    this.#early = [];
    this.#transit = undefined;
    this.#asked = undefined;
  }

  #settle(error?: RequestError): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  #endQueues(): void {
    for (const queue of this.#queues) queue.end();
  }
}
