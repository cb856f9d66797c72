import type { Encoding, Envelope, Event, Outcome, Stage } from '@spillway/envelope';
import { Calls } from './calls.ts';
import { ChannelAccess } from './channel-access.ts';
import { ChannelServices } from './channel-services.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import { Inbox } from './inbox.ts';
import { Permissions } from './permissions.ts';
import type { Publication } from './publication.ts';
import { Publishing } from './publishing.ts';
import { Replies, type ReplyPath } from './replies.ts';
import { isReserved } from './reserved.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';
import { unauthorized } from './token-fault.ts';
import type { Drops } from './traffic.ts';

/** What the application of a client says. */
export type ClientMessage = Extract<
  Envelope,
  { kind: 'event' | 'request' | 'subscribe' | 'unsubscribe' | 'response' | 'error' }
>;

/** What is asked for on a channel, in order. */
type ChannelMessage = Extract<ClientMessage, { kind: 'event' | 'request' | 'subscribe' | 'unsubscribe' }>;

/** Outcomes in one RECEIPT, so that it stays far below any limit on messages. */
const RECEIPTS = 256;

/** The way back to the client. */
export interface DispatchReplies extends ReplyPath {
  /** Outcomes wait to be told, with `tell`. */
  hasReceipts(): void;
  /** Sends an event as its class promises. False: not even that. */
  deliver(publication: Publication): boolean;
  closeLane(channel: string): void;
}

/**
 * Does what the messages of one client ask for, in order per channel, and answers them. Nothing here throws.
 *
 * Of what this takes, each part is made when it is first needed: most sessions never ask or answer anything, and there
 * may be thousands that only listen.
 */
export class Dispatch {
  readonly access: ChannelAccess;
  readonly permissions: Permissions;
  readonly #session: SessionHandle & Subscriber;
  readonly #encoding: Encoding;
  readonly #context: SessionContext;
  readonly #drops: Drops;
  readonly #back: DispatchReplies;
  #calls: Calls | undefined;
  #services: ChannelServices | undefined;
  #publishing: Publishing | undefined;
  #inbox: Inbox | undefined;
  #replies: Replies | undefined;
  /** What waits to be told, by id: of each publication the last. */
  #receipts: Map<string, Outcome | Stage> | undefined;
  #closed = false;

  constructor(
    session: SessionHandle & Subscriber,
    encoding: Encoding,
    context: SessionContext,
    drops: Drops,
    back: DispatchReplies,
  ) {
    this.#session = session;
    this.#encoding = encoding;
    this.#context = context;
    this.#drops = drops;
    this.#back = back;
    this.permissions = new Permissions(session, context.limits.subscriptionsPerSession);
    this.access = new ChannelAccess(session, context, this.permissions, back);
  }

  /** What the application asks the client. */
  get calls(): Calls {
    if (this.#calls === undefined) {
      this.#calls = new Calls(this.#context, (envelope) => this.#back.reply(envelope));
      if (this.#closed) this.#calls.close();
    }
    return this.#calls;
  }

  /** Does it, now or after those before it. */
  take(message: ClientMessage): void {
    switch (message.kind) {
      case 'event':
        this.#inOrder(message, () => this.#getPublishing().publish(message));
        return;
      case 'subscribe':
        this.#inOrder(message, () => this.access.subscribe(message));
        return;
      case 'unsubscribe':
        this.#inOrder(message, () => this.access.unsubscribe(message));
        return;
      case 'request':
        if (isReserved(message.type)) this.#inOrder(message, () => this.#getServices().answer(message));
        else this.#getReplies().requests.take(message);
        return;
      case 'response':
        this.calls.answer(message);
        return;
      case 'error':
        this.calls.failed(message);
        return;
      default:
        message satisfies never;
    }
  }

  /** It was over the rate, and is dropped. */
  overRate(message: ClientMessage): void {
    this.#drops['rate-limited']++;
    if (message.kind === 'response' || message.kind === 'error') {
      this.calls.lost(message.id);
      return;
    }
    if (isDroppable(message)) this.#answer(message.id, 'dropped');
    else this.#refuse(message, 'rate-limited', 'this was over the rate and is lost');
  }

  /** A newer one of its slot has come before it. */
  stale({ id }: Event): void {
    this.#answer(id, 'superseded');
  }

  /** An error that is about no single message. */
  error(error: SpillwayError, details: object): void {
    this.#getReplies().error(error, undefined, details);
  }

  /** What this answers has failed, and nothing else. */
  failed(error: unknown, id: string): void {
    this.#getReplies().failure(error, id);
  }

  /** The session's token has ended: nothing is done. */
  expired(message: ClientMessage): void {
    if (message.kind === 'unsubscribe') this.take(message);
    else if (message.kind === 'response' || message.kind === 'error') this.calls.lost(message.id);
    else if (isDroppable(message)) this.#answer(message.id, 'dropped');
    else this.#getReplies().failure(unauthorized('expired'), message.id, about(message));
  }

  /** The client does not want the answer to its request any more. */
  cancel(id: string): void {
    this.#getReplies().requests.cancel(id);
  }

  /** The client has taken so many parts of an answer. */
  taken(id: string, count: number): void {
    this.#replies?.requests.taken(id, count);
  }

  /** Is there something for `tell` or `room` to do? */
  get waits(): boolean {
    return (this.#receipts?.size ?? 0) > 0 || this.#replies?.requests.busy === true;
  }

  /** There may be room again for what can wait. */
  room(): void {
    this.#replies?.requests.room();
  }

  /** Tells the outcomes that wait. */
  tell(): void {
    if (this.#receipts === undefined || this.#receipts.size === 0) return;
    const receipts = [...this.#receipts].map(([id, outcome]) => ({ id, outcome }));
    this.#receipts.clear();
    this.#back.reply({ kind: 'receipt', receipts });
  }

  /** The client is back: what it could not be told while it was away. */
  resumed(): void {
    this.permissions.forgetGrants();
    this.#services?.resumed();
  }

  /** The session's user is another than was asked about: what it may not have any more ends, and the client hears so. */
  async reauthorize(): Promise<void> {
    this.permissions.renew();
    const [left, unseen = []] = await Promise.all([this.access.reauthorize(), this.#services?.reauthorize()]);
    for (const channel of left) {
      const error = new SpillwayError('forbidden', `subscribing to '${channel}' is not allowed any more`);
      this.error(error, { channel });
    }
    for (const channel of unseen) {
      const error = new SpillwayError(
        'forbidden',
        `the presence of '${channel}' is not for this user any more`,
      );
      this.error(error, { channel, type: '$presence' });
    }
  }

  close(): void {
    this.#closed = true;
    this.#inbox?.close();
    this.#replies?.requests.close();
    this.#calls?.close();
    this.access.close();
    this.#services?.close();
  }

  #getServices(): ChannelServices {
    this.#services ??= new ChannelServices(
      this.#session,
      this.#encoding,
      this.#context,
      this.permissions,
      this.#back,
      this.#drops,
    );
    return this.#services;
  }

  #getPublishing(): Publishing {
    this.#publishing ??= new Publishing(this.#session.id, this.#context, this.permissions, {
      answer: (response) => {
        this.#receipts?.delete(response.id);
        this.#back.reply(response);
      },
      receipt: (id, outcome) => this.#answer(id, outcome),
      overRate: (event) => {
        this.#receipts?.delete(event.id ?? '');
        this.overRate(event);
      },
    });
    return this.#publishing;
  }

  #getReplies(): Replies {
    this.#replies ??= new Replies(this.#session, this.#context, this.#back);
    return this.#replies;
  }

  /** Runs a task in its channel's order; what it throws becomes an ERROR for the client. */
  #inOrder(message: ChannelMessage, task: () => void | Promise<void>): void {
    const { channel, id } = message;
    const failed = (error: unknown): void => {
      this.#receipts?.delete(id ?? '');
      this.#getReplies().failure(error, id, about(message));
    };
    // Said unless there is more to say by the end of the turn.
    if (message.kind === 'event') this.#answer(id, 'received');
    this.#inbox ??= new Inbox(this.#context.limits.pendingPerSession);
    const fits = this.#inbox.run(channel, () => {
      try {
        return task()?.catch(failed);
      } catch (error) {
        failed(error);
      }
    });
    if (fits) return;
    this.#drops.backlog++;
    if (isDroppable(message)) this.#answer(id, 'dropped');
    else {
      this.#receipts?.delete(id ?? '');
      this.#refuse(message, 'overloaded', 'too many messages wait for hooks');
    }
  }

  #refuse(message: ClientMessage, code: string, why: string): void {
    this.#getReplies().error(new SpillwayError(code, why), message.id, about(message));
  }

  #answer(id: string | undefined, outcome: Outcome | Stage): void {
    if (id === undefined) return;
    this.#receipts ??= new Map();
    this.#receipts.set(id, outcome);
    if (this.#receipts.size === RECEIPTS) this.tell();
    else this.#back.hasReceipts();
  }
}

/** What an ERROR without an id says about the publication that it is for. */
function about(message: ClientMessage): object | undefined {
  return message.kind === 'event' ? { channel: message.channel, type: message.type } : undefined;
}

/** May the network lose it? Then so may we, without a word. */
function isDroppable(message: ClientMessage): message is Event {
  return message.kind === 'event' && (message.delivery === 'unreliable' || message.delivery === 'latest');
}
