import { type Event, encode, type Rung, validChannel } from '@spillway/envelope';
import type {
  Channel,
  CloseInfo,
  PublishOptions,
  RequestOptions,
  Session,
  SessionEvents,
  SessionState,
  TransportInfo,
} from './api.ts';
import { ChannelCore, type ChannelHost } from './channel.ts';
import type { Clock, Undo } from './clock.ts';
import { Connector, type ConnectorHandler } from './connector.ts';
import type { Context } from './context.ts';
import { Emitter } from './emitter.ts';
import { RequestError } from './errors.ts';
import type { Incoming, Link } from './link.ts';
import { openMessage } from './message.ts';
import type { Fate, Outgoing } from './outbox.ts';
import { writePayload } from './payload.ts';
import { Queue } from './queue.ts';
import { Requests, toRequestError } from './requests.ts';
import type { Meter, SessionStats } from './stats.ts';

/** The default for the answer to a request, ms. */
const REQUEST_TIMEOUT = 10_000;

/** What the application sees of a session, and all that outlives its connections: channels, requests, what waits. */
export class SessionCore implements Session, ChannelHost, ConnectorHandler {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly #context: Context;
  readonly #connector: Connector;
  readonly #events: Emitter<SessionEvents>;
  readonly #channels = new Map<string, ChannelCore>();
  readonly #requests: Requests;
  readonly #queue: Queue;
  #id = '';
  #lastId = 0;
  #blaming = false;

  constructor(context: Context) {
    this.clock = context.clock;
    this.meter = context.meter;
    this.#context = context;
    this.#events = new Emitter(this);
    this.#requests = new Requests(this.clock);
    this.#queue = new Queue(context.settings.maxQueuedBytes, this.meter);
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
      if (!validChannel(name)) throw new TypeError(`not a channel: ${name}`);
      channel = new ChannelCore(name, this);
      this.#channels.set(name, channel);
    }
    // Types of payloads are the caller's word; at run time they are what comes.
    return channel as unknown as Channel<Events>;
  }

  async request<Request, Response>(
    type: string,
    payload?: Request,
    { channel = '', timeout = REQUEST_TIMEOUT, signal, codec }: RequestOptions = {},
  ): Promise<Response> {
    if (!this.alive) throw new RequestError('closed');
    const id = this.#nextId();
    const body = writePayload(payload, codec);
    const answer = this.#requests.open(id, timeout, signal);
    try {
      // Not for a signal that was aborted before.
      if (this.#requests.has(id)) this.#send({ kind: 'request', id, channel, type, ...body });
    } catch (error) {
      this.#requests.fail(id, error as Error);
    }
    return (await answer) as Response;
  }

  stats(): SessionStats {
    this.#connector.link?.pinger?.watch();
    let missing = 0;
    for (const channel of this.#channels.values()) missing += channel.missing;
    // A snapshot; of the meter only its counts are its own properties.
    return { ...this.meter, transport: this.transport.name, missing, dropped: { ...this.meter.dropped } };
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
    { delivery = 'reliable', key, codec }: PublishOptions,
  ): boolean {
    if (!this.alive) return false;
    return this.#send({ kind: 'event', channel, type, delivery, key, ...writePayload(payload, codec) });
  }

  ask(kind: 'subscribe' | 'unsubscribe', channel: string): Promise<unknown> | undefined {
    const { link } = this.#connector;
    if (!link) return undefined;
    const id = this.#nextId();
    link.outbox.control({ kind, id, channel });
    return this.#requests.open(id, REQUEST_TIMEOUT, undefined, true);
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

  opened(link: Link): void {
    this.#id = link.welcome!.session;
    for (const channel of this.#channels.values()) channel.connected();
    for (const envelope of this.#queue.take()) {
      if (envelope.kind === 'event' || this.#requests.has(envelope.id)) this.#post(envelope, link);
    }
  }

  lost(code: 'connection-lost' | 'closed' = 'connection-lost'): void {
    for (const channel of this.#channels.values()) channel.disconnected();
    this.#requests.failAll(code, code === 'connection-lost');
  }

  entered(state: SessionState): void {
    if (state === 'closed') {
      this.lost(state);
      for (const channel of this.#channels.values()) channel.close();
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

  incoming(envelope: Incoming): void {
    switch (envelope.kind) {
      case 'event':
        this.#deliver(envelope);
        return;
      case 'response':
      case 'subscribed':
        this.#requests.answer(envelope);
        return;
      case 'error': {
        const error = toRequestError(envelope);
        if (envelope.id === undefined) this.report(error);
        else this.#requests.fail(envelope.id, error);
        return;
      }
      case 'gap':
      case 'drain': {
        const { kind, ...what } = envelope;
        this.#events.emit(kind, what as never);
        return;
      }
      default:
        envelope satisfies never;
    }
  }

  #deliver(event: Event): void {
    if (event.channel !== '') {
      this.#channels.get(event.channel)?.receive(event);
      return;
    }
    const message = openMessage(event, this);
    if (message) this.#events.emit('message', message.type, message.payload, message.meta);
  }

  /** False: it was not taken, and whoever has to know was told. */
  #send(envelope: Outgoing): boolean {
    const { link } = this.#connector;
    if (link) return this.#post(envelope, link);
    const size = encode(envelope, this.#context.settings.encoding).length;
    const fate = this.#queue.push(envelope, size);
    return fate === undefined || this.#refused(envelope, fate);
  }

  #post(envelope: Outgoing, link: Link): boolean {
    const fate = link.outbox.post(envelope);
    if (fate !== 'sent') return this.#refused(envelope, fate);
    if (envelope.kind === 'request') this.#requests.sent(envelope.id);
    return true;
  }

  #refused(envelope: Outgoing, fate: Fate): false {
    const { channel, type } = envelope;
    if (fate === 'backlog') {
      this.meter.drop(fate);
      return false;
    }
    const error = new RequestError(fate, undefined, { details: { channel, type } });
    if (envelope.kind === 'request') this.#requests.fail(envelope.id, error);
    else this.report(error);
    return false;
  }

  #nextId(): string {
    return (++this.#lastId).toString(36);
  }
}
