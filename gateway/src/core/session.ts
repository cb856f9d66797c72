import { type Fate, type Outcomes, Sender } from '@spillway/delivery';
import {
  CLOSE,
  type CloseName,
  closeName,
  type Encoding,
  type Envelope,
  type Event,
  encode,
  mayReconnect,
  NOTHING_RECEIVED,
  type Outcome,
  ProtocolError,
  type Received,
  type Rung,
  type RungReason,
} from '@spillway/envelope';
import { type Carried, type Connection, closeReason } from './connection.ts';
import { Dispatch } from './dispatch.ts';
import { checkDropOptions } from './drop-options.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import { Intake, type IntakeHandler } from './intake.ts';
import { sessionLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { Publication } from './publication.ts';
import { Receipts } from './receipts.ts';
import type { SessionContext } from './session-context.ts';
import type { SendOptions, SessionHandle, SessionStats, User } from './session-handle.ts';
import { Traffic } from './traffic.ts';
import { Turn } from './turn.ts';

/** How long an ACK waits for a client that does not read what it has, ms. */
const ACK_RETRY = 1_000;

/** Who hears of what happens to a session. */
export interface SessionKeeper {
  /** A token that the session can be resumed with. */
  issue(session: Session): string;
  /** The client has shown that it has this token. */
  confirm(session: Session, token: string): void;
  /** No connection carries it any more. */
  detached(session: Session, code: number, reason: string): void;
  /** Once. */
  ended(session: Session, code: number, reason: string): void;
}

/**
 * One client's logical connection: reads its envelopes, holds its grants, and answers, over one connection after
 * the other. No I/O: bytes come in through `receive`, time through `tick` and the context's clock.
 */
export class Session implements Carried, Subscriber, SessionHandle {
  readonly id: string;
  user: User | undefined;
  reasons: readonly RungReason[] = [];
  readonly traffic = new Traffic();

  readonly #context: SessionContext;
  readonly #keeper: SessionKeeper;
  readonly #encoding: Encoding;
  readonly #sender: Sender;
  readonly #intake: Intake;
  readonly #outbox: Outbox;
  readonly #dispatch: Dispatch;
  readonly #receipts = new Receipts();
  readonly #turn: Turn;
  /** The connection that carries it, or the last one that did. */
  #connection: Connection;
  #connected = false;
  /** Has the client said anything on this connection? */
  #proven = false;
  /** The one before, until the client has gone on on this one. */
  #previous: Connection | undefined;
  /** Asking again what the new user may do. */
  #checking: Promise<void> | undefined;
  #outstandingSince = Number.POSITIVE_INFINITY;
  #resumes = 0;
  #ended = false;

  /** Nothing is sent before `open`. */
  constructor(
    id: string,
    context: SessionContext,
    keeper: SessionKeeper,
    connection: Connection,
    user: User | undefined,
  ) {
    const { book, clock, limits, maxDelay } = context;
    const { encoding } = connection;
    this.id = id;
    this.user = user;
    this.#context = context;
    this.#keeper = keeper;
    this.#connection = connection;
    this.#encoding = encoding;
    const outcomes: Outcomes = {
      outcome: (id, outcome) => this.#receipts.settle(id, outcome),
      dropped: (name) => {
        this.traffic.drops[name]++;
        this.traffic.messagesOut--;
      },
    };
    this.#sender = new Sender({
      encoding,
      softBudget: limits.sendBudgetSoft,
      hardBudget: limits.sendBudgetHard,
      retainBudget: limits.retainBudget,
      outcomes,
    });
    const reply = (envelope: Envelope) => this.#control(envelope);
    this.#outbox = new Outbox(encoding, book, limits.maxNames, reply);
    this.#dispatch = new Dispatch(this, context, this.traffic.drops, {
      reply,
      hasReceipts: () => this.#turn.soon(),
      closeLane: (channel) => this.#sender.leave(channel),
    });
    this.#intake = new Intake(limits, encoding, this.traffic, this.#handler(), clock.exact());
    this.#turn = new Turn(clock, maxDelay, () => this.#flush());
  }

  get encoding(): Encoding {
    return this.#encoding;
  }

  get transport(): Rung | 'memory' {
    return this.#connection.transport.name;
  }

  get remoteAddress(): string {
    return this.#connection.admission.remoteAddress;
  }

  get subscriptions(): ReadonlySet<string> {
    return this.#dispatch.access.subscriptions;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get ended(): boolean {
    return this.#ended;
  }

  // What the gateway calls.

  /** Begins on the connection that it was made for. */
  open(reasons: readonly RungReason[]): void {
    this.reasons = reasons;
    this.#attach(this.#connection, undefined);
  }

  /** Who the client is now. Resolves when what that changes for its subscriptions is decided. */
  become(user: User | undefined): void | Promise<void> {
    if (!isSame(user, this.user)) {
      this.user = user;
      const before = this.#checking;
      const checking = this.#reauthorize(before).then(() => {
        if (this.#checking === checking) this.#checking = undefined;
      });
      this.#checking = checking;
    }
    return this.#checking;
  }

  /**
   * Goes on over another connection, with a client that has `token` and has received so much; before or after the
   * last connection is lost.
   */
  resume(connection: Connection, reasons: readonly RungReason[], token: string, received: Received): void {
    const before = this.#connected ? this.#connection : undefined;
    const both = [before, this.#previous];
    // The one that the client is on: it may never have heard of the newer.
    const present = both.find((one) => one?.token === token) ?? before;
    this.#previous = present;
    const silence = this.#context.clock.now() - Math.max(this.#connection.heardAt, present?.heardAt ?? 0);
    this.reasons = reasons;
    this.#resumes++;
    this.#dispatch.access.forgetGrants();
    this.#keeper.confirm(this, token);
    this.#attach(connection, received, silence);
    present?.retire();
    for (const one of both) if (one !== present) one?.close('replaced', 'the client went on elsewhere');
  }

  /** Tells the client to move within so many ms. */
  drain(within: number): void {
    this.#control({ kind: 'drain', within });
  }

  /** Deadlines. The gateway calls it a few times a second. */
  tick(now: number): void {
    if (!this.#connected) return;
    const { pending, retained, inFlight } = this.#sender.stats;
    if (pending + retained + inFlight === 0) {
      this.#outstandingSince = Number.POSITIVE_INFINITY;
      return;
    }
    this.#outstandingSince = Math.min(this.#outstandingSince, now);
    if (now - Math.max(this.#outstandingSince, this.#connection.heardAt) < this.#context.limits.stallTimeout)
      return;
    this.#connection.close('transport-lost', 'nothing was heard while much was to be acknowledged');
  }

  // Carried: what its connections call.

  receive(from: Connection, bytes: Uint8Array, reliable: boolean): void {
    // What comes late on one that the client has left, it says again on this one.
    if (!this.#carriedBy(from)) return;
    if (!this.#proven) this.#prove();
    try {
      this.#intake.read(bytes, reliable, this.#context.clock.exact());
      this.#turn.soon();
    } catch (error) {
      if (error instanceof ProtocolError) this.#breach(error, reliable);
      else this.#fail(error);
    }
  }

  lost(connection: Connection, code: number, reason: string): void {
    if (connection === this.#previous) this.#previous = undefined;
    if (!this.#carriedBy(connection)) return;
    if (!mayReconnect(code)) {
      this.#ended = true;
      this.#previous?.close('normal', 'the session is over');
      this.#finish(code, reason);
      return;
    }
    this.#connected = false;
    // The client has not said that it ever left this one. It will resume with the token that it has from there.
    const previous = this.#previous;
    this.#previous = undefined;
    previous?.close('transport-lost', 'the connection that carried the session is lost');
    this.#sender.detach();
    this.#turn.soon();
    this.#keeper.detached(this, code, reason);
  }

  // SessionHandle: what the application calls.

  send(type: string, payload: unknown, options?: SendOptions & { readonly receipt?: false }): boolean;
  send(type: string, payload: unknown, options: SendOptions & { readonly receipt: true }): Promise<Outcome>;
  send(
    type: string,
    payload: unknown,
    options: SendOptions & { readonly receipt?: boolean } = {},
  ): boolean | Promise<Outcome> {
    checkDropOptions(options);
    const { book, payloads } = this.#context;
    const { codec, delivery = 'reliable', key, maxAge, oversize, receipt = false } = options;
    const event: Event = {
      kind: 'event',
      channel: '',
      type,
      delivery,
      key,
      ...payloads.write(payload, codec),
    };
    if (this.#ended) return receipt ? Promise.resolve('dropped') : false;
    if (!receipt) return this.#publish(new Publication(event, book, undefined, { maxAge, oversize }));
    const { id, outcome } = this.#receipts.expect();
    try {
      this.#publish(new Publication(event, book, undefined, { maxAge, oversize, receipt: id }));
    } catch (error) {
      this.#receipts.settle(id, 'dropped');
      throw error;
    }
    return outcome;
  }

  stats(): SessionStats {
    const { messagesIn, messagesOut, bytesIn, bytesOut, drops } = this.traffic;
    const { inFlight, pending, retained, rtt } = this.#sender.stats;
    return {
      messagesIn,
      messagesOut,
      bytesIn,
      bytesOut,
      backlog: (this.#connected ? this.#connection.port.backlog : 0) + pending,
      unacknowledged: retained,
      inFlight,
      resumes: this.#resumes,
      rtt: this.#connected ? (this.#connection.rtt ?? rtt) : undefined,
      dropped: { ...drops },
    };
  }

  close(code: CloseName = 'normal', reason = ''): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#connected) this.#connection.close(code, reason);
    this.#previous?.close(code, reason);
    this.#finish(CLOSE[code], closeReason(code, reason));
  }

  // Subscriber: what the hub calls.

  deliver(publication: Publication): void {
    if (this.#ended) return;
    try {
      this.#publish(publication);
    } catch (error) {
      // A publisher may call bytes JSON that are not; only a session that speaks text has to look.
      if (error instanceof ProtocolError) this.traffic.drops.malformed++;
      else this.#fail(error);
    }
  }

  /** What comes in that the session itself acts on. */
  #handler(): IntakeHandler {
    const isListening = () => this.#connected;
    return {
      get listening() {
        return isListening();
      },
      message: (message) => this.#dispatch.take(message),
      overRate: (message) => this.#dispatch.overRate(message),
      stale: (event) => this.#dispatch.stale(event),
      acknowledged: (ack) => this.#sender.acknowledge(ack, this.#context.clock.exact()),
      ping: (time) => this.#pong(time),
      pong: (time) => this.#connection.pong(time),
      names: (count) => this.#control({ kind: 'named', count }),
      named: (count) => this.#outbox.acknowledgeNames(count),
      close: (code, reason) => this.#closedByPeer(code, reason),
      flooded: () => this.close('rate-limited', 'the session kept sending over its rate'),
      tooLarge: (bytes) =>
        this.close(
          'message-too-large',
          `an envelope of ${bytes} bytes, at most ${this.#context.limits.maxMessageBytes} allowed`,
        ),
    };
  }

  #carriedBy(connection: Connection): boolean {
    return this.#connected && !this.#ended && connection === this.#connection;
  }

  /** `received`: what the client has, where it resumes, after it was not heard for so many ms. */
  #attach(connection: Connection, received: Received | undefined, silence = 0): void {
    const { clock, limits } = this.#context;
    const token = this.#keeper.issue(this);
    this.#connection = connection;
    this.#connected = true;
    this.#proven = false;
    this.#outstandingSince = Number.POSITIVE_INFINITY;
    connection.carry(this, this.traffic, token);
    const taken = this.#intake.attach(silence);
    connection.write({
      kind: 'welcome',
      session: this.id,
      resume: token,
      resumed: received !== undefined,
      time: clock.now(),
      limits: sessionLimits(limits),
      received: received === undefined ? NOTHING_RECEIVED : taken,
    });
    try {
      for (const gap of this.#sender.attach(connection.port, received)) this.#control(gap);
    } catch (error) {
      if (error instanceof ProtocolError) this.#breach(error, true);
      else this.#fail(error);
    }
    this.#turn.soon();
  }

  /** The client is on this connection: it will not come back to what was before. */
  #prove(): void {
    this.#proven = true;
    this.#keeper.confirm(this, this.#connection.token);
    const previous = this.#previous;
    this.#previous = undefined;
    previous?.close('normal', 'moved');
  }

  async #reauthorize(before: Promise<void> | undefined): Promise<void> {
    await before;
    for (const channel of await this.#dispatch.access.reauthorize()) {
      const error = new SpillwayError('forbidden', `subscribing to '${channel}' is not allowed any more`);
      this.#dispatch.error(error, { channel });
    }
  }

  /** What is due at the end of a turn; returns when something is due again. */
  #flush(): number | undefined {
    const now = this.#context.clock.exact();
    try {
      this.#dispatch.tell();
      this.#sender.flush(now);
      const next = this.#sender.nextDeadline;
      if (!this.#connected) return next;
      return least(next, this.#acknowledge(now));
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #acknowledge(now: number): number | undefined {
    // Or a client that sends and does not read would have its ACKs pile up here.
    if (this.#isClogged) return this.#intake.nextAck === undefined ? undefined : now + ACK_RETRY;
    const ack = this.#intake.ack(now, this.#sender.stats.minRtt);
    if (ack !== undefined) this.#sender.sendAck(ack);
    return this.#intake.nextAck;
  }

  get #isClogged(): boolean {
    return this.#connection.port.backlog > this.#context.limits.sendBudgetHard;
  }

  #pong(time: number): void {
    if (!this.#isClogged) this.#connection.write({ kind: 'pong', time, now: this.#context.clock.now() });
  }

  #closedByPeer(code: number, reason: string): void {
    const name = closeName(code);
    if (mayReconnect(code)) this.#connection.close(name, reason);
    else this.close(name, reason);
  }

  #publish(publication: Publication): boolean {
    const message = this.#outbox.message(publication);
    if (this.#ended) return false;
    this.traffic.messagesOut++;
    const fate = this.#sender.publish(message, this.#context.clock.exact());
    // While nothing can be sent, only its age is to be seen to.
    if (fate === 'queued' && (this.#connected || message.maxAge !== undefined)) this.#turn.soon();
    return this.#went(fate, message.channel);
  }

  #control(envelope: Envelope): void {
    if (this.#ended) return;
    this.traffic.messagesOut++;
    this.#went(this.#sender.control(encode(envelope, this.#encoding)), '');
  }

  /** Was it taken? What was not, and cannot be named by a gap, ends the session. */
  #went(fate: Fate, channel: string): boolean {
    switch (fate) {
      case 'sent':
      case 'queued':
        return true;
      case 'slow-consumer':
        this.close('slow-consumer', 'the client reads too slowly');
        break;
      case 'retain-overflow':
        if (channel === '') this.close('slow-consumer', 'too much waited for a client that was away');
        break;
      default:
        // Counted when the sender told.
        return false;
    }
    this.traffic.messagesOut--;
    return false;
  }

  #breach({ code, message }: ProtocolError, reliable: boolean): void {
    if (!reliable) {
      this.traffic.drops.malformed++;
      return;
    }
    this.#context.logger.debug({ session: this.id, code }, `protocol error: ${message}`);
    this.close(code === 'unknown-version' ? 'unsupported-version' : 'protocol-error', `${code}: ${message}`);
  }

  #fail(error: unknown): void {
    this.#context.logger.error({ err: error, session: this.id }, 'the session failed');
    this.close('internal', 'the gateway failed');
  }

  #finish(code: number, reason: string): void {
    this.#connected = false;
    this.#previous = undefined;
    this.#turn.close();
    this.#sender.end();
    this.#receipts.close();
    this.#dispatch.close();
    this.#keeper.ended(this, code, reason);
  }
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}

/** The same claims, as far as JSON tells. What JSON cannot hold may have changed. */
function isSame(one: User | undefined, other: User | undefined): boolean {
  try {
    return JSON.stringify(one) === JSON.stringify(other);
  } catch {
    return false;
  }
}
