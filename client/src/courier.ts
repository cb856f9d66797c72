import { type DropName, type Outcomes, Receiver, Sender, type SenderStats } from '@spillway/delivery';
import {
  type Cancel,
  type Drain,
  type Envelope,
  type ErrorEnvelope,
  type Event,
  type Expiring,
  encode,
  type Gap,
  type Hello,
  NameTable,
  type Outcome,
  type Receipt,
  type Request,
  type Response,
  readPacket,
  type SessionLimits,
  type Subscribed,
  type Taken,
} from '@spillway/envelope';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { type Link, unexpected } from './link.ts';
import { type Fate, HARD_BUDGET, isDroppable, Outbox, type Outgoing, SOFT_BUDGET, slotOf } from './outbox.ts';

/** What is about the application. An answer has the id of what was sent. */
export type Incoming =
  | Event
  | Request
  | Response
  | Cancel
  | Taken
  | Subscribed
  | ErrorEnvelope
  | Gap
  | Drain
  | Expiring
  | Receipt;

/** What a gateway does not send, or not after WELCOME. */
const FROM_CLIENTS = /^(hello|welcome|subscribe|unsubscribe|auth)$/;

/** Whom a courier works for. */
export interface CourierHost {
  incoming(envelope: Incoming): void;
  /** What became of a publication that asked, other than `delivered`. */
  outcome(id: string, outcome: Outcome): void;
  /** A turn has ended: there may be room again. */
  flushed(): void;
}

/**
 * The way in and out of one session of the gateway, over one link after the other: what is counted, kept, sent again
 * or dropped, and the names of both ends.
 */
export class Courier implements Outcomes {
  readonly #context: Context;
  readonly #host: CourierHost;
  readonly #limits: SessionLimits;
  readonly #sender: Sender;
  readonly #receiver = new Receiver();
  readonly #outbox: Outbox;
  readonly #names: NameTable;
  #link: Link | undefined;
  #token: string | undefined;
  /** Gateway clock less ours, ms. */
  #offset = 0;
  #inTurn = false;
  #cancelTurn: Undo | undefined;
  #due = Number.POSITIVE_INFINITY;
  #cancelTimer: Undo | undefined;
  #over = false;

  constructor(context: Context, host: CourierHost, limits: SessionLimits) {
    const { encoding } = context.settings;
    this.#context = context;
    this.#host = host;
    this.#limits = limits;
    this.#outbox = new Outbox(encoding, limits.maxNames);
    this.#names = new NameTable(limits.maxNames);
    this.#sender = new Sender({
      encoding,
      softBudget: SOFT_BUDGET,
      // What an application sends is bounded by half of it: control envelopes must always find room.
      hardBudget: 2 * HARD_BUDGET,
      retainBudget: 2 * HARD_BUDGET,
      outcomes: this,
    });
  }

  /** What HELLO asks to go on with; undefined where the gateway does not keep the session. */
  get resume(): Hello['resume'] {
    return this.#token === undefined
      ? undefined
      : { token: this.#token, received: this.#receiver.received() };
  }

  get stats(): SenderStats {
    return this.#sender.stats;
  }

  /** The link, just welcomed, carries the session from here on. Throws `ProtocolError`. */
  attach(link: Link): void {
    const { resume, received, time } = link.welcome!;
    this.#token = resume;
    this.#offset = time - this.#context.clock.now();
    this.#link = link;
    this.#receiver.attach();
    this.#sender.attach(link, received);
    this.#turn();
  }

  /** The link is gone. */
  detach(): void {
    this.#link = undefined;
    this.#sender.detach();
  }

  /** The session is over. Settles what is owed, and says how many reliable messages nobody confirmed. */
  end(): number {
    // What waits for the end of the turn still goes.
    this.#flush();
    this.#over = true;
    this.#cancelTurn?.();
    this.#cancelTimer?.();
    return this.#sender.end();
  }

  /** A packet from the link. Throws `ProtocolError`. */
  receive(bytes: Uint8Array, reliable: boolean): void {
    const now = this.#context.clock.now();
    this.#names.clock = Math.round(now + this.#offset);
    readPacket(
      bytes,
      this.#names,
      (envelope, packet) => this.#take(envelope, packet, reliable, now),
      (number, lazy) => this.#receiver.packet(number, now, reliable, lazy),
    );
    this.#turn();
  }

  /** Sends an event with its delivery class, a request reliably. */
  post(envelope: Outgoing): Fate {
    const { channel } = envelope;
    const { clock, meter } = this.#context;
    const bytes = this.#outbox.encode(envelope);
    if (bytes.length > this.#limits.maxMessageBytes) return 'message-too-large';
    const isFull = this.#isFull(bytes);
    if (!isDroppable(envelope) && isFull) return 'queue-full';
    if (!isFull) this.#defineNames();
    this.#turn();
    meter.messagesOut++;
    if (envelope.kind === 'request') {
      this.#sender.control(bytes, channel);
      return 'sent';
    }
    const { delivery, maxAge, oversize, id } = envelope;
    const message = { bytes, channel, delivery, slot: slotOf(envelope), maxAge, oversize, id };
    return /^(sent|queued)$/.test(this.#sender.publish(message, clock.now())) ? 'sent' : 'dropped';
  }

  /** Sends an answer of the application. */
  answer(envelope: Response | ErrorEnvelope): Fate {
    const bytes = encode(envelope, this.#context.settings.encoding);
    if (bytes.length > this.#limits.maxMessageBytes) return 'message-too-large';
    if (this.#isFull(bytes)) return 'queue-full';
    this.control(envelope);
    return 'sent';
  }

  /** Sends a counted envelope of the session's own. */
  control(envelope: Envelope): void {
    this.#context.meter.messagesOut++;
    this.#sender.control(encode(envelope, this.#context.settings.encoding));
  }

  /** The application has left the channel. */
  leave(channel: string): void {
    this.#sender.leave(channel);
  }

  // Outcomes: what the sender calls.

  outcome(id: string, outcome: Outcome): void {
    // That it came is not yet that it was published: RECEIPT says that.
    if (outcome !== 'delivered') this.#host.outcome(id, outcome);
  }

  dropped(name: DropName): void {
    this.#context.meter.drop(name);
  }

  /** One envelope of a packet. Throws `ProtocolError` for one that a gateway does not send here. */
  #take(envelope: Envelope, packet: number, reliable: boolean, now: number): void {
    // Taking in one envelope of a packet may end the session.
    if (this.#over) return;
    const { meter, clock } = this.#context;
    const { kind } = envelope;
    const link = this.#link!;
    meter.messagesIn++;
    if (!(reliable || /^(ping|pong|ack)$/.test(kind) || (kind === 'event' && isDroppable(envelope)))) {
      throw unexpected(envelope);
    }
    switch (kind) {
      case 'lane':
        this.#receiver.lane(envelope);
        return;
      case 'number':
        this.#receiver.number(envelope.number);
        return;
      case 'ack':
        this.#sender.acknowledge(envelope, now);
        return;
      case 'ping':
        link.stall.chatted();
        link.send({ kind: 'pong', time: envelope.time, now: clock.wall() });
        return;
      case 'pong':
        link.stall.chatted();
        this.#offset = envelope.now - now;
        link.pong(envelope);
        return;
      case 'close':
        link.farewell = envelope;
        return;
      default:
        if (this.#receiver.take(envelope, packet, now) === 'new') this.#handle(envelope);
    }
  }

  #handle(envelope: Envelope): void {
    if (envelope.kind === 'names') {
      this.#names.define(envelope);
      this.control({ kind: 'named', count: this.#names.count });
    } else if (envelope.kind === 'named') {
      this.#outbox.acknowledgeNames(envelope.count);
    } else if (FROM_CLIENTS.test(envelope.kind)) {
      throw unexpected(envelope);
    } else {
      this.#host.incoming(envelope as Incoming);
    }
  }

  /** Is there no room for more of the application? */
  #isFull({ length }: Uint8Array): boolean {
    const { backlog = 0 } = this.#sender.port ?? {};
    return Math.max(backlog, this.#sender.stats.retained) + length > HARD_BUDGET;
  }

  #defineNames(): void {
    for (let names = this.#outbox.takeNames(); names; names = this.#outbox.takeNames()) this.control(names);
  }

  /** Something happened: at the end of the turn, or `sendDelay` later, what follows from it is sent at once. */
  #turn(): void {
    if (this.#inTurn || this.#over) return;
    this.#inTurn = true;
    const { clock, settings } = this.#context;
    if (settings.sendDelay > 0) this.#cancelTurn = clock.after(settings.sendDelay, this.#flush);
    else queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#inTurn = false;
    if (this.#over) return;
    const { clock, meter } = this.#context;
    const now = clock.now();
    const link = this.#link;
    const sender = this.#sender;
    sender.flush(now);
    const { minRtt, retained } = sender.stats;
    // Who sends nothing that is acknowledged knows the round trip from pings.
    const rtt = minRtt ?? link?.pinger.shortest;
    if (rtt !== undefined) this.#receiver.setRtt(rtt);
    if (link) {
      const ack = this.#receiver.ack(now);
      if (ack) {
        meter.messagesOut++;
        sender.sendAck(ack);
        if (ack.packets !== undefined && minRtt === undefined) link.pinger.measure();
      }
      link.stall.owes(retained > 0);
    }
    this.#wake(
      Math.min(
        sender.nextDeadline ?? Number.POSITIVE_INFINITY,
        (link && this.#receiver.nextAck) ?? Number.POSITIVE_INFINITY,
      ),
    );
    this.#host.flushed();
  };

  /** A timer that is set already and earlier sets the next. */
  #wake(at: number): void {
    if (at >= this.#due) return;
    this.#cancelTimer?.();
    this.#due = at;
    const { clock } = this.#context;
    this.#cancelTimer = clock.after(Math.max(0, at - clock.now()), () => {
      this.#due = Number.POSITIVE_INFINITY;
      this.#flush();
    });
  }
}
