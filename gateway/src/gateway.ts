import { EventEmitter } from 'node:events';
import { type CloseName, NameBook } from '@spillway/envelope';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { MemoryBroker } from './brokers/memory.ts';
import { AdmissionControl, type RefusalName } from './core/admission-control.ts';
import {
  Audience,
  type AudienceOptions,
  type ChannelPresence,
  type HistoryPage,
  type HistoryQuery,
} from './core/audience.ts';
import { type ChannelOptions, ChannelRules } from './core/channel-rules.ts';
import type { Broker } from './core/contracts/broker.ts';
import { SpillwayError } from './core/errors.ts';
import { Hub } from './core/hub.ts';
import { type Limits, MAX_LIMIT, resolveLimits } from './core/limits.ts';
import { type Logger, SILENT } from './core/logger.ts';
import { originCheck } from './core/origins.ts';
import { Payloads } from './core/payload.ts';
import { type HandleOptions, type RequestHandler, RequestHandlers } from './core/request-handlers.ts';
import { isReserved } from './core/reserved.ts';
import type { SessionHandle } from './core/session-handle.ts';
import { Sessions, type SessionTotals } from './core/sessions.ts';
import { requireAuthentication } from './exposure.ts';
import { ApiKeys } from './http/api-keys.ts';
import { apiRoutes } from './http/api-routes.ts';
import { type Addresses, Listeners } from './listeners.ts';
import { createLogger } from './log.ts';
import { DEFAULTS, type GatewayOptions, MAX_DELAY } from './options.ts';
import { RandomIds } from './random-ids.ts';
import { SystemClock } from './system-clock.ts';
import { STREAM_DEFAULTS } from './transports/stream-options.ts';

export interface GatewayEvents {
  /** A client said HELLO and was welcomed. */
  session: [session: SessionHandle];
  /** Its connection is lost: the session is kept for `limits.resumeWindow`, and what it is sent waits. */
  detached: [session: SessionHandle, code: number, reason: string];
  /** The client goes on with it on another connection, after `detached` or before the last one was lost. */
  resumed: [session: SessionHandle];
  /** A welcomed session ended. */
  close: [session: SessionHandle, code: number, reason: string];
}

export interface GatewayStats {
  readonly sessions: SessionTotals;
  /** Connections refused before a session existed, by name. */
  readonly refused: Readonly<Record<RefusalName, number>>;
  /** Requests over plain HTTP that were answered with an error, by its code. */
  readonly http: Readonly<Record<string, number>>;
  readonly channels: number;
  readonly published: number;
  /** Events handed to sessions. */
  readonly delivered: number;
  /**
   * Channels that are remembered, the bytes of what is kept of them, and how often `historyBytes` had no room for all of
   * a channel.
   */
  readonly history: { readonly channels: number; readonly bytes: number; readonly evicted: number };
}

/** How often deadlines are looked at, ms. Timeouts are seconds long, so this is exact enough. */
const TICK = 250;

/** Makes a gateway; nothing happens until `listen`. @throws RangeError for an option outside its range. */
export function createGateway(options: GatewayOptions = {}): Gateway {
  return new Gateway(options);
}

/** The real-time gateway: declare channels and handlers, then `listen`. */
export class Gateway implements AsyncDisposable {
  readonly #options: GatewayOptions;
  readonly #clock = new SystemClock();
  readonly #limits: Limits;
  readonly #logger: Logger;
  readonly #broker: Broker;
  readonly #rules = new ChannelRules();
  readonly #handlers = new RequestHandlers();
  readonly #payloads: Payloads;
  readonly #book = new NameBook();
  readonly #hub: Hub;
  readonly #admission: AdmissionControl;
  readonly #sessions: Sessions;
  readonly #audience: Audience;
  readonly #listeners: Listeners;
  readonly #events = new EventEmitter<GatewayEvents>();
  #phase: 'new' | 'starting' | 'listening' | 'closed' = 'new';
  #ticker: NodeJS.Timeout | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#limits = resolveLimits(options.limits);
    this.#logger = options.logger === false ? SILENT : (options.logger ?? createLogger());
    this.#payloads = new Payloads(this.#limits.maxMessageBytes, options.cbor);
    this.#broker = options.broker ?? new MemoryBroker();
    const ids = new RandomIds();
    const newEpoch = () => ids.next(6);
    this.#hub = new Hub(this.#broker, this.#rules, this.#book, this.#clock, newEpoch, this.#limits);
    this.#admission = new AdmissionControl(this.#limits, originCheck(options.origins));
    this.#sessions = new Sessions(
      this.#admission,
      {
        limits: this.#limits,
        maxDelay: resolveMaxDelay(options.maxDelay),
        clock: this.#clock,
        hub: this.#hub,
        book: this.#book,
        payloads: this.#payloads,
        handlers: this.#handlers,
        authenticate: options.authenticate,
        logger: this.#logger,
        newId: () => ids.next(12),
        newToken: () => ids.next(32),
      },
      {
        opened: (session) => this.#opened(session),
        detached: (session, code, reason) => this.#detached(session, code, reason),
        resumed: (session) => this.#resumed(session),
        closed: (session, code, reason) => this.#closed(session, code, reason),
      },
    );
    this.#audience = new Audience(this.#hub, this.#sessions, this.#payloads, this.#book);
    const api = apiRoutes(this, {
      keys: options.api && new ApiKeys(options.api.keys),
      // Some write everything beyond ASCII as `\u0041`, three times as long; then there are channel and type.
      maxBodyBytes: 3 * this.#limits.maxMessageBytes + 4_096,
      bodyTimeout: STREAM_DEFAULTS.bodyTimeout,
      logger: this.#logger,
    });
    this.#listeners = new Listeners(
      options,
      this.#limits,
      this.#sessions,
      this.#logger,
      () => this.ready,
      api,
    );
  }

  /** True from `listen` until `drain` or `close`; what `/readyz` says. */
  get ready(): boolean {
    return this.#phase === 'listening' && !this.#admission.draining;
  }

  /** The open sessions, also those whose client is away. */
  get sessions(): Iterable<SessionHandle> {
    return this.#sessions;
  }

  /**
   * Declares channels by name or pattern: `lobby`, `arena/:room`, `sensors/#`. Channels that are not declared do
   * not exist for clients.
   * @throws SpillwayError `bad-pattern`, `duplicate-pattern`; RangeError for an option outside its range
   */
  channel(pattern: string, options: ChannelOptions = {}): this {
    this.#rules.declare(pattern, options);
    return this;
  }

  /** Answers requests of a type. What the handler returns is the response, what it throws the error. */
  handle(type: string, handler: RequestHandler): this;
  handle<Schema extends StandardSchemaV1>(
    type: string,
    options: HandleOptions<Schema>,
    handler: RequestHandler<StandardSchemaV1.InferOutput<Schema>>,
  ): this;
  handle(type: string, first: RequestHandler | HandleOptions, second?: RequestHandler): this {
    if (isReserved(type))
      throw new SpillwayError('bad-type', `types that begin with '$' are reserved: '${type}'`);
    if (typeof first === 'function') this.#handlers.add(type, {}, first);
    else if (second !== undefined) this.#handlers.add(type, first, second);
    else throw new TypeError(`handle('${type}') needs a handler`);
    return this;
  }

  on<Name extends keyof GatewayEvents>(name: Name, listener: (...args: GatewayEvents[Name]) => void): this {
    this.#events.on(name, listener as (...args: unknown[]) => void);
    return this;
  }

  off<Name extends keyof GatewayEvents>(name: Name, listener: (...args: GatewayEvents[Name]) => void): this {
    this.#events.off(name, listener as (...args: unknown[]) => void);
    return this;
  }

  /**
   * Publishes to everyone subscribed to the channel. Class, `maxAge` and `oversize` are the channel's own where none
   * are given.
   * @throws SpillwayError `unknown-channel`, `bad-channel`, `bad-type`, `bad-payload`, `message-too-large`
   * @throws ProtocolError `bad-value` for a type or key outside its range
   * @throws RangeError for `maxAge` or `oversize`
   */
  publish(channel: string, type: string, payload: unknown, options: AudienceOptions = {}): void {
    this.#audience.publish(channel, type, payload, options);
  }

  /**
   * Sends to every session, subscribed to anything or not. Answers to how many.
   * @throws SpillwayError `bad-type`, `bad-payload`, `message-too-large`; ProtocolError and RangeError as `publish`
   */
  broadcast(type: string, payload: unknown, options: AudienceOptions = {}): number {
    return this.#audience.broadcast(type, payload, options);
  }

  /** Sends to every session of a user. Answers to how many; throws as `broadcast`. */
  sendToUser(userId: string, type: string, payload: unknown, options: AudienceOptions = {}): number {
    return this.#audience.sendToUser(userId, type, payload, options);
  }

  /**
   * Closes every session of a user, those whose client is away too. Answers how many.
   * @param code those below 4500 tell the clients to stay away. @default 'normal'
   */
  disconnectUser(userId: string, code: CloseName = 'normal', reason = ''): number {
    return this.#audience.disconnectUser(userId, code, reason);
  }

  /** The channels that some session is subscribed to by name. */
  channels(): Iterable<string> {
    return [...this.#hub.channels()];
  }

  /** The sessions that are subscribed to exactly this name, or this pattern. */
  subscribers(channel: string): Iterable<SessionHandle> {
    return this.#audience.subscribers(channel);
  }

  /** Who is in a channel. @throws SpillwayError `unknown-channel`, `no-presence` */
  presence(channel: string): ChannelPresence {
    return this.#audience.presence(channel);
  }

  /** Some of what is kept of a channel. @throws SpillwayError `unknown-channel` */
  history(channel: string, query: HistoryQuery = {}): HistoryPage {
    return this.#audience.history(channel, query);
  }

  /**
   * Binds the sockets and begins to accept clients.
   * @throws SpillwayError `authentication-missing`, `port-in-use` and other codes of listening, CertificateError,
   * EngineError
   */
  async listen(): Promise<Addresses> {
    if (this.#phase !== 'new')
      throw new SpillwayError('already-listening', 'listen() works once for a gateway');
    this.#phase = 'starting';
    this.#opening = this.#open();
    try {
      await this.#opening;
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#closing !== undefined)
      throw new SpillwayError('closed', 'the gateway was closed while it started');
    this.#ticker = setInterval(() => this.#sessions.tick(this.#clock.now()), TICK);
    this.#phase = 'listening';
    return this.address();
  }

  /** The URLs that clients reach this gateway under. */
  address(): Addresses {
    return this.#listeners.addresses;
  }

  stats(): GatewayStats {
    return {
      sessions: this.#sessions.totals(),
      refused: { ...this.#admission.refused },
      http: this.#listeners.refusals,
      ...this.#hub.stats,
      history: this.#hub.memory,
    };
  }

  /**
   * Accepts nobody new, asks the clients to move, waits until they have or the time is up, then closes.
   * @param within ms. @default limits.drainTimeout
   * @throws RangeError for a time outside 0-2147483647
   */
  async drain(within: number = this.#limits.drainTimeout): Promise<void> {
    if (!(within >= 0 && within <= MAX_LIMIT))
      throw new RangeError(`drain takes 0-${MAX_LIMIT} ms, not ${within}`);
    this.#admission.draining = true;
    this.#sessions.drain(Math.ceil(within));
    await this.#emptied(within);
    await this.close();
  }

  /** Closes every session (`going-away`) and frees the ports. Safe to call more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<void> {
    await requireAuthentication(this.#options);
    await this.#hub.start();
    await this.#listeners.open();
  }

  async #close(): Promise<void> {
    this.#phase = 'closed';
    this.#admission.draining = true;
    clearInterval(this.#ticker);
    // What is being bound could not be freed yet.
    await this.#opening?.catch(() => {});
    this.#sessions.closeAll();
    this.#hub.close();
    await this.#listeners.close();
    await this.#broker.close();
  }

  async #emptied(within: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, within);
    const check = setInterval(() => this.#sessions.size === 0 && resolve(), TICK);
    await promise;
    clearTimeout(deadline);
    clearInterval(check);
  }

  #opened(session: SessionHandle): void {
    this.#logger.debug(
      { session: session.id, transport: session.transport, reasons: session.reasons },
      'session opened',
    );
    this.#emit('session', session);
  }

  #detached(session: SessionHandle, code: number, reason: string): void {
    this.#logger.debug({ session: session.id, code, reason }, 'session detached');
    this.#emit('detached', session, code, reason);
  }

  #resumed(session: SessionHandle): void {
    const { id, transport, reasons } = session;
    this.#logger.debug({ session: id, transport, reasons }, 'session resumed');
    this.#emit('resumed', session);
  }

  #closed(session: SessionHandle, code: number, reason: string): void {
    this.#logger.debug({ session: session.id, code, reason }, 'session closed');
    this.#emit('close', session, code, reason);
  }

  #emit<Name extends keyof GatewayEvents>(name: Name, ...args: GatewayEvents[Name]): void {
    const failed = (error: unknown) => this.#logger.error({ err: error, event: name }, 'a listener failed');
    for (const listener of this.#events.listeners(name) as ((...args: unknown[]) => unknown)[]) {
      try {
        const done = listener(...args);
        if (done instanceof Promise) done.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}

function resolveMaxDelay(maxDelay: number = DEFAULTS.maxDelay): number {
  if (!Number.isFinite(maxDelay) || maxDelay < 0 || maxDelay > MAX_DELAY)
    throw new RangeError(`maxDelay takes 0-${MAX_DELAY} ms, not ${String(maxDelay)}`);
  return maxDelay;
}
