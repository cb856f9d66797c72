import {
  type DropName,
  type Fate,
  type Message,
  type Outcomes,
  type Port,
  Sender,
  type SenderStats,
} from '@spillway/delivery';
import {
  type Ack,
  type Encoding,
  type Envelope,
  encode,
  NameLedger,
  type Outcome,
  type Received,
} from '@spillway/envelope';
import type { Publication } from './publication.ts';
import { Receipts } from './receipts.ts';
import type { Run } from './run.ts';
import type { SessionContext } from './session-context.ts';
import type { Traffic } from './traffic.ts';

/** Why nothing more can be sent, and the session must end. */
export type Overflow = 'slow-consumer' | 'retain-overflow';

/** Who hears of what becomes of messages. */
export interface OutboxHandler {
  /** Something waits for `flush`. */
  waiting(): void;
  /** What could not be sent cannot be left out either. */
  overflow(why: Overflow): void;
}

/**
 * The way out of one session: which form of an event its client is sent, as short as the names that it knows allow,
 * and by what class. What happens to it from there on is the sender's.
 */
export class Outbox implements Outcomes {
  readonly #encoding: Encoding;
  readonly #clock: SessionContext['clock'];
  readonly #traffic: Traffic;
  readonly #handler: OutboxHandler;
  readonly #ledger: NameLedger;
  #receipts: Receipts | undefined;
  readonly #sender: Sender;
  #closed = false;

  constructor(context: SessionContext, encoding: Encoding, traffic: Traffic, handler: OutboxHandler) {
    const { book, clock, limits } = context;
    this.#encoding = encoding;
    this.#clock = clock;
    this.#traffic = traffic;
    this.#handler = handler;
    this.#ledger = new NameLedger(book, limits.maxNames);
    this.#sender = new Sender({
      encoding,
      softBudget: limits.sendBudgetSoft,
      hardBudget: limits.sendBudgetHard,
      retainBudget: limits.retainBudget,
      outcomes: this,
    });
  }

  get stats(): SenderStats {
    return this.#sender.stats;
  }

  /** Is there something that `flush` has to see to, now or once there is room? */
  get waits(): boolean {
    return this.#sender.waits;
  }

  /** The shortest round trip of late as acknowledgements show it, ms. */
  get minRtt(): number | undefined {
    return this.#sender.minRtt;
  }

  /** Bytes that wait, and bytes kept until they are acknowledged. */
  get held(): number {
    return this.#sender.held;
  }

  /** An id for a publication whose outcome somebody waits for. Once the outbox is closed it is never `delivered`. */
  expect(): { readonly id: string; readonly outcome: Promise<Outcome> } {
    this.#receipts ??= new Receipts();
    return this.#receipts.expect();
  }

  /** Nobody waits any more: it was never sent. */
  forget(id: string): void {
    this.#receipts?.settle(id, 'dropped');
  }

  /** Sends an event. False: dropped. @throws ProtocolError as `Publication.full` does */
  publish(publication: Publication): boolean {
    const message = this.#message(publication);
    // Definitions that found no room.
    if (this.#closed) return false;
    this.#traffic.messagesOut++;
    const { delivery } = message;
    const mayWait = delivery === 'latest' || delivery === 'unreliable';
    // Only what may wait grows old, and to ask the clock costs more than all else here.
    const fate = this.#sender.publish(message, mayWait ? this.#clock.exact() : 0);
    // While nothing can be sent, only its age is to be seen to.
    if (fate === 'queued' && (this.#sender.port || message.maxAge !== undefined)) this.#handler.waiting();
    return this.#isTaken(fate, message.channel);
  }

  /**
   * Sends events that came together as one list, which costs about as much as to send one. False: nothing was done, each
   * has to be published by itself.
   */
  publishRun(run: Run): boolean {
    if (this.#closed || this.#encoding === 'json') return false;
    const { compact } = run;
    if (compact === undefined || !this.#ledger.knows(compact.route, undefined)) return false;
    if (!this.#sender.publishAll(compact.messages, compact.bytes)) return false;
    this.#traffic.messagesOut += compact.messages.length;
    return true;
  }

  /** Sends an envelope that is counted and no event, on lane 0. */
  control(envelope: Envelope): void {
    if (this.#closed) return;
    this.#traffic.messagesOut++;
    this.#isTaken(this.#sender.control(encode(envelope, this.#encoding)), '');
  }

  /** Sends an ACK; nothing without a connection. */
  acknowledge(ack: Ack): void {
    this.#sender.sendAck(ack);
  }

  /** @throws ProtocolError where what was never sent is acknowledged */
  acknowledged(ack: Ack, now: number): void {
    this.#sender.acknowledge(ack, now);
  }

  /** The client took in so many NAMES. @throws ProtocolError for more than were sent. */
  named(count: number): void {
    this.#ledger.acknowledge(count);
  }

  /** The client has left the channel. */
  leave(channel: string): void {
    this.#sender.leave(channel);
  }

  /**
   * Goes on over another connection, after what the client has received.
   * @throws ProtocolError where that was never sent
   */
  attach(port: Port, received: Received | undefined): void {
    for (const gap of this.#sender.attach(port, received)) this.control(gap);
  }

  detach(): void {
    this.#sender.detach();
  }

  /** Sends what there is room for. Returns when to do so again, if nothing happens before. */
  flush(now: number): number | undefined {
    this.#sender.flush(now);
    return this.#sender.nextDeadline;
  }

  /** The session is over: tells what is still owed. */
  close(): void {
    this.#closed = true;
    this.#sender.end();
    this.#receipts?.close();
  }

  // Outcomes: what the sender tells.

  outcome(id: string, outcome: Outcome): void {
    this.#receipts?.settle(id, outcome);
  }

  dropped(name: DropName): void {
    this.#traffic.drops[name]++;
    this.#traffic.messagesOut--;
  }

  #message(publication: Publication): Message {
    if (this.#encoding === 'json') return publication.full('json');
    if (this.#ledger.knows(publication.route, publication.key)) return publication.compact();
    const names = this.#ledger.take();
    // Ahead of the event, and never left out: the client counts them.
    if (names !== undefined) this.control(names);
    return publication.full('binary');
  }

  #isTaken(fate: Fate, channel: string): boolean {
    switch (fate) {
      case 'sent':
      case 'queued':
        return true;
      case 'slow-consumer':
        this.#handler.overflow(fate);
        break;
      case 'retain-overflow':
        // Of a channel it is named by a gap, when the client comes back.
        if (channel === '') this.#handler.overflow(fate);
        break;
      default:
        // Counted when the sender told.
        return false;
    }
    this.#traffic.messagesOut--;
    return false;
  }
}
