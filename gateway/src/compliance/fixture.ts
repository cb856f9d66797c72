import { Receiver } from '@spillway/delivery';
import {
  type Codec,
  type Delivery,
  type Encoding,
  type Envelope,
  encode,
  type Hello,
  jsonPayload,
  type Kind,
  NameBook,
  NameTable,
  readPacket,
} from '@spillway/envelope';
import { MemoryBroker } from '../brokers/memory.ts';
import { AdmissionControl } from '../core/admission-control.ts';
import { type ChannelOptions, ChannelRules } from '../core/channel-rules.ts';
import type { Timers } from '../core/clock.ts';
import type { Authenticate } from '../core/connection.ts';
import type { Broker } from '../core/contracts/broker.ts';
import { Hub } from '../core/hub.ts';
import { type Limits, resolveLimits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { originCheck } from '../core/origins.ts';
import { type CborCodec, Payloads } from '../core/payload.ts';
import { RequestHandlers } from '../core/request-handlers.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import { Sessions } from '../core/sessions.ts';
import { connectMemory, type MemoryClient, type MemoryOptions } from '../transports/memory.ts';

/** Time that stands still until it is moved. Its timers go off as it is, in order. */
export class ManualClock implements Timers {
  #now = Date.UTC(2026, 10, 20, 12);
  readonly #timers = new Set<{ readonly at: number; run(): void }>();

  /** Timers that have not gone off. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return Math.floor(this.#now);
  }

  exact(): number {
    return this.#now;
  }

  defer(run: () => void): void {
    setImmediate(run);
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.run();
    }
    this.#now = end;
  }
}

/** Turns of the event loop in which what was done has all its consequences: there, back, and what is deferred. */
const TURNS = 4;

/** Resolves when everything that follows from what was done so far, in memory, has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Remembers what was logged, as `level: message`. */
export class TestLogger implements Logger {
  readonly lines: string[] = [];
  readonly errors: unknown[] = [];

  debug(_fields: object, message: string): void {
    this.lines.push(`debug: ${message}`);
  }

  info(_fields: object, message: string): void {
    this.lines.push(`info: ${message}`);
  }

  warn(_fields: object, message: string): void {
    this.lines.push(`warn: ${message}`);
  }

  error(fields: object, message: string): void {
    this.lines.push(`error: ${message}`);
    this.errors.push((fields as { err?: unknown }).err);
  }
}

export interface BenchOptions {
  readonly limits?: Partial<Limits>;
  readonly authenticate?: Authenticate;
  readonly origins?: readonly string[] | '*';
  readonly broker?: Broker;
  readonly maxDelay?: number;
  readonly cbor?: CborCodec;
}

/** The core of a gateway without sockets: what `createGateway` puts together, on a clock of its own. */
export class Bench {
  readonly clock = new ManualClock();
  readonly logger = new TestLogger();
  readonly limits: Limits;
  readonly rules = new ChannelRules();
  readonly handlers = new RequestHandlers();
  readonly book = new NameBook();
  readonly hub: Hub;
  readonly admission: AdmissionControl;
  readonly sessions: Sessions;
  /** Every session that opened, in order. */
  readonly opened: SessionHandle[] = [];
  /** What the application heard of sessions after they opened, as `detached session-1` or `resumed session-1`. */
  readonly moves: string[] = [];
  /** Every end of an opened session: code and reason. */
  readonly closed: (readonly [code: number, reason: string])[] = [];

  constructor(options: BenchOptions = {}) {
    const { limits, authenticate, origins, broker = new MemoryBroker(), maxDelay = 0, cbor } = options;
    this.limits = resolveLimits(limits);
    let epochs = 0;
    this.hub = new Hub(broker, this.rules, this.book, this.clock, () => `epoch-${++epochs}`, this.limits);
    void this.hub.start();
    this.admission = new AdmissionControl(this.limits, originCheck(origins));
    let ids = 0;
    let tokens = 0;
    this.sessions = new Sessions(
      this.admission,
      {
        limits: this.limits,
        maxDelay,
        clock: this.clock,
        hub: this.hub,
        book: this.book,
        payloads: new Payloads(this.limits.maxMessageBytes, cbor),
        handlers: this.handlers,
        authenticate,
        logger: this.logger,
        newId: () => `session-${++ids}`,
        newToken: () => `token-${++tokens}`,
      },
      {
        opened: (session) => this.opened.push(session),
        detached: ({ id }) => this.moves.push(`detached ${id}`),
        resumed: ({ id }) => this.moves.push(`resumed ${id}`),
        closed: (_session, code, reason) => this.closed.push([code, reason]),
      },
    );
  }

  channel(pattern: string, options: ChannelOptions = {}): this {
    this.rules.declare(pattern, options);
    return this;
  }

  /** A client that has not said anything yet. @throws MemoryRefusedError */
  connect(options: TestClientOptions = {}): TestClient {
    return new TestClient(this, options);
  }

  /** A client in an open session. */
  async join(options: TestClientOptions = {}): Promise<TestClient> {
    const client = this.connect(options);
    await client.hello();
    return client;
  }

  /** Lets time pass, then looks at deadlines once. */
  advance(ms: number): void {
    this.clock.advance(ms);
    this.sessions.tick(this.clock.now());
  }

  /** Publishes as the server does. */
  publish(channel: string, type: string, payload: unknown, options: MessageOptions = {}): void {
    this.hub.publish({ channel, type, ...message(payload, options) }, this.rules.match(channel)?.rule);
  }
}

export interface TestClientOptions extends MemoryOptions {
  /** @default 'binary' */
  readonly encoding?: Encoding;
  /** Does it acknowledge at once what comes? @default true */
  readonly acks?: boolean;
}

export interface MessageOptions {
  readonly delivery?: Delivery;
  readonly codec?: Codec;
  readonly key?: string;
  readonly id?: string;
}

/** One envelope as it reached the client. */
export interface Arrival<E extends Envelope = Envelope> {
  readonly envelope: E;
  /** The bytes that the gateway wrote: two clients that share them got the same object. */
  readonly bytes: Uint8Array;
  readonly reliable: boolean;
  readonly lane: number;
}

type Of<K extends Kind> = Extract<Envelope, { kind: K }>;

/** A client that speaks envelopes over the memory transport and remembers everything. */
export class TestClient {
  readonly arrivals: Arrival[] = [];
  readonly pipe: MemoryClient;
  /** Set once the connection is gone. */
  ending: { readonly code: number; readonly reason: string } | undefined;
  readonly #bench: Bench;
  readonly #encoding: Encoding;
  readonly #acks: boolean;
  readonly #names = new NameTable(65_536);
  readonly #receiver = new Receiver();
  /** Its own, and hurried, so that every ACK is due at once. */
  #now = 0;
  /** Arrivals that `next` has not handed out, by kind in order. */
  readonly #fresh: Arrival[] = [];
  #ids = 0;

  constructor(bench: Bench, { encoding = 'binary', acks = true, ...options }: TestClientOptions) {
    this.#bench = bench;
    this.#encoding = encoding;
    this.#acks = acks;
    this.pipe = connectMemory(
      bench.sessions,
      {
        receive: (bytes, reliable, lane) => this.#receive(bytes, reliable, lane),
        closed: (code, reason) => {
          this.ending = { code, reason };
        },
      },
      options,
    );
  }

  /** Kinds of everything that arrived, in order. */
  get kinds(): Kind[] {
    return this.arrivals.map(({ envelope }) => envelope.kind);
  }

  /** Payloads of the events that arrived, in order, parsed. */
  get payloads(): unknown[] {
    return this.arrivals.flatMap(({ envelope }) =>
      envelope.kind === 'event' ? [JSON.parse(new TextDecoder().decode(envelope.payload))] : [],
    );
  }

  send(...envelopes: Envelope[]): void {
    for (const envelope of envelopes) this.pipe.send(encode(envelope, this.#encoding));
  }

  sendDatagram(envelope: Envelope): void {
    this.pipe.sendDatagram(encode(envelope, this.#encoding));
  }

  /** The next arrival of this kind that was not taken yet. Fails as soon as nothing more can come by itself. */
  async nextArrival<K extends Kind>(kind: K): Promise<Arrival<Of<K>>> {
    for (let turns = 0; turns < 20; turns++) {
      const index = this.#fresh.findIndex(({ envelope }) => envelope.kind === kind);
      if (index >= 0) return this.#fresh.splice(index, 1)[0] as Arrival<Of<K>>;
      await settled();
    }
    const end = this.ending ? `, closed with ${this.ending.code} '${this.ending.reason}'` : '';
    throw new Error(`no '${kind}' came; arrived: ${this.kinds.join(', ') || 'nothing'}${end}`);
  }

  async next<K extends Kind>(kind: K): Promise<Of<K>> {
    return (await this.nextArrival(kind)).envelope;
  }

  /** The code and reason of the end, which must come by itself. */
  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    for (let turns = 0; turns < 20 && this.ending === undefined; turns++) await settled();
    if (this.ending === undefined) throw new Error('the connection did not end');
    return this.ending;
  }

  async hello(hello: Partial<Hello> = {}): Promise<Of<'welcome'>> {
    this.send({ kind: 'hello', protocol: 1, client: 'bench', reasons: [], ...hello });
    return this.next('welcome');
  }

  async subscribe(channel: string): Promise<Of<'subscribed'>> {
    this.send({ kind: 'subscribe', id: this.#id(), channel });
    return this.next('subscribed');
  }

  async unsubscribe(channel: string): Promise<Of<'response'>> {
    this.send({ kind: 'unsubscribe', id: this.#id(), channel });
    return this.next('response');
  }

  publish(channel: string, type: string, payload: unknown, options: MessageOptions = {}): void {
    const { id } = options;
    this.send({ kind: 'event', channel, type, id, ...message(payload, options) });
  }

  request(type: string, payload: unknown, options: MessageOptions & { channel?: string } = {}): void {
    const { id = this.#id(), channel = '' } = options;
    const { codec, payload: bytes } = message(payload, options);
    this.send({ kind: 'request', id, channel, type, codec, payload: bytes });
  }

  /** Says that every NAMES so far was taken in. */
  acknowledgeNames(): void {
    this.send({ kind: 'named', count: this.#names.count });
  }

  #id(): string {
    return `auto-${++this.#ids}`;
  }

  #receive(bytes: Uint8Array, reliable: boolean, lane: number): void {
    this.#names.clock = this.#bench.clock.now();
    this.#now += 60_000;
    readPacket(
      bytes,
      this.#names,
      (envelope, packet) => {
        if (envelope.kind === 'names') this.#names.define(envelope);
        if (envelope.kind === 'lane') this.#receiver.lane(envelope);
        else if (envelope.kind === 'number') this.#receiver.number(envelope.number);
        else this.#receiver.take(envelope, packet, this.#now);
        const arrival = { envelope, bytes, reliable, lane };
        this.arrivals.push(arrival);
        this.#fresh.push(arrival);
      },
      (number) => this.#receiver.packet(number, this.#now, reliable),
    );
    const ack = this.#receiver.ack(this.#now + 30_000);
    if (ack !== undefined && this.#acks) this.send(ack);
  }
}

/** What a message is made of, with the defaults of a test: JSON, reliable. */
export function message(
  value: unknown,
  { delivery = 'reliable', codec = 'json', key }: MessageOptions,
): { delivery: Delivery; codec: Codec; key: string | undefined; payload: Uint8Array } {
  const payload = value instanceof Uint8Array ? value : jsonPayload(value);
  return { delivery, codec, key, payload };
}
