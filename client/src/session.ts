import { type Answers, type Inquiry, PartCount, Parts } from '@spillway/delivery';
import type { Cancel, Event, Hello, Outcome, Response, Rung, Stage, Taken } from '@spillway/envelope';
import { encode, jsonPayload, validPattern } from '@spillway/envelope';
import type {
  Channel,
  CloseInfo,
  HistoryOptions,
  Position,
  PublishOptions,
  RequestOptions,
  Session,
  SessionEvents,
  SessionState,
  StreamOptions,
  TransportInfo,
} from './api.ts';
import { ChannelCore, type ChannelHost } from './channel.ts';
import type { Clock, Undo } from './clock.ts';
import { Connector, type ConnectorHandler } from './connector.ts';
import type { Context } from './context.ts';
import { Courier, type CourierHost, type Incoming } from './courier.ts';
import { Emitter } from './emitter.ts';
import { RequestError } from './errors.ts';
import { Handlers } from './handlers.ts';
import { type RawPage, readPage } from './history.ts';
import type { Link } from './link.ts';
import { openMessage } from './message.ts';
import type { Inbound } from './options.ts';
import { type Outgoing, SOFT_BUDGET } from './outbox.ts';
import { writePayload } from './payload.ts';
import { Queue } from './queue.ts';
import { receiptOf } from './receipt.ts';
import { Refresher } from './refresher.ts';
import { type Forsaken, Requests, type RequestTerms, toRequestError } from './requests.ts';
import { Routes } from './routes.ts';
import type { Meter, SessionStats } from './stats.ts';

/** The default for the answer to a request, ms. */
const REQUEST_TIMEOUT = 10_000;

/** What the application sees of a session, and all that outlives its connections: channels, requests, what waits. */
export class SessionCore implements Session, ChannelHost, ConnectorHandler, CourierHost {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly #context: Context;
  readonly #connector: Connector;
  readonly #events: Emitter<SessionEvents>;
  readonly #channels = new Map<string, ChannelCore>();
  readonly #routes = new Routes<ChannelCore>();
  readonly #requests: Requests;
  readonly #refresher: Refresher;
  readonly #handlers: Handlers;
  /** To the gateway's requests in its session. */
  #answers: Answers | undefined;
  readonly #queue: Queue;
  /** The gateway's session; undefined while there is none to go on with. */
  #courier: Courier | undefined;
  /** For `drained` calls that wait. */
  #room: PromiseWithResolvers<void> | undefined;
  #id = '';
  #lastId = 0;
  #blaming = false;

  constructor(context: Context) {
    this.clock = context.clock;
    this.meter = context.meter;
    this.#context = context;
    this.#events = new Emitter(this);
    this.#requests = new Requests(this.clock);
    const link = (): Link | undefined => this.#connector.link;
    const isAlive = (): boolean => this.alive;
    this.#refresher = new Refresher(context.tokens, this.#requests, {
      get alive() {
        return isAlive();
      },
      get link() {
        return link();
      },
      nextId: () => this.#nextId(),
      report: (error) => this.report(error),
    });
    const hasRoom = (): boolean => this.#hasRoom;
    this.#handlers = new Handlers({
      get hasRoom() {
        return hasRoom();
      },
      answer: (envelope) => this.#courier?.answer(envelope) ?? 'dropped',
      check: (what, payload) => this.check(what, payload),
      blame: (error) => this.blame(error),
    });
    this.#queue = new Queue(context.settings.maxQueuedBytes, (envelope, name) => {
      this.meter.drop(name);
      if (envelope.id) this.outcome(envelope.id, name === 'backlog' ? 'dropped' : name);
    });
    this.#connector = new Connector(context, this);
  }

  /** The first connection. Rejects with `ConnectError`, after which nothing of the session is left. */
  open(): Promise<void> {
    return this.#connector.open();
  }

  // Session: what the application calls.

  get id(): string {
    return this.#id;
  }

  get state(): SessionState {
    return this.#connector.state;
  }

  get transport(): TransportInfo {
    return this.#connector.transport;
  }

  on<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): Undo {
    return this.#events.on(name, listener);
  }

  off<Name extends keyof SessionEvents>(name: Name, listener: (...args: SessionEvents[Name]) => void): void {
    this.#events.off(name, listener);
  }

  channel<Events extends object = Record<string, unknown>>(name: string): Channel<Events> {
    let channel = this.#channels.get(name);
    if (!channel) {
      if (!validPattern(name)) throw new TypeError(`not a channel: ${name}`);
      channel = new ChannelCore(name, this);
      this.#channels.set(name, channel);
      if (/[+#]/.test(name)) this.#routes.add(channel);
    }
    // Types of payloads are the caller's word; at run time they are what comes.
    return channel as unknown as Channel<Events>;
  }

  async request<Request, Response>(
    type: string,
    payload?: Request,
    { channel = '', timeout = REQUEST_TIMEOUT, signal, codec, id, progress }: RequestOptions = {},
  ): Promise<Response> {
    const body = writePayload(payload, codec);
    if (id !== undefined && isOwnId(id)) throw new TypeError(`'${id}' is an id of the session's own`);
    if (id !== undefined && this.#requests.has(id)) throw new RequestError('duplicate-id');
    const given = id ?? this.#nextId();
    const count = new PartCount((taken) => this.#tell({ kind: 'taken', id: given, count: taken }));
    const progressed = progress && this.#guarded(progress);
    const part = (value: unknown): void => {
      count.take();
      progressed?.(this.check({ kind: 'part', type, channel }, value));
    };
    const cancel = (why: Forsaken): void => {
      // Who gave it an id may ask again, and then wants the answer.
      if (why === 'aborted' || id === undefined) this.#tell({ kind: 'cancel', id: given });
    };
    const terms = { timeout, signal, part, cancel };
    const asked = (): Outgoing => ({ kind: 'request', id: given, channel, type, ...body });
    const answer = await this.#await(asked, terms, given);
    return this.check({ kind: 'response', type, channel }, answer) as Response;
  }

  stream<Part, Answer>(
    type: string,
    payload?: unknown,
    { channel = '', timeout = REQUEST_TIMEOUT, signal, codec }: StreamOptions = {},
  ): AsyncIterableIterator<Part, Answer, void> {
    const body = writePayload(payload, codec);
    const id = this.#nextId();
    const parts = new Parts({
      taken: (count) => this.#requests.has(id) && this.#tell({ kind: 'taken', id, count }),
      left: () => this.#requests.drop(id, 'aborted'),
      waits: () => this.clock.after(timeout, () => this.#requests.drop(id, 'timeout')),
    });
    const part = (value: unknown): void => {
      const checked = this.check({ kind: 'part', type, channel }, value);
      if (!parts.push(checked)) this.#requests.drop(id, 'overrun');
    };
    const cancel = (): void => this.#tell({ kind: 'cancel', id });
    this.#await(() => ({ kind: 'request', id, channel, type, ...body }), { signal, part, cancel }, id)
      .then((answer) => parts.end(this.check({ kind: 'response', type, channel }, answer)))
      .catch((error) => parts.fail(error));
    // Types of payloads are the caller's word.
    return parts as AsyncIterableIterator<Part, Answer, void>;
  }

  handle<Payload>(type: string, handler: (payload: Payload, context: Inquiry) => unknown): Undo {
    return this.#handlers.add(type, handler);
  }

  stats(): SessionStats {
    this.#connector.link?.pinger.watch();
    let missing = 0;
    for (const channel of this.#channels.values()) missing += channel.missing;
    const { pending = 0, retained = 0, inFlight = 0, rtt } = this.#courier?.stats ?? {};
    return {
      // A snapshot; of the meter only its counts are its own properties.
      ...this.meter,
      transport: this.transport.name,
      missing,
      dropped: { ...this.meter.dropped },
      pending: pending + this.#queue.bytes,
      unacknowledged: retained,
      inFlight,
      smoothedRtt: rtt,
    };
  }

  refresh(token: string): Promise<void> {
    return this.#refresher.refresh(token);
  }

  async switchTo(transports: readonly Rung[]): Promise<void> {
    await this.#connector.switchTo(transports);
  }

  close(): Promise<void> {
    return this.#connector.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ChannelHost: what channels call.

  get alive(): boolean {
    return this.state !== 'closed';
  }

  publish(
    channel: string,
    type: string,
    payload: unknown,
    { delivery = 'reliable', key, codec, maxAge, oversize, receipt, reply }: PublishOptions,
  ): boolean | Promise<unknown> {
    const event = (id?: string): Outgoing => {
      const body = writePayload(payload, codec);
      return { kind: 'event', channel, type, delivery, key, maxAge, oversize, id, ...body };
    };
    if (reply) return this.#await(event, { orElse: 'gap', heard: silence, reply }).then(replyOf);
    if (receipt) {
      const listener = typeof receipt === 'function' && this.#guarded(receipt);
      const heard = receiptOf(listener || receipt);
      const outcome = this.#await(event, { orElse: 'gap', heard }) as Promise<Outcome>;
      if (!listener) return outcome;
      outcome.catch((error: RequestError) => listener('failed', error));
      return this.alive && this.#hasRoom;
    }
    return this.alive && this.#send(event()) && this.#hasRoom;
  }

  async drained(): Promise<void> {
    if (!this.alive) throw new RequestError('closed');
    if (this.#hasRoom) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
  }

  ask(kind: 'subscribe' | 'unsubscribe', channel: string, since?: Position): Promise<unknown> | undefined {
    const isOpen = this.#connector.link !== undefined;
    const courier = this.#courier;
    // The gateway may keep a subscription while we are away, so it hears of its end; for a new one there is time.
    if (!courier || (kind === 'subscribe' && !isOpen)) return undefined;
    const id = this.#nextId();
    courier.control(kind === 'subscribe' ? { kind, id, channel, since } : { kind, id, channel });
    if (kind === 'unsubscribe') courier.leave(channel);
    return isOpen ? this.#requests.open(id, { timeout: REQUEST_TIMEOUT, sent: true }) : undefined;
  }

  inquire(channel: string, asked: object): Promise<unknown> {
    return this.request('$presence', asked, { channel });
  }

  async page(channel: string, query: HistoryOptions): Promise<RawPage> {
    const body = { codec: 'json', payload: jsonPayload(query) } as const;
    const page = this.#await((id) => ({ kind: 'request', id, channel, type: '$history', ...body }), {
      timeout: REQUEST_TIMEOUT,
      raw: true,
    });
    return readPage((await page) as Response);
  }

  lacks(channel: string, from: number, to: number | undefined): void {
    this.#events.emit('gap', { channel, from, to });
  }

  check(what: Inbound, payload: unknown): unknown {
    const { check } = this.#context.settings;
    try {
      return check ? check(what, payload) : payload;
    } catch (cause) {
      const { message, details } = cause as { message?: string; details?: object };
      const { channel, type } = what;
      throw new RequestError('invalid-payload', message, { cause, details: { channel, type, ...details } });
    }
  }

  report(error: RequestError): void {
    this.#events.emit('error', error);
  }

  blame(error: unknown): void {
    // A listener of errors that throws itself must not be asked again.
    if (this.#blaming || !this.#events.has('error')) {
      const { report } = this.#context;
      report(error);
      return;
    }
    this.#blaming = true;
    this.report(new RequestError('listener-failed', undefined, { cause: error }));
    this.#blaming = false;
  }

  // ConnectorHandler: what the connector calls.

  resume(): Hello['resume'] {
    return this.#courier?.resume;
  }

  opened(link: Link): void {
    const { session, resumed, limits } = link.welcome!;
    if (this.#courier && link.resumes && resumed) this.meter.resumes++;
    else {
      this.#forget();
      this.#courier = new Courier(this.#context, this, limits);
      this.#answers = this.#handlers.open();
    }
    const courier = this.#courier;
    this.#id = session;
    try {
      courier.attach(link);
    } catch (error) {
      link.violation((error as Error).message);
      return;
    }
    this.#refresher.opened(link);
    for (const channel of this.#channels.values()) channel.connected();
    for (const envelope of this.#queue.take(this.clock.now())) {
      if (!envelope.id || this.#requests.has(envelope.id)) this.#send(envelope);
    }
  }

  receive(bytes: Uint8Array, reliable: boolean): void {
    this.#courier!.receive(bytes, reliable);
  }

  lost(): void {
    this.#courier?.detach();
    if (!this.#courier?.resume) this.#forget();
  }

  entered(state: SessionState): void {
    if (state === 'closed') {
      this.#requests.close();
      this.#answers?.close();
      this.#courier?.end();
      for (const channel of this.#channels.values()) channel.close();
      this.#room?.reject(new RequestError('closed'));
    }
    this.#events.emit('state', state);
  }

  carriedBy(transport: TransportInfo): void {
    this.#events.emit('transport', transport);
  }

  closed(info: CloseInfo): void {
    if (info.error instanceof RequestError) this.report(info.error);
    this.#events.emit('close', info);
    this.#events.clear();
  }

  // CourierHost: what the courier calls.

  incoming(envelope: Incoming): void {
    switch (envelope.kind) {
      case 'event':
        this.#deliver(envelope);
        return;
      case 'response':
      case 'subscribed':
      case 'receipt':
        this.#requests.answer(envelope);
        return;
      case 'request':
        this.#answers!.take(envelope);
        return;
      case 'cancel':
        this.#answers!.cancel(envelope.id);
        return;
      case 'taken':
        this.#answers!.taken(envelope.id, envelope.count);
        return;
      case 'error': {
        const error = toRequestError(envelope);
        if (envelope.id === undefined) this.#failed(error);
        else this.#requests.fail(envelope.id, error);
        return;
      }
      case 'gap': {
        const { channel, from, to } = envelope;
        const its = this.#channels.get(channel);
        if (its) its.gap(from, to);
        else this.lacks(channel, from, to);
        return;
      }
      case 'drain':
        this.#connector.drain(envelope.within);
        this.#events.emit('drain', { within: envelope.within });
        return;
      case 'expiring':
        this.#events.emit('tokenExpiring', { within: envelope.within });
        void this.#refresher.expiring();
        return;
      default:
        envelope satisfies never;
    }
  }

  outcome(id: string, outcome: Outcome): void {
    this.#requests.told(id, outcome);
  }

  flushed(): void {
    this.#answers?.room();
    if (!this.#room || !this.#hasRoom) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  get #hasRoom(): boolean {
    const { pending = 0, retained = 0 } = this.#courier?.stats ?? {};
    return pending + retained + this.#queue.bytes < SOFT_BUDGET;
  }

  /** The gateway's session is over, ours goes on with another. */
  #forget(): void {
    const courier = this.#courier;
    if (!courier) return;
    this.#courier = undefined;
    this.#answers?.close();
    const unconfirmed = courier.end();
    this.#requests.abandon();
    for (const channel of this.#channels.values()) channel.disconnected();
    this.report(new RequestError('session-lost', undefined, { details: { unconfirmed } }));
  }

  /** What nobody waits for: a publication was refused, or, where no type is named, a subscription revoked. */
  #failed(error: RequestError): void {
    const { channel, type } = (error.details ?? {}) as { channel?: string; type?: string };
    const its = this.#channels.get(channel ?? '');
    if (type === undefined && its) its.refused(error);
    else if (type === '$presence' && its) its.presence.refused(error);
    else this.report(error);
  }

  #deliver(event: Event): void {
    if (event.channel !== '') {
      this.#channels.get(event.channel)?.receive(event);
      for (const pattern of this.#routes.find(event.channel)) pattern.receive(event);
      return;
    }
    const message = openMessage(event, this);
    if (message) this.#events.emit('message', message.type, message.payload, message.meta);
  }

  /** Sends what gets an id, and waits for what becomes of it. */
  async #await(write: (id: string) => Outgoing, terms: RequestTerms, id = this.#nextId()): Promise<unknown> {
    if (!this.alive) throw new RequestError('closed');
    const answer = this.#requests.open(id, terms);
    try {
      // Not for a signal that was aborted before.
      if (this.#requests.has(id)) this.#send(write(id));
    } catch (error) {
      this.#requests.fail(id, error as Error);
    }
    return answer;
  }

  /** False: it was dropped or not taken, and whoever has to know was told. */
  #send(envelope: Outgoing): boolean {
    const { channel, type, id } = envelope;
    const { encoding } = this.#context.settings;
    const courier = this.#connector.link && this.#courier;
    const fate = courier
      ? courier.post(envelope)
      : this.#queue.push(envelope, encode(envelope, encoding).length, this.clock.now());
    if (fate !== 'sent') {
      const error = new RequestError(fate, undefined, { details: { channel, type } });
      if (id) this.#requests.fail(id, error);
      else if (fate !== 'dropped') this.report(error);
      return false;
    }
    if (id && courier) this.#requests.sent(id);
    return true;
  }

  /** The same, where what it throws is its own error. */
  #guarded<Args extends unknown[]>(listener: (...args: Args) => void): (...args: Args) => void {
    return (...args) => {
      try {
        listener(...args);
      } catch (error) {
        this.blame(error);
      }
    };
  }

  /** Tells the gateway about a request, where it is still there to hear it. */
  #tell(envelope: Cancel | Taken): void {
    this.#courier?.control(envelope);
  }

  #nextId(): string {
    return (++this.#lastId).toString(36);
  }
}

/** What became of a publication whose publisher waits for an answer, where there is none. */
class Silence {
  readonly outcome: Outcome | Stage;

  constructor(outcome: Outcome | Stage) {
    this.outcome = outcome;
  }
}

function silence(outcome: Outcome | Stage): Silence | undefined {
  return outcome === 'received' ? undefined : new Silence(outcome);
}

function replyOf(answer: unknown): unknown {
  if (!(answer instanceof Silence)) return answer;
  const { outcome } = answer;
  if (outcome === 'delivered' || outcome === 'processed') return undefined;
  throw new RequestError(outcome);
}

/** Could it be the next that we make? */
function isOwnId(id: string): boolean {
  return /^[0-9a-z]{1,11}$/.test(id);
}
