import { Receiver as Inbound } from '@spillway/delivery';
import { CLOSE, type Envelope, encode, readPacket, VERSION } from '@spillway/envelope';
import type { Acceptor, Admission, Receiver, Transport } from '../core/contracts/transport.ts';
import type { FlushTurn } from '../transports/flush-turn.ts';

/** What a plain session is opened for. */
export interface PlainUser {
  /** The gateway has welcomed it. */
  welcomed(): void;
  /** Every other envelope that is not about the link itself. */
  receive(envelope: Envelope): void;
  /** Bytes taken in and not yet on the wire. */
  readonly backlog: number;
  /** The gateway closes it; nothing comes any more. */
  closing(code: number, reason: string): void;
}

/** While so many bytes wait, nothing more is acknowledged: the session is to see that its client is slow. */
const FULL = 16 * 1024;

/**
 * A session in text for a client that speaks plain HTTP and no envelopes: its other end is in here, so that it is admitted,
 * authorised, limited and counted like any other. It never resumes.
 */
export class PlainSession implements Transport {
  readonly name = 'sse';
  readonly maxDatagramSize = 0;
  readonly #user: PlainUser;
  readonly #turn: FlushTurn;
  readonly #inbound = new Inbound();
  readonly #receiver: Receiver;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #isOver = false;

  /**
   * `admission` has been admitted. `token`: what HELLO says.
   * @throws ProtocolError for a token that HELLO cannot hold; then the admission is as it was.
   */
  constructor(
    acceptor: Acceptor,
    admission: Admission,
    token: string | undefined,
    turn: FlushTurn,
    user: PlainUser,
  ) {
    this.#user = user;
    this.#turn = turn;
    const hello = { kind: 'hello', protocol: VERSION, client: admission.path, token, reasons: [] } as const;
    const bytes = encode(hello, 'json');
    this.#receiver = acceptor.accept(admission, this);
    this.#receiver.receive(bytes, true);
  }

  /** Says what a client would say. @throws ProtocolError for what the wire cannot say. */
  say(envelope: Envelope): void {
    if (!this.#isOver && !this.#closing) this.#receiver.receive(encode(envelope, 'json'), true);
  }

  /** The client wants nothing more, or is gone. */
  leave(): void {
    if (!this.#closing) this.#end(CLOSE.normal, '');
  }

  // Transport: what the session calls.

  get backlog(): number {
    return this.#waitingBytes + this.#user.backlog;
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver || this.#closing) return;
    // The session may be in the middle of something; an answer has to wait for its turn.
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#turn.add(this);
  }

  sendDatagram(): boolean {
    return false;
  }

  openMessage(): undefined {
    return undefined;
  }

  closeLane(): void {
    // A lane in a pipe holds nothing.
  }

  close(code: number, reason: string): void {
    if (this.#isOver || this.#closing) return;
    this.#closing = { code, reason };
    // At once: the server may be about to go. Nothing is said to the session from here on.
    for (const packet of this.#waiting.splice(0)) this.#take(packet);
    this.#user.closing(code, reason);
    this.#turn.add(this);
  }

  /** What was written in one turn is taken in the next. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const packet of waiting) if (!this.#isOver) this.#take(packet);
    this.acknowledge();
    if (this.#closing) this.#end(this.#closing.code, this.#closing.reason);
  }

  /** Says what has arrived, unless too much of it still waits. */
  acknowledge(): void {
    if (this.#user.backlog > FULL) return;
    const ack = this.#inbound.ack(performance.now(), true);
    if (ack) this.say(ack);
  }

  #take(packet: Uint8Array): void {
    readPacket(
      packet,
      undefined,
      (envelope, number) => this.#hear(envelope, number),
      (number) => this.#inbound.packet(number, performance.now(), true),
    );
  }

  #hear(envelope: Envelope, packet: number): void {
    switch (envelope.kind) {
      case 'welcome':
        this.#user.welcomed();
        return;
      case 'ping':
        this.say({ kind: 'pong', time: envelope.time, now: Date.now() });
        return;
      case 'lane':
        this.#inbound.lane(envelope);
        return;
      case 'number':
        this.#inbound.number(envelope.number);
        return;
      case 'expiring':
        this.#expiry = setTimeout(() => this.#expire(), envelope.within).unref();
        return;
      case 'ack':
      case 'pong':
      case 'close':
        return;
      default:
        if (this.#inbound.take(envelope, packet, performance.now()) === 'new') this.#user.receive(envelope);
    }
  }

  /** Just before the gateway would: it keeps the session for a newer token, and here none will come. */
  #expire(): void {
    if (this.#isOver || this.#closing) return;
    this.#user.closing(CLOSE['token-expired'], 'the token has expired');
    this.leave();
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    clearTimeout(this.#expiry);
    this.#isOver = true;
    this.#receiver.closed(code, reason);
  }
}
