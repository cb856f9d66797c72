import { Receiver, Sender } from '@spillway/delivery';
import { type Delivery, type Envelope, type Event, encode, NameTable, readPacket } from '@spillway/envelope';
import { Frames } from './frames.ts';

/** Of everything but events, which are taken as they come. */
export type OnEnvelope = (envelope: Exclude<Envelope, Event>) => void;

const BUDGET = 1024 * 1024;
/** What the gateway allows by default. */
const MAX_NAMES = 4096;

/**
 * A session over WebSocket that does what the protocol demands and the SDK does — it counts, acknowledges as often,
 * learns names, measures the round trip — on the packages that both ends share, and nothing for an application.
 */
export class LeanSession {
  readonly #onPayload: (payload: Uint8Array) => void;
  readonly #onEnvelope: OnEnvelope;
  readonly #receiver = new Receiver();
  readonly #names = new NameTable(MAX_NAMES);
  readonly #sender = new Sender({
    encoding: 'binary',
    softBudget: BUDGET,
    hardBudget: BUDGET,
    retainBudget: BUDGET,
    outcomes: { outcome() {}, dropped() {} },
  });
  readonly #welcomed = Promise.withResolvers<void>();
  readonly #subscribing = new Map<string, PromiseWithResolvers<void>>();
  #frames: Frames | undefined;
  #pinged = 0;
  #rtt: number | undefined;
  #inTurn = false;
  #due = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  private constructor(onPayload: (payload: Uint8Array) => void, onEnvelope: OnEnvelope) {
    this.#onPayload = onPayload;
    this.#onEnvelope = onEnvelope;
  }

  /** Rejects where the gateway refuses. */
  static async open(
    url: string,
    onPayload: (payload: Uint8Array) => void,
    onEnvelope: OnEnvelope = () => {},
  ): Promise<LeanSession> {
    const session = new LeanSession(onPayload, onEnvelope);
    await session.#open(url);
    return session;
  }

  async subscribe(channel: string): Promise<void> {
    const subscribed = Promise.withResolvers<void>();
    this.#subscribing.set(channel, subscribed);
    this.control({ kind: 'subscribe', id: channel, channel });
    await subscribed.promise;
  }

  /** Sends a counted envelope. */
  control(envelope: Envelope): void {
    this.#sender.control(encode(envelope, 'binary'));
  }

  /** Publishes bytes of codec `bytes`. */
  publish(channel: string, type: string, payload: Uint8Array, delivery: Delivery): void {
    const bytes = encode({ kind: 'event', channel, type, delivery, codec: 'bytes', payload }, 'binary');
    this.#sender.publish({ bytes, channel, delivery }, performance.now());
    this.#turn();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#frames?.close();
  }

  async #open(url: string): Promise<void> {
    const frames = await Frames.open(url, (bytes, start, end) => this.#receive(bytes.subarray(start, end)), {
      subprotocol: 'spillway.v1',
    });
    this.#frames = frames;
    const hello = { kind: 'hello', protocol: 1, client: 'bench', reasons: [] } as const;
    frames.sendBinary(encode(hello, 'binary'));
    await this.#welcomed.promise;
  }

  #receive(bytes: Uint8Array): void {
    const now = performance.now();
    readPacket(
      bytes,
      this.#names,
      (envelope, packet) => this.#take(envelope, packet, now),
      (number, lazy) => this.#receiver.packet(number, now, true, lazy),
    );
    this.#turn();
  }

  #turn(): void {
    if (this.#inTurn) return;
    this.#inTurn = true;
    queueMicrotask(this.#flush);
  }

  #take(envelope: Envelope, packet: number, now: number): void {
    switch (envelope.kind) {
      case 'event':
        if (this.#receiver.take(envelope, packet, now) === 'new') this.#onPayload(envelope.payload);
        return;
      case 'welcome':
        this.#attach(envelope.time);
        return;
      case 'lane':
        this.#receiver.lane(envelope);
        return;
      case 'number':
        this.#receiver.number(envelope.number);
        return;
      case 'ack':
        this.#sender.acknowledge(envelope, now);
        return;
      case 'ping':
        this.#sender.uncounted(encode({ kind: 'pong', time: envelope.time, now: Date.now() }, 'binary'));
        return;
      case 'pong':
        this.#rtt = now - this.#pinged;
        return;
      default:
        if (this.#receiver.take(envelope, packet, now) === 'new') this.#handle(envelope);
    }
  }

  #handle(envelope: Exclude<Envelope, Event>): void {
    if (envelope.kind === 'names') {
      this.#names.define(envelope);
      this.control({ kind: 'named', count: this.#names.count });
    } else if (envelope.kind === 'subscribed') {
      this.#subscribing.get(envelope.channel)?.resolve();
    } else if (envelope.kind === 'error') {
      this.#subscribing.get(envelope.id ?? '')?.reject(new Error(envelope.message));
    }
    this.#onEnvelope(envelope);
  }

  #attach(clock: number): void {
    this.#names.clock = clock;
    this.#receiver.attach();
    this.#sender.attach({
      maxDatagramSize: 0,
      backlog: 0,
      write: (bytes) => this.#frames?.sendBinary(bytes),
      closeLane() {},
      sendDatagram: () => false,
      openMessage: () => undefined,
    });
    this.#pinged = performance.now();
    this.#sender.uncounted(encode({ kind: 'ping', time: Math.round(this.#pinged) }, 'binary'));
    this.#welcomed.resolve();
  }

  readonly #flush = (): void => {
    this.#inTurn = false;
    const now = performance.now();
    this.#sender.flush(now);
    const rtt = this.#sender.stats.minRtt ?? this.#rtt;
    if (rtt !== undefined) this.#receiver.setRtt(rtt);
    const ack = this.#receiver.ack(now);
    if (ack !== undefined) this.#sender.sendAck(ack);
    this.#wake(this.#receiver.nextAck ?? Number.POSITIVE_INFINITY, now);
  };

  /** A timer that is set already and earlier sets the next. */
  #wake(at: number, now: number): void {
    if (at >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = at;
    this.#timer = setTimeout(
      () => {
        this.#due = Number.POSITIVE_INFINITY;
        this.#flush();
      },
      Math.max(0, at - now),
    );
  }
}
