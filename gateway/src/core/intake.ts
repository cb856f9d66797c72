import { Receiver } from '@spillway/delivery';
import {
  type Ack,
  type Auth,
  type Encoding,
  type Envelope,
  type Event,
  encodingOf,
  NameTable,
  ProtocolError,
  type Received,
  readPacket,
} from '@spillway/envelope';
import type { ClientMessage } from './dispatch.ts';
import { InboundRate } from './inbound-rate.ts';
import type { Limits } from './limits.ts';
import type { Traffic } from './traffic.ts';

/** Binary packets of several envelopes, or of numbered ones, begin with a byte below this (SPEC.md, section 6). */
const CONTAINERS = 3;

/** Who acts on what comes in. */
export interface IntakeHandler {
  /** False: nothing more is wanted, not even the rest of this packet. */
  readonly listening: boolean;
  /** New, and within the rate. */
  message(message: ClientMessage): void;
  /** The answer to a request is not wanted any more. */
  cancel(id: string): void;
  /** So many parts of an answer are taken by the client's application. */
  taken(id: string, count: number): void;
  /** New, but over the rate. */
  overRate(message: ClientMessage): void;
  /** A newer one of its channel, type and key has come before. */
  stale(event: Event): void;
  acknowledged(ack: Ack, now: number): void;
  ping(time: number): void;
  pong(time: number): void;
  auth(auth: Auth): void;
  /** So many NAMES of the client are taken in. */
  names(count: number): void;
  /** So many NAMES are taken in by the client. */
  named(count: number): void;
  close(code: number, reason: string): void;
  /** More came, for longer, than any client needs. */
  flooded(): void;
  tooLarge(bytes: number): void;
}

/** The way in of one session: reads packets, drops what has come before, and holds the client to its rate. */
export class Intake {
  readonly #limits: Limits;
  readonly #encoding: Encoding;
  readonly #traffic: Traffic;
  readonly #handler: IntakeHandler;
  readonly #receiver = new Receiver();
  readonly #names: NameTable;
  readonly #rate: InboundRate;

  constructor(limits: Limits, encoding: Encoding, traffic: Traffic, handler: IntakeHandler, now: number) {
    this.#limits = limits;
    this.#encoding = encoding;
    this.#traffic = traffic;
    this.#handler = handler;
    this.#names = new NameTable(limits.maxNames);
    this.#rate = new InboundRate(limits, now);
  }

  /** When an ACK is due. */
  get nextAck(): number | undefined {
    return this.#receiver.nextAck;
  }

  /** Another connection carries the session of a client that was heard last at `heardAt`. Returns what has come. */
  attach(heardAt: number, now: number): Received {
    this.#rate.excuse(heardAt, now);
    this.#receiver.attach();
    return this.#receiver.received();
  }

  /** The ACK that is due. `rtt`: the shortest round trip in ms, where it is known. */
  ack(now: number, rtt: number | undefined): Ack | undefined {
    if (rtt !== undefined) this.#receiver.setRtt(rtt);
    return this.#receiver.ack(now);
  }

  /** Takes what came in one frame, message or datagram. @throws ProtocolError */
  read(bytes: Uint8Array, reliable: boolean, now: number): void {
    if (encodingOf(bytes) !== this.#encoding) {
      throw new ProtocolError('bad-value', `this session speaks ${this.#encoding} since its HELLO`);
    }
    const { maxMessageBytes } = this.#limits;
    if (bytes.length > maxMessageBytes && this.#encoding === 'binary' && bytes[0]! >= CONTAINERS) {
      this.#handler.tooLarge(bytes.length);
      return;
    }
    const fits = this.#rate.takeBytes(bytes.length, now);
    readPacket(
      bytes,
      this.#names,
      (envelope, packet) => {
        if (!this.#handler.listening) return;
        this.#traffic.messagesIn++;
        if (reliable || isForDatagrams(envelope)) this.#take(envelope, packet, fits, now);
        else throw new ProtocolError('bad-value', `${envelope.kind} may not travel in a datagram`);
      },
      (number, lazy) => this.#receiver.packet(number, now, reliable, lazy),
    );
  }

  #take(envelope: Envelope, packet: number, fits: boolean, now: number): void {
    switch (envelope.kind) {
      case 'event':
      case 'request':
      case 'response':
      case 'error':
      case 'subscribe':
      case 'unsubscribe': {
        if (envelope.kind === 'error' && envelope.id === undefined)
          throw new ProtocolError('bad-value', 'an error of a client answers a request');
        // Also what is over the rate: both ends must count alike.
        const novelty = this.#receiver.take(envelope, packet, now);
        if (novelty !== 'new') {
          if (novelty === 'stale') this.#handler.stale(envelope as Event);
          this.#upkeep(now);
        } else if (fits && this.#rate.takeMessage(now)) this.#handler.message(envelope);
        // What may be dropped is, without a word; an answer to all else is only given so often.
        else if (isDroppable(envelope) || this.#mayOffend(now)) this.#handler.overRate(envelope);
        return;
      }
      case 'close':
        this.#handler.close(envelope.code, envelope.reason);
        return;
      case 'ack':
        if (this.#rate.takeAck(now) || this.#mayOffend(now)) this.#handler.acknowledged(envelope, now);
        return;
      default:
        if (this.#upkeep(now)) this.#keepUp(envelope, packet, now);
    }
  }

  /** What the two ends say to each other on their own account. It is never refused: both rely on it. */
  #keepUp(
    envelope: Exclude<Envelope, ClientMessage | { kind: 'close' | 'ack' }>,
    packet: number,
    now: number,
  ): void {
    switch (envelope.kind) {
      case 'lane':
        this.#receiver.lane(envelope);
        return;
      case 'number':
        this.#receiver.number(envelope.number);
        return;
      case 'ping':
        this.#handler.ping(envelope.time);
        return;
      case 'pong':
        this.#handler.pong(envelope.time);
        return;
      case 'names':
        if (this.#receiver.take(envelope, packet, now) !== 'new') return;
        this.#names.define(envelope);
        this.#handler.names(this.#names.count);
        return;
      case 'named':
        if (this.#receiver.take(envelope, packet, now) === 'new') this.#handler.named(envelope.count);
        return;
      case 'auth':
        this.#handler.auth(envelope);
        return;
      case 'cancel':
        if (this.#receiver.take(envelope, packet, now) === 'new') this.#handler.cancel(envelope.id);
        return;
      case 'taken':
        if (this.#receiver.take(envelope, packet, now) === 'new')
          this.#handler.taken(envelope.id, envelope.count);
        return;
      case 'hello':
      case 'welcome':
      case 'subscribed':
      case 'gap':
      case 'receipt':
      case 'drain':
      case 'expiring':
        throw new ProtocolError('bad-value', `a client does not send ${envelope.kind} here`);
      default:
        envelope satisfies never;
    }
  }

  /** False: the session is over. */
  #upkeep(now: number): boolean {
    return this.#rate.takeUpkeep(now) || this.#mayOffend(now);
  }

  #mayOffend(now: number): boolean {
    const may = this.#rate.strike(now);
    if (!may) this.#handler.flooded();
    return may;
  }
}

function isForDatagrams(envelope: Envelope): boolean {
  const { kind } = envelope;
  return isDroppable(envelope) || kind === 'ack' || kind === 'ping' || kind === 'pong';
}

function isDroppable(envelope: Envelope): boolean {
  return envelope.kind === 'event' && (envelope.delivery === 'latest' || envelope.delivery === 'unreliable');
}
