import type { Envelope, Event, Outcome } from '@spillway/envelope';
import { ChannelAccess } from './channel-access.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import { Inbox } from './inbox.ts';
import { Replies } from './replies.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';
import type { Drops } from './traffic.ts';

/** What the application of a client says. */
export type ClientMessage = Extract<Envelope, { kind: 'event' | 'request' | 'subscribe' | 'unsubscribe' }>;

/** Outcomes in one RECEIPT, so that it stays far below any limit on messages. */
const RECEIPTS = 256;

/** The way back to the client. */
export interface DispatchReplies {
  reply(envelope: Envelope): void;
  /** Outcomes wait to be told, with `tell`. */
  hasReceipts(): void;
  closeLane(channel: string): void;
}

/** Does what the messages of one client ask for, in order per channel, and answers them. Nothing here throws. */
export class Dispatch {
  readonly access: ChannelAccess;
  readonly #drops: Drops;
  readonly #back: DispatchReplies;
  readonly #inbox: Inbox;
  readonly #replies: Replies;
  #receipts: { readonly id: string; readonly outcome: Outcome }[] = [];

  constructor(
    session: SessionHandle & Subscriber,
    context: SessionContext,
    drops: Drops,
    back: DispatchReplies,
  ) {
    const reply = (envelope: Envelope) => back.reply(envelope);
    this.#drops = drops;
    this.#back = back;
    this.#inbox = new Inbox(context.limits.pendingPerSession);
    this.#replies = new Replies(session, context, reply);
    this.access = new ChannelAccess(session, context, {
      reply,
      receipt: (id, outcome) => this.#answer(id, outcome),
      closeLane: (channel) => back.closeLane(channel),
    });
  }

  /** Does it, now or after those before it. */
  take(message: ClientMessage): void {
    switch (message.kind) {
      case 'event':
        this.#inOrder(message, () => this.access.publish(message));
        return;
      case 'subscribe':
        this.#inOrder(message, () => this.access.subscribe(message));
        return;
      case 'unsubscribe':
        this.#inOrder(message, () => this.access.unsubscribe(message));
        return;
      case 'request':
        void this.#replies.answer(message);
        return;
      default:
        message satisfies never;
    }
  }

  /** It was over the rate, and is dropped. */
  overRate(message: ClientMessage): void {
    this.#drops['rate-limited']++;
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

  /** Tells the outcomes that wait. */
  tell(): void {
    if (this.#receipts.length === 0) return;
    const receipts = this.#receipts;
    this.#receipts = [];
    this.#back.reply({ kind: 'receipt', receipts });
  }

  close(): void {
    this.#inbox.close();
    this.access.close();
  }

  /** Runs a task in its channel's order; what it throws becomes an ERROR for the client. */
  #inOrder(message: ClientMessage, task: () => void | Promise<void>): void {
    const { channel, id } = message;
    const details = about(message);
    const fits = this.#inbox.run(channel, () => {
      try {
        return task()?.catch((error: unknown) => this.#replies.failure(error, id, details));
      } catch (error) {
        this.#replies.failure(error, id, details);
      }
    });
    if (fits) return;
    this.#drops.backlog++;
    if (isDroppable(message)) this.#answer(id, 'dropped');
    else this.#refuse(message, 'overloaded', 'too many messages wait for hooks');
  }

  #refuse(message: ClientMessage, code: string, why: string): void {
    this.#replies.error(new SpillwayError(code, why), message.id, about(message));
  }

  #answer(id: string | undefined, outcome: Outcome): void {
    if (id === undefined) return;
    this.#receipts.push({ id, outcome });
    if (this.#receipts.length === RECEIPTS) this.tell();
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
