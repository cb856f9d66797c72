import {
  type Ack,
  type Encoding,
  encode,
  type Gap,
  joinPacket,
  NOTHING_RECEIVED,
  PACKET_OVERHEAD,
  type Received,
} from '@spillway/envelope';
import { Lanes } from './lanes.ts';
import type { Fate, Message, Outcomes } from './message.ts';
import { nothing, owned } from './nothing.ts';
import { Pending } from './pending.ts';
import type { MessageStream, Port } from './port.ts';
import { Refusals } from './refusals.ts';
import { Retention } from './retention.ts';
import { Unordered } from './unordered.ts';
import { Window } from './window.ts';

/** Bytes of one numbered packet on a pipe, where it holds more than one message. */
const PIPE_PACKET = 16 * 1024;
/** Bytes unsent above which what may be dropped waits here, where it can still be replaced, and not behind them. */
const PIPE_BACKLOG = 16 * 1024;
/** Messages too big for a datagram that may always be on their way. */
const STREAMS = 2;
/** How long after a port took no datagram or stream it is asked again, ms. */
const RETRY = 10;

/** How one end of a session sends. Sizes in bytes. */
export interface SenderOptions {
  readonly encoding: Encoding;
  /** What may be dropped waits up to this much. */
  readonly softBudget: number;
  /** Unsent bytes above which the far end is too slow. */
  readonly hardBudget: number;
  /** What must arrive is kept up to this much for a far end that is away; for one that is there, up to `hardBudget`. */
  readonly retainBudget: number;
  readonly outcomes: Outcomes;
}

/** A glance at a sender. */
export interface SenderStats {
  /** Bytes of messages that may be dropped and wait here. */
  readonly pending: number;
  /** Bytes kept until they are acknowledged. */
  readonly retained: number;
  /** Bytes of packets on their way. */
  readonly inFlight: number;
  /** Round trip as acknowledgements show it, ms: smoothed, and the shortest of late, which `Receiver.setRtt` wants. */
  readonly rtt: number | undefined;
  readonly minRtt: number | undefined;
}

/** A message on a stream of its own. */
interface Carried {
  readonly message: Message;
  readonly stream: MessageStream;
  readonly expires: number;
}

/**
 * The way out of one end of a session, over one transport after the other. It decides what goes when and in what; bytes
 * go to the port. The owner calls `flush` when a turn ends, when bytes have left the port, and at `nextDeadline`.
 */
export class Sender {
  readonly #encoding: Encoding;
  readonly #hardBudget: number;
  readonly #outcomes: Outcomes;
  readonly #retention: Retention;
  readonly #lanes: Lanes;
  readonly #unordered: Unordered;
  readonly #refusals = new Refusals();
  readonly #softBudget: number;
  // What may be dropped, and what of it is under way: both are made for the first such message, since there may be
  // thousands of sessions that never have one. Where they are used with `!`, there is one.
  #pending: Pending | undefined;
  #window: Window | undefined;
  #carried = nothing<number, Carried>();
  /** Came after they were taken for lost. They may be on their way once more, and are settled. */
  #late: WeakSet<Message> | undefined;
  #port: Port | undefined;
  #lastPacket = 0;
  #retryAt = Number.POSITIVE_INFINITY;

  constructor(options: SenderOptions) {
    const { encoding, softBudget, hardBudget, retainBudget, outcomes } = options;
    this.#encoding = encoding;
    this.#hardBudget = hardBudget;
    this.#outcomes = outcomes;
    this.#retention = new Retention(retainBudget, hardBudget);
    this.#lanes = new Lanes((lane) => encode(lane, encoding), this.#retention, outcomes);
    this.#unordered = new Unordered(
      (number, bytes) => joinPacket([encode({ kind: 'number', number }, encoding), bytes], encoding),
      this.#retention,
      outcomes,
    );
    this.#softBudget = softBudget;
  }

  /** The transport that carries the session now. */
  get port(): Port | undefined {
    return this.#port;
  }

  /** Is there something that `flush` has to see to, now or once there is room? */
  get waits(): boolean {
    return this.#window?.busy === true || this.#mayFlush;
  }

  /** The shortest round trip of late as acknowledgements show it, ms. */
  get minRtt(): number | undefined {
    return this.#window?.minRtt;
  }

  /** Bytes that wait, and bytes kept until they are acknowledged. */
  get held(): number {
    return (this.#pending?.bytes ?? 0) + this.#retention.bytes;
  }

  get stats(): SenderStats {
    return {
      pending: this.#pending?.bytes ?? 0,
      retained: this.#retention.bytes,
      inFlight: this.#window?.underWay ?? 0,
      rtt: this.#window?.rtt,
      minRtt: this.#window?.minRtt,
    };
  }

  /**
   * Takes an event. What may be dropped leaves with `flush`; `now` is of meaning for that alone. Every message with an id has its outcome told once, also
   * one that is refused here, unless it is refused because the session must end.
   */
  publish(message: Message, now: number): Fate {
    const { bytes, channel, delivery } = message;
    const port = this.#port;
    if (delivery === 'latest' || delivery === 'unreliable') return this.#publishDroppable(message, now);
    if (port && port.backlog + bytes.length > this.#hardBudget) return 'slow-consumer';
    if (!port && this.#refusals.has(channel)) return this.#refuse(message);
    const fate =
      delivery === 'reliable' ? this.#lanes.send(message, port) : this.#unordered.send(message, port);
    if (fate === 'overflow') return port ? 'slow-consumer' : this.#refuse(message);
    return fate === 'sent' ? 'sent' : 'queued';
  }

  /**
   * Takes reliable events of one channel, `bytes` in all, where a transport carries the session and there is room for
   * all. False: nothing was done.
   */
  publishAll(messages: readonly Message[], bytes: number): boolean {
    const port = this.#port;
    if (port === undefined || port.backlog + bytes > this.#hardBudget) return false;
    return this.#lanes.sendAll(messages, bytes, port);
  }

  /**
   * Sends a counted envelope that is no event: a request in the lane of its channel, anything else on lane 0. After
   * `retain-overflow` on lane 0 the session cannot be resumed.
   */
  control(bytes: Uint8Array, channel = '', id?: string): Fate {
    return this.publish({ bytes, channel, delivery: 'reliable', id }, 0);
  }

  /** Sends an envelope that is not counted on the control lane; nothing without a transport. */
  uncounted(bytes: Uint8Array): void {
    this.#port?.write(bytes, 0);
  }

  /** Sends an ACK: in a datagram where a later one makes up for its loss, else on the control lane. */
  sendAck(ack: Ack): void {
    const port = this.#port;
    const bytes = encode(ack, this.#encoding);
    const repeats = ack.lanes.length === 0 && ack.unordered === undefined;
    if (repeats && port && port.maxDatagramSize >= bytes.length && port.sendDatagram(bytes)) return;
    this.uncounted(bytes);
  }

  /** The application has left the channel: its lane may end. */
  leave(channel: string): void {
    this.#lanes.leave(channel, this.#port);
  }

  /**
   * A transport carries the session from here on: the first one, one to resume on, or a better one. `received` is what
   * the far end said in HELLO or WELCOME. Returns what could not be kept for it.
   * @throws ProtocolError where it claims what was never sent.
   */
  attach(port: Port, received: Received = NOTHING_RECEIVED): Gap[] {
    this.detach();
    this.#port = port;
    this.#lanes.resume(port, received.lanes);
    this.#unordered.resume(port, received.unordered);
    return this.#refusals.take();
  }

  /** The transport is gone. What it may have lost and is still worth something waits for the next. */
  detach(): void {
    this.#port = undefined;
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#carried.clear();
    if (this.#window) this.#requeue(this.#window.detach());
  }

  /**
   * The session is over, and nobody will acknowledge anything: tells every outcome that is still owed. Returns how many
   * messages of channels that had to arrive may not have. Nothing may be sent any more.
   */
  end(): number {
    this.detach();
    this.#pending?.clear();
    return this.#lanes.abandon() + this.#unordered.abandon();
  }

  /** @throws ProtocolError where what was never sent is acknowledged. */
  acknowledge({ lanes, unordered, packets }: Ack, now: number): void {
    this.#lanes.acknowledge(lanes, this.#port);
    if (unordered) this.#unordered.acknowledge(unordered);
    if (!packets) return;
    const pending = this.#droppable();
    const { delivered, late, lost } = this.#window!.acknowledge(packets, now);
    for (const message of delivered) {
      if (this.#carried.size > 0) this.#arrived(message);
      if (!this.#isLate(message)) pending.delivered(message);
    }
    for (const message of late) {
      if (message.slot === undefined || pending.current(message.slot) !== message) continue;
      this.#late ??= new WeakSet();
      this.#late.add(message);
      pending.delivered(message);
    }
    if (lost.length > 0) this.#requeue(lost);
  }

  /** Sends what waits, as far as there is room: joined into packets, oldest first. */
  flush(now: number): void {
    const lost = this.#window?.writeOff(now);
    if (lost !== undefined && lost.length > 0) this.#requeue(lost);
    const port = this.#port;
    if (!port) {
      this.#pending?.peek(now);
      return;
    }
    this.#retryAt = Number.POSITIVE_INFINITY;
    // Most sessions have nothing that waits, each time that something came in.
    if (!this.#mayFlush) return;
    this.#unordered.flush(port);
    if (this.#carried.size > 0) this.#resetExpired(now);
    for (;;) {
      const next = this.#pending?.peek(now);
      if (!next || this.#isFull(next, port)) return;
      if (!this.#sendNext(next, port, now)) {
        this.#retryAt = now + RETRY;
        return;
      }
    }
  }

  /** When to call `flush` next, if nothing happens before; undefined: never. */
  get nextDeadline(): number | undefined {
    let next = Math.min(
      this.#retryAt,
      this.#window?.nextDeadline ?? Number.POSITIVE_INFINITY,
      this.#pending?.nextExpiry ?? Number.POSITIVE_INFINITY,
    );
    if (this.#carried.size > 0) {
      for (const { expires, stream } of this.#carried.values())
        if (!stream.done) next = Math.min(next, expires);
    }
    return next < Number.POSITIVE_INFINITY ? next : undefined;
  }

  get #mayFlush(): boolean {
    return (this.#pending?.size ?? 0) > 0 || this.#carried.size > 0 || this.#unordered.waits;
  }

  #publishDroppable(message: Message, now: number): Fate {
    const port = this.#port;
    const pending = this.#droppable();
    let fate: Fate | undefined;
    if (port && message.oversize === 'drop' && this.#isOversize(message, port)) fate = 'oversize';
    // An `unreliable` message is never sent after a reconnect.
    else if (!port && message.delivery === 'unreliable') fate = 'backlog';
    else return pending.add(message, now);
    pending.drop(message, fate);
    return fate;
  }

  /** What may be dropped waits in this. From here on there is a window for it as well. */
  #droppable(): Pending {
    this.#window ??= new Window();
    this.#pending ??= new Pending(this.#softBudget, this.#outcomes);
    return this.#pending;
  }

  #refuse({ channel, seq, id }: Message): Fate {
    this.#refusals.refuse(channel, seq);
    if (id !== undefined) this.#outcomes.outcome(id, 'gap');
    return 'retain-overflow';
  }

  #isOversize({ bytes }: Message, { maxDatagramSize }: Port): boolean {
    const [head, each] = PACKET_OVERHEAD[this.#encoding];
    return maxDatagramSize > 0 && bytes.length + head + each > maxDatagramSize;
  }

  /** Must a message wait for an acknowledgement? The least room is for a datagram; of streams it is two. */
  #isFull(next: Message, port: Port): boolean {
    const { room } = this.#window!;
    return this.#isOversize(next, port) ? room <= 1 && this.#carried.size >= STREAMS : room === 0;
  }

  /** One packet. False: the port takes none now. */
  #sendNext(next: Message, port: Port, now: number): boolean {
    if (this.#isOversize(next, port)) return this.#sendOversize(next, port, now);
    const [head, each] = PACKET_OVERHEAD[this.#encoding];
    const isPipe = port.maxDatagramSize === 0;
    this.#window!.pipe = isPipe;
    if (isPipe && port.backlog > PIPE_BACKLOG) return false;
    const size = isPipe ? PIPE_PACKET : port.maxDatagramSize;
    const messages = this.#pending!.takeInto(Math.min(size, this.#window!.room) - head, now, each);
    const number = ++this.#lastPacket;
    const lazy = this.#isLazy(messages);
    const packet = this.#join(messages, number, lazy);
    if (isPipe) port.write(packet, 0);
    else if (!port.sendDatagram(packet)) {
      for (const message of messages) {
        if (message.delivery === 'unreliable') this.#pending!.drop(message, 'backlog');
        else this.#pending!.requeue(message);
      }
      return false;
    }
    this.#window!.sent(number, packet.length, messages, now, false, lazy);
    return true;
  }

  /** May the far end wait with its word that it has them? Not where somebody here waits for it. */
  #isLazy(messages: readonly Message[]): boolean {
    let bytes = 0;
    for (const { id, bytes: own } of messages) {
      if (id !== undefined) return false;
      bytes += own.length;
    }
    return this.#window!.mayWait(bytes);
  }

  #sendOversize(message: Message, port: Port, now: number): boolean {
    if (message.oversize === 'drop') {
      this.#pending!.drop(message, 'oversize');
      return true;
    }
    const number = this.#lastPacket + 1;
    const packet = this.#join([message], number);
    const stream = port.openMessage([packet]);
    if (!stream) return false;
    this.#lastPacket = number;
    const messages = this.#pending!.takeInto(0, now);
    this.#window!.sent(number, packet.length, messages, now, true);
    const { maxAge = Number.POSITIVE_INFINITY } = message;
    this.#carried = owned(this.#carried);
    this.#carried.set(number, { message, stream, expires: now + maxAge });
    return true;
  }

  #resetExpired(now: number): void {
    for (const [number, { expires }] of this.#carried) if (now >= expires) this.#reset(number, 'expired');
  }

  /**
   * A message that came on a stream of its own makes those before it of its slot worthless. Not sooner: where each
   * newer one stopped the last, a slow link would carry none to its end.
   */
  #arrived(message: Message): void {
    const older: number[] = [];
    for (const [number, carried] of this.#carried) {
      if (carried.message === message) {
        this.#carried.delete(number);
        for (const one of older) this.#reset(one, 'superseded');
        return;
      }
      if (message.slot !== undefined && carried.message.slot === message.slot) older.push(number);
    }
  }

  #reset(number: number, why: 'superseded' | 'expired'): void {
    const { message, stream } = this.#carried.get(number)!;
    this.#carried.delete(number);
    if (stream.done) return;
    stream.reset();
    this.#window!.cancel(number);
    this.#pending!.drop(message, why);
  }

  #requeue(lost: readonly Message[]): void {
    for (const [number, { message }] of this.#carried)
      if (lost.includes(message)) this.#carried.delete(number);
    for (const message of lost) if (!this.#isLate(message)) this.#pending!.requeue(message);
  }

  #isLate(message: Message): boolean {
    return this.#late?.has(message) === true;
  }

  #join(messages: readonly Message[], number: number, lazy = false): Uint8Array {
    return joinPacket(
      messages.map(({ bytes }) => bytes),
      this.#encoding,
      number,
      lazy,
    );
  }
}
