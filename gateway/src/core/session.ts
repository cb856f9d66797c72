import type { Parts } from '@spillway/delivery';
import {
  CLOSE,
  type CloseName,
  type Encoding,
  type Event,
  mayReconnect,
  NOTHING_RECEIVED,
  type Outcome,
  ProtocolError,
  type Received,
  type Rung,
  type RungReason,
} from '@spillway/envelope';
import { Arrivals } from './arrivals.ts';
import type { CallOptions, StreamOptions } from './calls.ts';
import { Carriage } from './carriage.ts';
import { Claims } from './claims.ts';
import { type Carried, type Connection, closeReason } from './connection.ts';
import { Dispatch } from './dispatch.ts';
import { checkDropOptions } from './drop-options.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import { Intake } from './intake.ts';
import { sessionLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { Publication } from './publication.ts';
import { isReserved } from './reserved.ts';
import type { Run } from './run.ts';
import type { SessionContext } from './session-context.ts';
import type { SendOptions, SessionHandle, SessionStats, User } from './session-handle.ts';
import { SessionToken } from './session-token.ts';
import { Traffic } from './traffic.ts';
import { Turn } from './turn.ts';
import { WayBack } from './way-back.ts';

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

interface Resumed {
  readonly token: string;
  readonly received: Received;
  readonly heardAt: number;
}

/**
 * One client's logical connection: reads its envelopes, holds its grants, and answers, over one connection after
 * the other. No I/O: bytes come in through `receive`, time through `tick` and the context's clock.
 */
export class Session implements Carried, Subscriber, SessionHandle {
  readonly id: string;
  reasons: readonly RungReason[] = [];
  readonly traffic = new Traffic();

  readonly #context: SessionContext;
  readonly #keeper: SessionKeeper;
  readonly #encoding: Encoding;
  readonly #intake: Intake;
  readonly #outbox: Outbox;
  readonly #dispatch: Dispatch;
  readonly #turn: Turn;
  readonly #claims: Claims;
  readonly #token: SessionToken;
  readonly #carriage: Carriage;
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
    const { clock, limits, maxDelay } = context;
    const { encoding } = connection;
    this.id = id;
    this.#claims = new Claims(user, () => this.#dispatch.reauthorize());
    this.#context = context;
    this.#keeper = keeper;
    this.#carriage = new Carriage(connection);
    this.#encoding = encoding;
    this.#turn = new Turn(clock, maxDelay, () => this.#flush());
    const back = new WayBack(this, this.#turn, limits.sendBudgetSoft);
    this.#outbox = new Outbox(context, encoding, this.traffic, back);
    this.#dispatch = new Dispatch(this, encoding, context, this.traffic.drops, back.over(this.#outbox));
    const parts = {
      claims: this.#claims,
      carriage: this.#carriage,
      dispatch: this.#dispatch,
      outbox: this.#outbox,
    };
    this.#token = new SessionToken(context, parts);
    const arrivals = new Arrivals(this, context, { ...parts, token: this.#token });
    this.#intake = new Intake(limits, encoding, this.traffic, arrivals, clock.exact());
  }

  get user(): User | undefined {
    return this.#claims.user;
  }

  get encoding(): Encoding {
    return this.#encoding;
  }

  get transport(): Rung | 'memory' {
    return this.#carriage.present.transport.name;
  }

  get remoteAddress(): string {
    return this.#carriage.present.admission.remoteAddress;
  }

  get subscriptions(): ReadonlySet<string> {
    return this.#dispatch.access.subscriptions;
  }

  get connected(): boolean {
    return this.#carriage.connected;
  }

  get ended(): boolean {
    return this.#ended;
  }

  // What the gateway calls.

  /** Begins on the connection that it was made for. */
  open(reasons: readonly RungReason[]): void {
    this.reasons = reasons;
    this.#attach(this.#carriage.present);
  }

  /** Who the client is now. A promise: until what that changes for its subscriptions is decided. */
  become(user: User | undefined): Promise<void> | undefined {
    return this.#token.become(user);
  }

  /**
   * Goes on over another connection, with a client that has `token` and has received so much; before or after the
   * last connection is lost.
   */
  resume(connection: Connection, reasons: readonly RungReason[], token: string, received: Received): void {
    const { heardAt } = this.#carriage;
    this.reasons = reasons;
    this.#resumes++;
    this.#keeper.confirm(this, token);
    this.#attach(connection, { token, received, heardAt });
    this.#dispatch.resumed();
  }

  /** Tells the client to move within so many ms. */
  drain(within: number): void {
    this.#outbox.control({ kind: 'drain', within });
  }

  /** Deadlines. The gateway calls it a few times a second. */
  tick(now: number): void {
    if (!this.connected) return;
    this.#token.tick(now);
    if (!this.connected) return;
    const { pending, retained, inFlight } = this.#outbox.stats;
    if (pending + retained + inFlight === 0) {
      this.#outstandingSince = Number.POSITIVE_INFINITY;
      return;
    }
    this.#outstandingSince = Math.min(this.#outstandingSince, now);
    const silentSince = Math.max(this.#outstandingSince, this.#carriage.present.heardAt);
    if (now - silentSince < this.#context.limits.stallTimeout) return;
    this.#carriage.present.close('transport-lost', 'nothing was heard while much was to be acknowledged');
  }

  // Carried: what its connections call.

  receive(from: Connection, bytes: Uint8Array, reliable: boolean): void {
    // What comes late on one that the client has left, it says again on this one.
    if (!this.#carriage.carries(from)) return;
    if (this.#carriage.prove()) this.#keeper.confirm(this, from.token);
    try {
      const now = this.#context.clock.exact();
      this.#intake.read(bytes, reliable, now);
      // Nearly always nothing waits: then this is done with, but for the ACK of it.
      const due = this.#outbox.waits || this.#dispatch.waits ? now : this.#intake.nextAck;
      if (due === undefined) return;
      if (due <= now) this.#turn.soon();
      else this.#turn.by(due);
    } catch (error) {
      if (error instanceof ProtocolError) this.#breach(error, reliable);
      else this.#fail(error);
    }
  }

  lost(connection: Connection, code: number, reason: string): void {
    if (!this.#carriage.lose(connection)) return;
    if (!mayReconnect(code)) {
      this.#finish(code, reason);
      return;
    }
    this.#outbox.detach();
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
    if (isReserved(type))
      throw new SpillwayError('bad-type', `types that begin with '$' are reserved: '${type}'`);
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
    if (!receipt) return this.#outbox.publish(new Publication(event, book, undefined, { maxAge, oversize }));
    const { id, outcome } = this.#outbox.expect();
    try {
      this.#outbox.publish(new Publication(event, book, undefined, { maxAge, oversize, receipt: id }));
    } catch (error) {
      this.#outbox.forget(id);
      throw error;
    }
    return outcome;
  }

  // Typed at the interface; here it is what comes.
  async request(type: string, payload?: unknown, options?: CallOptions): Promise<never> {
    return (await this.#dispatch.calls.request(type, payload, options)) as never;
  }

  stream(type: string, payload?: unknown, options?: StreamOptions): Parts<never> {
    return this.#dispatch.calls.stream(type, payload, options) as Parts<never>;
  }

  stats(): SessionStats {
    const { messagesIn, messagesOut, bytesIn, bytesOut, drops } = this.traffic;
    const { inFlight, pending, retained, rtt } = this.#outbox.stats;
    return {
      messagesIn,
      messagesOut,
      bytesIn,
      bytesOut,
      backlog: (this.connected ? this.#carriage.present.port.backlog : 0) + pending,
      unacknowledged: retained,
      inFlight,
      resumes: this.#resumes,
      rtt: this.connected ? (this.#carriage.present.rtt ?? rtt) : undefined,
      dropped: { ...drops },
    };
  }

  close(code: CloseName = 'normal', reason = ''): void {
    if (this.#ended) return;
    this.#carriage.close(code, reason);
    this.#finish(CLOSE[code], closeReason(code, reason));
  }

  // Subscriber: what the hub calls.

  deliver(publication: Publication): void {
    if (this.#ended) return;
    const { access } = this.#dispatch;
    if (access.takesAll) this.push(publication);
    else access.deliver(publication);
  }

  deliverRun(run: Run): void {
    if (!this.#ended && this.#dispatch.access.takesAll && this.#outbox.publishRun(run)) return;
    for (const publication of run.publications) this.deliver(publication);
  }

  /** Sends an event that the session has a right to. False: dropped, or the session is over. */
  push(publication: Publication): boolean {
    if (this.#ended) return false;
    try {
      return this.#outbox.publish(publication);
    } catch (error) {
      // A publisher may call bytes JSON that are not; only a session that speaks text has to look.
      if (error instanceof ProtocolError) this.traffic.drops.malformed++;
      else this.#fail(error);
      return false;
    }
  }

  /** `resumed`: what the client resumes with, what it has, and when it was heard last. */
  #attach(connection: Connection, resumed?: Resumed): void {
    const { clock, limits } = this.#context;
    const token = this.#keeper.issue(this);
    this.#outstandingSince = Number.POSITIVE_INFINITY;
    this.#carriage.move(connection, resumed?.token);
    connection.carry(this, this.traffic, token);
    const now = clock.exact();
    const received = this.#intake.attach(resumed?.heardAt ?? now, now);
    connection.write({
      kind: 'welcome',
      session: this.id,
      resume: token,
      resumed: resumed !== undefined,
      time: clock.now(),
      limits: sessionLimits(limits),
      received: resumed === undefined ? NOTHING_RECEIVED : received,
      expires: this.#token.within,
    });
    try {
      this.#outbox.attach(connection.port, resumed?.received);
    } catch (error) {
      if (error instanceof ProtocolError) this.#breach(error, true);
      else this.#fail(error);
    }
    this.#turn.soon();
  }

  /** What is due at the end of a turn; returns when something is due again. */
  #flush(): number | undefined {
    const now = this.#context.clock.exact();
    try {
      this.#dispatch.tell();
      const next = this.#outbox.flush(now);
      this.#dispatch.room();
      if (!this.connected) return next;
      return least(next, this.#acknowledge(now));
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #acknowledge(now: number): number | undefined {
    if (this.#intake.nextAck === undefined) return undefined;
    // Or a client that sends and does not read would have its ACKs pile up here.
    if (this.#isClogged) return now + ACK_RETRY;
    const { present } = this.#carriage;
    const { minRtt } = this.#outbox;
    const ack = this.#intake.ack(now, minRtt ?? present.minRtt);
    if (ack !== undefined) this.#outbox.acknowledge(ack);
    // Packets are acknowledged twice in a round trip, and none of ours shows how long that is.
    if (ack?.packets !== undefined && minRtt === undefined) present.measure();
    return this.#intake.nextAck;
  }

  get #isClogged(): boolean {
    return this.#carriage.present.port.backlog > this.#context.limits.sendBudgetHard;
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
    if (this.#ended) return;
    this.#ended = true;
    this.#carriage.close('normal', 'the session is over');
    this.#turn.close();
    this.#outbox.close();
    this.#token.close();
    this.#dispatch.close();
    this.#keeper.ended(this, code, reason);
  }
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
