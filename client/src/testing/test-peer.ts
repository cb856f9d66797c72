import { isCounted, type MessageStream, type Port } from '@spillway/delivery';
import {
  CLOSE,
  type Encoding,
  type Envelope,
  encode,
  type Hello,
  NameTable,
  NOTHING_RECEIVED,
  readPacket,
  type SessionLimits,
  type Welcome,
} from '@spillway/envelope';
import type { Clock } from '../clock.ts';
import type { GatewaySession, TestGateway } from './test-gateway.ts';

export const LIMITS: SessionLimits = {
  maxMessageBytes: 65_536,
  messagesPerSecond: 500,
  bytesPerSecond: 1_048_576,
  subscriptionsPerSession: 128,
  maxNames: 4_096,
  pingInterval: 10_000,
  idleTimeout: 30_000,
};

/** The wire under a peer. */
export interface PeerWire extends Omit<Port, 'backlog'> {
  /** The gateway's end closes, and the client hears of it. */
  close(code: number, reason: string): void;
  /** It breaks, and the client hears of that. */
  cut(): void;
}

/** What a peer takes from its world. */
export interface PeerWorld {
  readonly gateway: TestGateway;
  readonly clock: Clock;
  readonly manners: Partial<Manners>;
}

/** Where one envelope came in. */
export interface Arrival {
  readonly envelope: Envelope;
  /** The channel of the lane it came on where lanes are streams; `datagram`, `pipe`, `control`, `message`. */
  readonly way: string;
}

/** What a gateway does of its own accord; a test switches off what it wants to do itself. */
export interface Manners {
  hello: boolean;
  subscribe: boolean;
  ping: boolean;
  names: boolean;
  /** Does it keep sessions? */
  resume: boolean;
  /** Do datagrams arrive, in either direction? */
  datagrams: boolean;
}

/** The gateway's end of one connection, in memory. */
export class Peer implements Port {
  readonly arrivals: Arrival[] = [];
  readonly manners: Manners;
  readonly url: string;
  encoding: Encoding = 'binary';
  /** With what the client closed. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** Nothing passes any more, in either direction, and nobody is told: a path that is dead. */
  silent = false;
  /** The session that it carries, or carried: since WELCOME. */
  session: GatewaySession | undefined;
  readonly #names = new NameTable(4_096);
  readonly #wire: PeerWire;
  readonly #world: PeerWorld;
  readonly #id: string;

  constructor(id: string, url: string, wire: PeerWire, world: PeerWorld) {
    this.#id = id;
    this.url = url;
    this.#wire = wire;
    this.#world = world;
    this.manners = {
      hello: true,
      subscribe: true,
      ping: true,
      names: true,
      resume: true,
      datagrams: true,
      ...world.manners,
    };
  }

  /** The client's names: the session's, which go on with it. */
  get names(): NameTable {
    return this.session?.names ?? this.#names;
  }

  get received(): Envelope[] {
    return this.arrivals.map(({ envelope }) => envelope);
  }

  /** The envelopes of one kind, in order. */
  of<K extends Envelope['kind']>(kind: K): Extract<Envelope, { kind: K }>[] {
    return this.received.filter(
      (envelope): envelope is Extract<Envelope, { kind: K }> => envelope.kind === kind,
    );
  }

  get hello(): Hello | undefined {
    return this.of('hello')[0];
  }

  /** What the client sent. */
  take(bytes: Uint8Array, way: string): void {
    if (this.silent || (way === 'datagram' && !this.manners.datagrams)) return;
    readPacket(
      bytes,
      this.names,
      (envelope, packet) => {
        this.arrivals.push({ envelope, way });
        const { session } = this;
        if (!session || (session.heard(this) && session.take(envelope, packet))) this.#answer(envelope);
      },
      (number) => !this.session?.heard(this) || this.session.packet(number, way !== 'datagram'),
    );
  }

  /** The client closed. */
  hangUp(code: number, reason: string): void {
    if (this.silent) return;
    this.closed = { code, reason };
    this.session?.lost(this, code);
  }

  // Port: what the session's sender writes to.

  get maxDatagramSize(): number {
    return this.#wire.maxDatagramSize;
  }

  get backlog(): number {
    return 0;
  }

  write(bytes: Uint8Array, lane: number): void {
    if (!this.silent) this.#wire.write(bytes, lane);
  }

  closeLane(lane: number): void {
    if (!this.silent) this.#wire.closeLane(lane);
  }

  sendDatagram(packet: Uint8Array): boolean {
    // What gets lost on its way was sent.
    if (this.silent || !this.manners.datagrams) return this.maxDatagramSize > 0;
    return this.#wire.sendDatagram(packet);
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    return this.silent ? { done: true, reset: () => {} } : this.#wire.openMessage(frames);
  }

  /**
   * Sends an envelope: after WELCOME one that is counted belongs to the session, and comes over its next connection
   * where this one is lost. `datagram`: as it is, in one, where there are any.
   */
  send(envelope: Envelope, datagram = false): void {
    const bytes = encode(envelope, this.encoding);
    if (datagram && this.sendDatagram(bytes)) return;
    if (this.session && (isCounted(envelope) || envelope.kind === 'event')) this.session.send(envelope);
    else this.write(bytes, 0);
  }

  /** Sends bytes that the session does not know of, whatever they are: acknowledgements mean nothing from then on. */
  sendBytes(bytes: Uint8Array, datagram = false): void {
    if (this.session) this.session.isRaw = true;
    if (!(datagram && this.sendDatagram(bytes))) this.write(bytes, 0);
  }

  /** Answers HELLO: with a session that goes on, where it names one that the gateway has. */
  welcome(fields: Partial<Welcome> = {}): void {
    const { gateway, clock } = this.#world;
    const resume = this.manners.resume ? this.hello?.resume : undefined;
    const known = gateway.find(resume, this.encoding);
    const session = known ?? gateway.begin(this.#id, this.encoding);
    this.session = session;
    this.send({
      kind: 'welcome',
      session: session.id,
      resume: this.manners.resume ? session.giveToken() : undefined,
      resumed: known !== undefined,
      time: clock.wall(),
      limits: LIMITS,
      received: known ? session.receiver.received() : NOTHING_RECEIVED,
      ...fields,
    });
    session.attach(this, known && resume);
  }

  event(channel: string, type: string, payload: unknown, fields: object = {}, datagram = false): void {
    const body = { codec: 'json', payload: new TextEncoder().encode(JSON.stringify(payload)) } as const;
    this.send({ kind: 'event', channel, type, delivery: 'reliable', ...body, ...fields }, datagram);
  }

  /** The gateway closes: with a code from 4500 the session waits for the client, else it is over. */
  close(code: number, reason = ''): void {
    this.session?.lost(this, code);
    if (!this.silent) this.#wire.close(code, reason);
  }

  /** The connection breaks, and both ends know. */
  cut(): void {
    this.session?.lost(this, CLOSE['transport-lost']);
    this.#wire.cut();
  }

  #answer(envelope: Envelope): void {
    const { manners } = this;
    if (envelope.kind === 'hello' && manners.hello) {
      this.welcome();
    } else if (envelope.kind === 'subscribe' && manners.subscribe) {
      const { id, channel } = envelope;
      this.send({ kind: 'subscribed', id, channel, epoch: 'e1', seq: 0, recovered: false, history: false });
    } else if (envelope.kind === 'unsubscribe' && manners.subscribe) {
      this.send({
        kind: 'response',
        id: envelope.id,
        more: false,
        codec: 'bytes',
        payload: new Uint8Array(0),
      });
    } else if (envelope.kind === 'ping' && manners.ping) {
      this.send({ kind: 'pong', time: envelope.time, now: this.#world.clock.wall() });
    } else if (envelope.kind === 'names') {
      this.names.define(envelope);
      if (manners.names) this.send({ kind: 'named', count: this.names.count });
    }
  }
}
