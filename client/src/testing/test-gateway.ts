import { type DropName, isCounted, type Outcomes, Receiver, Sender } from '@spillway/delivery';
import {
  CLOSE,
  type Encoding,
  type Envelope,
  encode,
  type Hello,
  NameTable,
  type Outcome,
} from '@spillway/envelope';
import type { Clock } from '../clock.ts';
import type { Peer } from './test-peer.ts';

/** What a gateway session keeps for a client that is away, bytes. */
const RETAIN_BUDGET = 1_048_576;

/** What the peers of a world share: the sessions that they carry. */
export class TestGateway {
  readonly sessions: GatewaySession[] = [];
  /** Of sessions that begin from now on. */
  retainBudget = RETAIN_BUDGET;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends every session without a word: their tokens are unknown from now on. Connections stay as they are. */
  forget(): void {
    for (const session of this.sessions) session.end();
  }

  /** The session that HELLO asks for; undefined where there is none, or none of it. */
  find(resume: Hello['resume'], encoding: Encoding): GatewaySession | undefined {
    return this.sessions.find(
      (session) => resume && session.accepts(resume.token) && session.encoding === encoding,
    );
  }

  begin(id: string, encoding: Encoding): GatewaySession {
    const session = new GatewaySession(id, this.#clock, encoding, this.retainBudget);
    this.sessions.push(session);
    return session;
  }
}

/**
 * The gateway's side of one session, over its connections. It has no timers: it acknowledges and sends at the end of
 * each turn in which something happened, or where a test calls `flush`.
 */
export class GatewaySession implements Outcomes {
  readonly id: string;
  readonly encoding: Encoding;
  readonly sender: Sender;
  readonly receiver = new Receiver();
  readonly names = new NameTable(4_096);
  /** What came, each envelope once, over whatever connections. */
  readonly taken: Envelope[] = [];
  /** What became of messages that `publish` gave an id. */
  readonly outcomes = new Map<string, Outcome>();
  readonly drops: DropName[] = [];
  /** How often it was resumed. */
  resumes = 0;
  /** False: what comes is not acknowledged. */
  acknowledges = true;
  ended = false;
  /** Bytes went out that the sender does not know of, so acknowledgements may be too many. */
  isRaw = false;
  readonly #clock: Clock;
  #carrier: Peer | undefined;
  /** Carried it before, until the client has spoken to the carrier. */
  #previous: Peer | undefined;
  #isProven = true;
  /** The last one that the client has shown to have, and all given since. */
  readonly #tokens: string[] = [];
  #given = 0;
  #inTurn = false;

  constructor(id: string, clock: Clock, encoding: Encoding, retainBudget: number) {
    this.id = id;
    this.encoding = encoding;
    this.#clock = clock;
    const budget = 1_048_576;
    this.sender = new Sender({
      encoding,
      softBudget: budget,
      hardBudget: 4 * budget,
      retainBudget,
      outcomes: this,
    });
  }

  /** The connection that carries it. */
  get carrier(): Peer | undefined {
    return this.#carrier;
  }

  /** New events of the client, in order. */
  get events(): Extract<Envelope, { kind: 'event' }>[] {
    return this.taken.filter((envelope) => envelope.kind === 'event');
  }

  accepts(token: string): boolean {
    return !this.ended && this.#tokens.includes(token);
  }

  /** A token for WELCOME. */
  giveToken(): string {
    const token = `${this.id}-token-${++this.#given}`;
    this.#tokens.push(token);
    return token;
  }

  /** `peer` has said WELCOME: it carries the session from here on. `resume`: what the client asked to go on with. */
  attach(peer: Peer, resume: Hello['resume']): void {
    if (resume) this.resumes++;
    this.#previous = this.#carrier;
    this.#carrier = peer;
    this.#isProven = false;
    this.receiver.attach();
    for (const gap of this.sender.attach(peer, resume?.received)) this.send(gap);
    this.#turn();
  }

  /** A connection is gone. `code`: what the client closed with, or the gateway. */
  lost(peer: Peer, code: number): void {
    if (peer === this.#previous) this.#previous = undefined;
    if (peer !== this.#carrier) return;
    this.#carrier = undefined;
    this.sender.detach();
    if (code < 4_500) this.end();
    // The client never spoke to it, and so goes on with the one before; which is gone here.
    if (!this.#isProven) this.#previous?.cut();
  }

  end(): void {
    this.ended = true;
  }

  /** The client was heard on `peer`. False: another carries the session. */
  heard(peer: Peer): boolean {
    if (peer !== this.#carrier) return false;
    if (!this.#isProven) {
      this.#isProven = true;
      this.#tokens.splice(0, this.#tokens.length - 1);
      this.#previous?.close(CLOSE.normal, 'moved');
      this.#previous = undefined;
    }
    return true;
  }

  /** The number of a packet. False: it has come before. */
  packet(number: number, isReliable: boolean): boolean {
    this.#turn();
    return this.receiver.packet(number, this.#clock.now(), isReliable);
  }

  /** True: it is new, and to be answered. */
  take(envelope: Envelope, packet: number): boolean {
    const now = this.#clock.now();
    this.#turn();
    switch (envelope.kind) {
      case 'lane':
        this.receiver.lane(envelope);
        return false;
      case 'number':
        this.receiver.number(envelope.number);
        return false;
      case 'ack':
        if (!this.isRaw) this.sender.acknowledge(envelope, now);
        return false;
      default:
        if (this.receiver.take(envelope, packet, now) !== 'new') return false;
        if (isCounted(envelope) || envelope.kind === 'event') this.taken.push(envelope);
        return true;
    }
  }

  /** Sends an envelope, a counted one so that it comes whatever happens to the connection. */
  send(envelope: Envelope): void {
    if (this.ended) return;
    const bytes = encode(envelope, this.encoding);
    // An event that may be dropped goes just as it is here: that is how a test says it, unlike `publish`.
    if (envelope.kind === 'event' && (isCounted(envelope) || envelope.delivery === 'unordered')) {
      this.publish(envelope);
    } else if (isCounted(envelope)) {
      this.sender.control(bytes, envelope.kind === 'request' ? envelope.channel : '');
    } else {
      this.sender.uncounted(bytes);
    }
    this.#turn();
  }

  /** Sends an event as its class promises: what may be dropped in numbered packets, as far as there is room. */
  publish(event: Extract<Envelope, { kind: 'event' }>, options: { maxAge?: number; id?: string } = {}): void {
    const { channel, type, key, delivery, seq } = event;
    const slot = delivery === 'latest' ? `${channel}\n${type}\n${key ?? ''}` : undefined;
    const bytes = encode(event, this.encoding);
    this.sender.publish({ bytes, channel, delivery, slot, seq, ...options }, this.#clock.now());
    this.#turn();
  }

  /** Sends what waits, and acknowledges what came. */
  flush(): void {
    if (this.ended) return;
    const now = this.#clock.now();
    this.sender.flush(now);
    const ack = this.acknowledges && this.#carrier && this.receiver.ack(now, true);
    if (ack) this.sender.sendAck(ack);
  }

  // Outcomes: what the sender calls.

  outcome(id: string, outcome: Outcome): void {
    this.outcomes.set(id, outcome);
  }

  dropped(name: DropName): void {
    this.drops.push(name);
  }

  #turn(): void {
    if (this.#inTurn) return;
    this.#inTurn = true;
    queueMicrotask(() => {
      this.#inTurn = false;
      this.flush();
    });
  }
}
