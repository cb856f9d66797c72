import { type Message, Receiver, Sender } from '@spillway/delivery';
import {
  CLOSE,
  type Encoding,
  type Envelope,
  type Event,
  encode,
  type Kind,
  NameTable,
  type Outcome,
  readPacket,
  type Welcome,
} from '@spillway/envelope';
import { connectMemory, type MemoryClient, type MemoryOptions } from '../transports/memory.ts';
import { type Bench, type MessageOptions, message } from './fixture.ts';

/** One connection of a resuming client. */
export interface Link {
  readonly pipe: MemoryClient;
  ending: { readonly code: number; readonly reason: string } | undefined;
}

export interface ResumingOptions extends MemoryOptions {
  readonly encoding?: Encoding;
  readonly token?: string;
}

/**
 * A client that keeps its session, as the SDK does: it counts and acknowledges what comes, keeps what it sent until
 * that is acknowledged, and goes on over another connection.
 */
export class ResumingClient {
  /** New envelopes, in order: what its application would see. */
  readonly taken: Envelope[] = [];
  readonly welcomes: Welcome[] = [];
  readonly outcomes = new Map<string, Outcome>();
  readonly links: Link[] = [];
  readonly sender: Sender;
  readonly receiver = new Receiver();
  /** What it resumes with. */
  resumeToken: string | undefined;
  /** Does it acknowledge? */
  acks = true;
  /** Does it close the connection that it has moved away from? */
  closes = true;
  /** Called before each thing that it does or hears. */
  step: () => void = () => {};
  readonly #bench: Bench;
  readonly #options: ResumingOptions;
  readonly #encoding: Encoding;
  readonly #names = new NameTable(65_536);
  #carrier: Link | undefined;
  #attempt: Link | undefined;
  /** Its own, and hurried, so that every ACK is due at once. */
  #now = 0;
  #ids = 0;

  constructor(bench: Bench, options: ResumingOptions = {}) {
    this.#bench = bench;
    this.#options = options;
    this.#encoding = options.encoding ?? 'binary';
    this.sender = new Sender({
      encoding: this.#encoding,
      softBudget: 1_000_000,
      hardBudget: 1_000_000,
      retainBudget: 1_000_000,
      outcomes: { outcome: (id, outcome) => void this.outcomes.set(id, outcome), dropped: () => {} },
    });
  }

  /** The connection in use. */
  get carrier(): Link | undefined {
    return this.#carrier;
  }

  /** Dials, and says HELLO. The connection in use stays until WELCOME comes. */
  connect(options: ResumingOptions = {}): Link {
    const { token, encoding = this.#encoding, ...rest } = { ...this.#options, ...options };
    const pipe: { client?: MemoryClient } = {};
    const link: Link = {
      get pipe() {
        return pipe.client!;
      },
      ending: undefined,
    };
    this.links.push(link);
    this.#attempt = link;
    pipe.client = connectMemory(
      this.#bench.sessions,
      {
        receive: (bytes, reliable) => this.#receive(link, bytes, reliable),
        closed: (code, reason) => {
          link.ending = { code, reason };
          if (link === this.#attempt) this.#attempt = undefined;
          if (link === this.#carrier) this.#lose();
        },
      },
      rest,
    );
    this.step();
    const resume =
      this.resumeToken === undefined
        ? undefined
        : { token: this.resumeToken, received: this.receiver.received() };
    pipe.client.send(
      encode({ kind: 'hello', protocol: 1, client: 'bench', token, resume, reasons: [] }, encoding),
    );
    return link;
  }

  /** Is a connection in use, or about to be? */
  get connected(): boolean {
    return this.#carrier !== undefined || this.#attempt !== undefined;
  }

  events(channel?: string): Event[] {
    return this.taken.filter(
      (envelope): envelope is Event =>
        envelope.kind === 'event' && (channel === undefined || envelope.channel === channel),
    );
  }

  /** Payloads of the events that were new, parsed. */
  payloads(channel?: string): unknown[] {
    return this.events(channel).map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)));
  }

  all<K extends Kind>(kind: K): Extract<Envelope, { kind: K }>[] {
    return this.taken.filter((one): one is Extract<Envelope, { kind: K }> => one.kind === kind);
  }

  publish(channel: string, type: string, payload: unknown, options: MessageOptions = {}): void {
    const { delivery = 'reliable', id, key } = options;
    const event: Event = { kind: 'event', channel, type, id, ...message(payload, options) };
    const slot = delivery === 'latest' ? `${channel}\n${type}\n${key ?? ''}` : undefined;
    this.step();
    const sent: Message = { bytes: encode(event, this.#encoding), channel, delivery, slot, id };
    this.sender.publish(sent, this.#bench.clock.exact());
    this.flush();
  }

  request(type: string, payload: unknown): string {
    const id = `r${++this.#ids}`;
    const { codec, payload: bytes } = message(payload, {});
    this.step();
    this.sender.control(
      encode({ kind: 'request', id, channel: '', type, codec, payload: bytes }, this.#encoding),
    );
    return id;
  }

  /** Sends a counted envelope. */
  control(envelope: Envelope): void {
    this.step();
    this.sender.control(encode(envelope, this.#encoding));
  }

  flush(): void {
    this.sender.flush(this.#bench.clock.exact());
    this.#now += 60_000;
    const ack = this.acks && this.#carrier ? this.receiver.ack(this.#now) : undefined;
    if (ack === undefined) return;
    this.step();
    this.sender.sendAck(ack);
  }

  #lose(): void {
    this.#carrier = undefined;
    this.sender.detach();
  }

  #receive(link: Link, bytes: Uint8Array, reliable: boolean): void {
    this.step();
    if (link.ending) return;
    const clock = this.#bench.clock.exact();
    this.#names.clock = clock;
    readPacket(
      bytes,
      this.#names,
      (envelope, packet) => {
        if (envelope.kind === 'welcome') this.#welcomed(link, envelope);
        else if (link !== this.#carrier) return;
        else if (envelope.kind === 'lane') this.receiver.lane(envelope);
        else if (envelope.kind === 'number') this.receiver.number(envelope.number);
        else if (envelope.kind === 'ack') this.sender.acknowledge(envelope, clock);
        else if (this.receiver.take(envelope, packet, this.#now) === 'new') this.#take(envelope);
      },
      (number) => link === this.#carrier && this.receiver.packet(number, this.#now, reliable),
    );
    this.flush();
  }

  #take(envelope: Envelope): void {
    this.taken.push(envelope);
    if (envelope.kind !== 'names') return;
    this.#names.define(envelope);
    this.control({ kind: 'named', count: this.#names.count });
  }

  #welcomed(link: Link, welcome: Welcome): void {
    if (link !== this.#attempt) return;
    const before = this.#carrier;
    this.#attempt = undefined;
    this.#carrier = link;
    this.welcomes.push(welcome);
    this.resumeToken = welcome.resume;
    this.receiver.attach();
    this.step();
    const { pipe } = link;
    const { maxDatagramSize = 1_200 } = this.#options;
    this.sender.attach(
      {
        maxDatagramSize: 0,
        backlog: 0,
        write: (bytes) => pipe.send(bytes),
        closeLane: () => {},
        sendDatagram: (packet) => packet.length <= maxDatagramSize && pipe.sendDatagram(packet),
        openMessage: () => undefined,
      },
      welcome.received,
    );
    // The first word: only now is the token before it worth nothing.
    this.sender.uncounted(encode({ kind: 'ping', time: 0 }, this.#encoding));
    if (this.closes) before?.pipe.close(CLOSE.normal, 'moved');
  }
}
