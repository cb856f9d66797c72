import { type Encoding, type Envelope, encode, type Outcome, readPacket } from '@spillway/envelope';
import type { DropName, Message, Outcomes } from '../message.ts';
import { Receiver } from '../receiver.ts';
import { Sender, type SenderOptions } from '../sender.ts';
import type { Clock } from './clock.ts';
import type { Side, WireUser } from './wire.ts';

const LIMITS = {
  maxMessageBytes: 65536,
  messagesPerSecond: 500,
  bytesPerSecond: 1048576,
  subscriptionsPerSession: 128,
  maxNames: 4096,
  pingInterval: 10000,
  idleTimeout: 30000,
};

/** What an end hands to its application. */
export type Sink = (envelope: Envelope) => void;

/** One end of a session: what both ends do alike. */
export abstract class End implements WireUser, Outcomes {
  readonly clock: Clock;
  readonly sender: Sender;
  readonly receiver = new Receiver();
  readonly outcomes = new Map<string, Outcome>();
  readonly sink: Sink;
  readonly encoding: Encoding;
  /** The transport that carries the session. */
  side: Side | undefined;
  acks = 0;
  #timer = Number.POSITIVE_INFINITY;
  #flushing = false;
  /** Asleep: what it would have heard. */
  #asleep: (() => void)[] | undefined;
  #wakesAt = 0;

  constructor(clock: Clock, options: Omit<SenderOptions, 'outcomes'>, sink: Sink) {
    this.clock = clock;
    this.encoding = options.encoding;
    this.sender = new Sender({ ...options, outcomes: this });
    this.sink = sink;
  }

  protected abstract greet(envelope: Envelope, from: Side): void;
  abstract closed(side: Side): void;

  outcome(id: string, outcome: Outcome): void {
    const known = this.outcomes.get(id);
    if (known) throw new Error(`${id} is ${outcome}, after it was ${known}`);
    this.outcomes.set(id, outcome);
  }

  dropped(_name: DropName): void {}

  /** Its machine sleeps, or its page is frozen: it hears nothing, and its timers are late. */
  freeze(time: number): void {
    const wakesAt = this.clock.now + time;
    if (wakesAt <= this.#wakesAt) return;
    this.#wakesAt = wakesAt;
    this.#asleep ??= [];
    this.clock.at(wakesAt, () => {
      if (this.#wakesAt > wakesAt) return;
      const heard = this.#asleep ?? [];
      this.#asleep = undefined;
      for (const run of heard) run();
    });
  }

  hear(run: () => void): void {
    if (this.#asleep) this.#asleep.push(run);
    else run();
  }

  publish(message: Message): ReturnType<Sender['publish']> {
    const fate = this.sender.publish(message, this.clock.now);
    this.turn();
    return fate;
  }

  receive(bytes: Uint8Array, reliable: boolean, from: Side): void {
    const { clock, receiver } = this;
    readPacket(
      bytes,
      undefined,
      (envelope, packet) => {
        if (envelope.kind === 'hello' || envelope.kind === 'welcome') this.greet(envelope, from);
        else if (from === this.side) this.#take(envelope, packet);
      },
      (number, lazy) => from === this.side && receiver.packet(number, clock.now, reliable, lazy),
    );
    this.turn();
  }

  /** Whatever happened, happened: sends what is to be sent, once in a turn. */
  turn(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.clock.after(0, () => {
      this.hear(() => {
        this.#flushing = false;
        this.#flush();
      });
    });
  }

  protected carry(side: Side): void {
    this.side = side;
    this.receiver.attach();
  }

  protected lose(): void {
    this.side = undefined;
    this.sender.detach();
    this.turn();
  }

  protected write(side: Side, envelope: Envelope): void {
    side.write(encode(envelope, this.encoding), 0);
  }

  protected static readonly limits = LIMITS;

  #take(envelope: Envelope, packet: number): void {
    const { clock, receiver, sender } = this;
    if (envelope.kind === 'lane') receiver.lane(envelope);
    else if (envelope.kind === 'number') receiver.number(envelope.number);
    else if (envelope.kind === 'ack') sender.acknowledge(envelope, clock.now);
    else if (receiver.take(envelope, packet, clock.now) === 'new') this.sink(envelope);
  }

  #flush(): void {
    const { clock, receiver, sender } = this;
    const { now } = clock;
    sender.flush(now);
    const { minRtt } = sender.stats;
    if (minRtt !== undefined) receiver.setRtt(minRtt);
    if (this.side) {
      const ack = receiver.ack(now);
      if (ack) {
        this.acks++;
        sender.sendAck(ack);
      }
    }
    const next = Math.min(
      sender.nextDeadline ?? Number.POSITIVE_INFINITY,
      (this.side && receiver.nextAck) ?? Number.POSITIVE_INFINITY,
    );
    if (next < Number.POSITIVE_INFINITY) this.#wake(next);
  }

  #wake(at: number): void {
    // An earlier timer will set the next.
    if (at >= this.#timer) return;
    this.#timer = at;
    this.clock.at(at, () => {
      if (this.#timer !== at) return;
      this.#timer = Number.POSITIVE_INFINITY;
      this.turn();
    });
  }
}
