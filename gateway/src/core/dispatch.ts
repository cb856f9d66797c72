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

/** Does what the messages of one client ask for, in order per channel, and answers them. Nothing here throws. */
export class Dispatch {
  readonly access: ChannelAccess;
  readonly services: ChannelServices;
  readonly permissions: Permissions;
  /** What the application asks the client. */
  readonly calls: Calls;
  readonly #drops: Drops;
  readonly #back: DispatchReplies;
  readonly #publishing: Publishing;
  readonly #inbox: Inbox;
  readonly #replies: Replies;
  /** What waits to be told, by id: of each publication the last. */
  #receipts = new Map<string, Outcome | Stage>();

  constructor(
    session: SessionHandle & Subscriber,
    encoding: Encoding,
    context: SessionContext,
    drops: Drops,
    back: DispatchReplies,
  ) {
    const reply = (envelope: Envelope) => back.reply(envelope);
    this.#drops = drops;
    this.#back = back;
    this.#inbox = new Inbox(context.limits.pendingPerSession);
    this.#replies = new Replies(session, context, back);
    this.calls = new Calls(context, reply);
    const deliver = (publication: Publication) => back.deliver(publication);
    this.permissions = new Permissions(session, context.limits.subscriptionsPerSession);
    this.access = new ChannelAccess(session, context, this.permissions, {
      reply,
      deliver,
      closeLane: (channel) => back.closeLane(channel),
    });
    this.services = new ChannelServices(session, encoding, context, this.permissions, {
      reply,
      deliver,
      malformed: () => drops.malformed++,
    });
    this.#publishing = new Publishing(session.id, context, this.permissions, {
      answer: (response) => {
        this.#receipts.delete(response.id);
        back.reply(response);
      },
      receipt: (id, outcome) => this.#answer(id, outcome),
      overRate: (event) => {
        this.#receipts.delete(event.id ?? '');
        this.overRate(event);
      },
    });
  }

  /** Does it, now or after those before it. */
  take(message: ClientMessage): void {
    switch (message.kind) {
      case 'event':
        this.#inOrder(message, () => this.#publishing.publish(message));
        return;
      case 'subscribe':
        this.#inOrder(message, () => this.access.subscribe(message));
        return;
      case 'unsubscribe':
        this.#inOrder(message, () => this.access.unsubscribe(message));
        return;
      case 'request':
        if (isReserved(message.type)) this.#inOrder(message, () => this.services.answer(message));
        else this.#replies.requests.take(message);
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
    this.#replies.error(error, undefined, details);
  }

  /** What this answers has failed, and nothing else. */
  failed(error: unknown, id: string): void {
    this.#replies.failure(error, id);
  }

  /** The session's token has ended: nothing is done. */
  expired(message: ClientMessage): void {
    if (message.kind === 'unsubscribe') this.take(message);
    else if (message.kind === 'response' || message.kind === 'error') this.calls.lost(message.id);
    else if (isDroppable(message)) this.#answer(message.id, 'dropped');
    else this.#replies.failure(unauthorized('expired'), message.id, about(message));
  }

  /** The client does not want the answer to its request any more. */
  cancel(id: string): void {
    this.#replies.requests.cancel(id);
  }

  /** The client has taken so many parts of an answer. */
  taken(id: string, count: number): void {
    this.#replies.requests.taken(id, count);
  }

  /** Is there something for `tell` or `room` to do? */
  get waits(): boolean {
    return this.#receipts.size > 0 || this.#replies.requests.busy;
  }

  /** There may be room again for what can wait. */
  room(): void {
    this.#replies.requests.room();
  }

  /** Tells the outcomes that wait. */
  tell(): void {
    if (this.#receipts.size === 0) return;
    const receipts = [...this.#receipts].map(([id, outcome]) => ({ id, outcome }));
    this.#receipts.clear();
    this.#back.reply({ kind: 'receipt', receipts });
  }

  close(): void {
    this.#inbox.close();
    this.#replies.requests.close();
    this.calls.close();
    this.access.close();
    this.services.close();
  }

  /** Runs a task in its channel's order; what it throws becomes an ERROR for the client. */
  #inOrder(message: ChannelMessage, task: () => void | Promise<void>): void {
    const { channel, id } = message;
    const failed = (error: unknown): void => {
      this.#receipts.delete(id ?? '');
      this.#replies.failure(error, id, about(message));
    };
    // Said unless there is more to say by the end of the turn.
    if (message.kind === 'event') this.#answer(id, 'received');
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
      this.#receipts.delete(id ?? '');
      this.#refuse(message, 'overloaded', 'too many messages wait for hooks');
    }
  }

  #refuse(message: ClientMessage, code: string, why: string): void {
    this.#replies.error(new SpillwayError(code, why), message.id, about(message));
  }

  #answer(id: string | undefined, outcome: Outcome | Stage): void {
    if (id === undefined) return;
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
