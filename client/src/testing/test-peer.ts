import {
  type Encoding,
  type Envelope,
  encode,
  type Hello,
  NameTable,
  readPacket,
  type SessionLimits,
  type Welcome,
} from '@spillway/envelope';

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
export interface PeerWire {
  send(bytes: Uint8Array, datagram: boolean): void;
  close(code: number, reason: string): void;
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
}

/** The gateway's end of one connection, in memory. */
export class Peer {
  readonly arrivals: Arrival[] = [];
  readonly names = new NameTable(4_096);
  readonly manners: Manners;
  readonly url: string;
  encoding: Encoding = 'binary';
  /** With what the client closed. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #wire: PeerWire;
  readonly #clock: { wall(): number };
  readonly #id: string;

  constructor(id: string, url: string, wire: PeerWire, clock: { wall(): number }, manners: Partial<Manners>) {
    this.#id = id;
    this.url = url;
    this.#wire = wire;
    this.#clock = clock;
    this.manners = { hello: true, subscribe: true, ping: true, names: true, ...manners };
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
    readPacket(bytes, this.names, (envelope) => {
      this.arrivals.push({ envelope, way });
      this.#answer(envelope);
    });
  }

  send(envelope: Envelope, datagram = false): void {
    this.#wire.send(encode(envelope, this.encoding), datagram);
  }

  sendBytes(bytes: Uint8Array, datagram = false): void {
    this.#wire.send(bytes, datagram);
  }

  welcome(fields: Partial<Welcome> = {}): void {
    this.send({
      kind: 'welcome',
      session: this.#id,
      resumed: false,
      time: this.#clock.wall(),
      limits: LIMITS,
      received: [],
      ...fields,
    });
  }

  event(channel: string, type: string, payload: unknown, fields: object = {}, datagram = false): void {
    const body = { codec: 'json', payload: new TextEncoder().encode(JSON.stringify(payload)) } as const;
    this.send({ kind: 'event', channel, type, delivery: 'reliable', ...body, ...fields }, datagram);
  }

  close(code: number, reason = ''): void {
    this.#wire.close(code, reason);
  }

  #answer(envelope: Envelope): void {
    const { manners } = this;
    if (envelope.kind === 'hello' && manners.hello) {
      this.welcome();
    } else if (envelope.kind === 'subscribe' && manners.subscribe) {
      const { id, channel } = envelope;
      this.send({ kind: 'subscribed', id, channel, epoch: 'e1', seq: 0, recovered: false });
    } else if (envelope.kind === 'unsubscribe' && manners.subscribe) {
      this.send({
        kind: 'response',
        id: envelope.id,
        more: false,
        codec: 'bytes',
        payload: new Uint8Array(0),
      });
    } else if (envelope.kind === 'ping' && manners.ping) {
      this.send({ kind: 'pong', time: envelope.time, now: this.#clock.wall() });
    } else if (envelope.kind === 'names') {
      this.names.define(envelope);
      if (manners.names) this.send({ kind: 'named', count: this.names.count });
    }
  }
}
