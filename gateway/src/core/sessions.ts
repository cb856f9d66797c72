import { CLOSE, closeName, type Hello } from '@spillway/envelope';
import type { AdmissionControl } from './admission-control.ts';
import { Connection, type Reception } from './connection.ts';
import type { Acceptor, Admission, Receiver, Refusal, Transport } from './contracts/transport.ts';
import { DetachedSessions } from './detached-sessions.ts';
import { ResumeTokens } from './resume-tokens.ts';
import { type ResumeRefusals, Resumption } from './resumption.ts';
import { Session, type SessionKeeper } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle, User } from './session-handle.ts';
import { addDrops, type Drops, noDrops, type Traffic } from './traffic.ts';

/** What a packet may add to the largest envelope (SPEC.md, section 6). */
const PACKET_ROOM = 64;

/** Sums over the sessions of a gateway, those that ended included. */
export interface SessionTotals {
  /** Sessions now, detached ones included. */
  readonly open: number;
  readonly opened: number;
  /** Of the open ones, those whose client is away. */
  readonly detached: number;
  /** How often a client went on with its session on another connection. */
  readonly resumed: number;
  /** How often a client that wanted to got a new session, by reason. */
  readonly resumeRefused: Readonly<ResumeRefusals>;
  /** Connected sessions by transport. */
  readonly transports: Readonly<Record<string, number>>;
  /** Why clients were not on a better rung, `transport:reason`, counted when they said HELLO. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Ends by close code, of sessions and of connections without one; a code outside the table counts as 4507. */
  readonly closed: Readonly<Record<number, number>>;
  readonly dropped: Readonly<Drops>;
}

/** Where the application hears of sessions. */
export interface SessionListener {
  opened(session: SessionHandle): void;
  /** Its connection is lost. */
  detached(session: SessionHandle, code: number, reason: string): void;
  /** Another connection carries it, whether or not the last one was lost before. */
  resumed(session: SessionHandle): void;
  closed(session: SessionHandle, code: number, reason: string): void;
}

/** What the sessions of a gateway are given, and what decides who gets one. */
export interface SessionsOptions extends SessionContext {
  readonly newId: () => string;
  /** 256 bits that nobody can guess, as text. */
  readonly newToken: () => string;
}

/** All sessions and connections of a gateway: what transports hand their connections to. */
export class Sessions implements Acceptor {
  readonly maxFrameBytes: number;
  readonly #admission: AdmissionControl;
  readonly #options: SessionsOptions;
  readonly #listener: SessionListener;
  readonly #reception: Reception;
  readonly #keeper: SessionKeeper;
  readonly #connections = new Set<Connection>();
  readonly #open = new Set<Session>();
  /** The open ones by the id of their user, which a session keeps. */
  readonly #users = new Map<string, Set<Session>>();
  readonly #detached: DetachedSessions;
  readonly #tokens: ResumeTokens<Session>;
  readonly #resumption: Resumption;
  #draining = false;
  #openedEver = 0;
  #resumed = 0;
  readonly #reasons: Record<string, number> = {};
  readonly #closed: Record<number, number> = {};
  readonly #dropped = noDrops();

  constructor(admission: AdmissionControl, options: SessionsOptions, listener: SessionListener) {
    const { limits, clock, logger, authenticate, newToken } = options;
    this.maxFrameBytes = limits.maxMessageBytes + PACKET_ROOM;
    this.#admission = admission;
    this.#options = options;
    this.#listener = listener;
    this.#detached = new DetachedSessions(limits);
    this.#tokens = new ResumeTokens(newToken);
    this.#resumption = new Resumption(this.#tokens, logger);
    this.#reception = {
      limits,
      clock,
      logger,
      authenticate,
      resuming: (hello) => this.#resumption.owner(hello),
      welcome: (connection, hello, user) => this.#welcome(connection, hello, user),
      ended: (connection, code) => this.#disconnected(connection, code),
    };
    this.#keeper = {
      issue: (session) => this.#tokens.issue(session),
      confirm: (session, token) => this.#tokens.confirm(session, token),
      detached: (session, code, reason) => this.#lost(session, code, reason),
      ended: (session, code, reason) => this.#ended(session, code, reason),
    };
  }

  admit(admission: Admission): Refusal | undefined {
    return this.#admission.admit(admission, this.#options.clock.now());
  }

  accept(admission: Admission, transport: Transport): Receiver {
    const connection = new Connection(this.#reception, admission, transport);
    this.#connections.add(connection);
    return connection;
  }

  abandon(admission: Admission): void {
    this.#admission.release(admission, this.#options.clock.now());
  }

  /** The open ones. */
  [Symbol.iterator](): Iterator<Session> {
    return this.#open.values();
  }

  /** The open sessions of a user, also those whose client is away. */
  ofUser(id: string): Iterable<Session> {
    return this.#users.get(id) ?? [];
  }

  /** Sessions, and connections still to say HELLO. */
  get size(): number {
    return this.#open.size + this.#waiting().length;
  }

  tick(now: number): void {
    for (const connection of this.#connections) connection.tick(now);
    for (const session of this.#open) session.tick(now);
    this.#options.hub.tick(now);
    this.#detached.tick(now);
  }

  /**
   * Tells the connected ones to move within so many ms. Clients that are about to open a session, or away, can do so
   * elsewhere.
   */
  drain(within: number): void {
    this.#draining = true;
    for (const connection of this.#waiting()) sendAway(connection);
    for (const session of this.#detached) sendAway(session);
    for (const session of this.#open) session.drain(within);
  }

  closeAll(): void {
    for (const connection of this.#waiting()) sendAway(connection);
    for (const session of this.#open) sendAway(session);
  }

  totals(): SessionTotals {
    const transports: Record<string, number> = {};
    const dropped = { ...this.#dropped };
    for (const { connected, traffic, transport } of this.#open) {
      if (connected) count(transports, transport);
      addDrops(dropped, traffic.drops);
    }
    return {
      open: this.#open.size,
      opened: this.#openedEver,
      detached: this.#detached.size,
      resumed: this.#resumed,
      resumeRefused: { ...this.#resumption.refused },
      transports,
      reasons: { ...this.#reasons },
      closed: { ...this.#closed },
      dropped,
    };
  }

  #waiting(): Connection[] {
    return [...this.#connections].filter(({ waiting }) => waiting);
  }

  #welcome(connection: Connection, hello: Hello, user: User | undefined): void | Promise<void> {
    for (const { transport, reason } of hello.reasons) count(this.#reasons, `${transport}:${reason}`);
    const session = this.#resumption.find(hello, connection, user);
    const decided = session?.become(user);
    if (decided === undefined) this.#carry(session, connection, hello, user);
    else return decided.then(() => this.#carryLater(connection, hello, user));
  }

  /** The session may have ended while its subscriptions were asked for again, or be resumed by another connection. */
  #carryLater(connection: Connection, hello: Hello, user: User | undefined): void {
    if (connection.waiting)
      this.#carry(this.#resumption.find(hello, connection, user), connection, hello, user);
  }

  #carry(
    session: Session | undefined,
    connection: Connection,
    { reasons, resume }: Hello,
    user: User | undefined,
  ): void {
    if (session === undefined || resume === undefined) this.#begin(connection, reasons, user);
    else {
      this.#detached.delete(session);
      session.resume(connection, reasons, resume.token, resume.received);
      this.#resumed++;
      if (!session.ended) this.#listener.resumed(session);
    }
  }

  #begin(connection: Connection, reasons: Hello['reasons'], user: User | undefined): void {
    const session = new Session(this.#options.newId(), this.#options, this.#keeper, connection, user);
    this.#open.add(session);
    if (user !== undefined) {
      const others = this.#users.get(user.id);
      if (others === undefined) this.#users.set(user.id, new Set([session]));
      else others.add(session);
    }
    this.#openedEver++;
    session.open(reasons);
    this.#listener.opened(session);
  }

  #lost(session: Session, code: number, reason: string): void {
    this.#listener.detached(session, code, reason);
    // A listener may have closed it.
    if (session.ended) return;
    if (this.#draining) sendAway(session);
    else this.#detached.add(session, this.#options.clock.now());
  }

  #ended(session: Session, code: number, reason: string): void {
    this.#open.delete(session);
    if (session.user !== undefined) {
      const others = this.#users.get(session.user.id);
      others?.delete(session);
      if (others?.size === 0) this.#users.delete(session.user.id);
    }
    this.#detached.delete(session);
    this.#tokens.forget(session);
    this.#countEnd(code, session.traffic);
    this.#listener.closed(session, code, reason);
  }

  #disconnected(connection: Connection, code: number): void {
    this.#connections.delete(connection);
    this.#admission.release(connection.admission, this.#options.clock.now());
    if (!connection.carried) this.#countEnd(code, connection.traffic);
  }

  #countEnd(code: number, { drops }: Traffic): void {
    // By the table: a client may close with any number, and each would be a counter for ever.
    count(this.#closed, CLOSE[closeName(code)]);
    addDrops(this.#dropped, drops);
  }
}

function sendAway(what: { close(code: 'going-away', reason: string): void }): void {
  what.close('going-away', 'the gateway is going away');
}

function count(counters: Record<string | number, number>, name: string | number): void {
  counters[name] = (counters[name] ?? 0) + 1;
}
