import type { PacketPosition } from '@spillway/envelope';
import { LAZY_DELAY } from '../lazy-delay.ts';
import type { Message } from '../message.ts';
import { Pending } from '../pending.ts';
import { Window } from '../window.ts';
import { Random } from './random.ts';

// A model of one direction of a session over one bottleneck, for the tests of the window. Nothing here is published.

/** What UDP, QUIC and the container add to a packet, bytes. */
const OVERHEAD = 60;
const NOBODY = { outcome() {}, dropped() {} };

export interface Path {
  /** Bottleneck, bytes per ms. */
  rate: number;
  /** Propagation, each way, ms. */
  delay: number;
  /** Probability of loss, each way. @default 0 */
  loss?: number;
  /** Probability that an acknowledgement is lost, instead of `loss`. */
  ackLoss?: number;
  /** Random extra delay per packet, up to this many ms; may reorder. @default 0 */
  jitter?: number;
  /** What the bottleneck holds, bytes; more is dropped. @default unlimited */
  queue?: number;
}

interface Packet {
  readonly number: number;
  readonly messages: readonly Sent[];
  /** On the wire, bytes. */
  readonly size: number;
  readonly lazy: boolean;
}

/** A message that knows when it was published. */
export interface Sent extends Message {
  readonly at: number;
}

interface Due {
  readonly at: number;
  readonly order: number;
  run(): void;
}

interface Traffic {
  readonly size: number;
  arrive(now: number): void;
}

/** One sender, one bottleneck, one receiver that acknowledges at most once in half a round trip. Time is in ms. */
export class LinkModel {
  now = 0;
  readonly path: Path;
  readonly window = new Window();
  readonly pending = new Pending(256 * 1024, NOBODY);
  /** Without it, what is published goes straight to the link: what the window is compared with. */
  readonly windowed: boolean;
  /** Bytes of messages that arrived, and when the newest of them was published. */
  arrived = 0;
  newest = -1;
  /** How long each message waited in the session, and for messages that arrived, when it was published. */
  readonly waits: { readonly at: number; readonly waited: number }[] = [];
  /** Called when there is room: publishes as much as it likes. */
  more: (() => void) | undefined;
  readonly #datagram: number;
  readonly #random: Random;
  readonly #events: Due[] = [];
  #order = 0;
  #queue: Traffic[] = [];
  #head = 0;
  #queued = 0;
  #busy = false;
  #number = 0;
  #seen: boolean[] = [];
  #highest = 0;
  #unacknowledged = 0;
  #ackedAt = -1e9;
  #ackAt = Number.POSITIVE_INFINITY;
  #watched = Number.POSITIVE_INFINITY;

  constructor(path: Path, { windowed = true, seed = 1, datagram = 1200 } = {}) {
    this.path = path;
    this.windowed = windowed;
    this.#datagram = datagram;
    this.#random = new Random(seed);
  }

  get queued(): number {
    return this.#queued;
  }

  at(time: number, run: () => void): void {
    // A binary heap by time, then by order of asking.
    const events = this.#events;
    const event = { at: time, order: this.#order++, run };
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (before(events[above]!, event)) break;
      events[index] = events[above]!;
      index = above;
    }
    events[index] = event;
  }

  every(from: number, interval: number, run: () => void): void {
    const tick = (time: number) => {
      run();
      this.at(time + interval, () => tick(time + interval));
    };
    this.at(from, () => tick(from));
  }

  run(until: number): void {
    for (let next = this.#events[0]; next && next.at <= until; next = this.#events[0]) {
      const last = this.#events.pop()!;
      if (last !== next) this.#sink(last);
      this.now = next.at;
      next.run();
    }
    this.now = until;
  }

  /** Publishes one message; `slot` makes it a `latest` one. Nothing leaves before `flush`. */
  publish(size: number, slot?: string): void {
    const message: Sent = {
      bytes: new Uint8Array(size),
      channel: 'a',
      delivery: slot === undefined ? 'unreliable' : 'latest',
      slot,
      at: this.now,
    };
    this.pending.add(message, this.now);
  }

  /** The end of a turn. */
  flush(): void {
    while (this.pending.size > 0) {
      const room = this.windowed ? this.window.room : Number.POSITIVE_INFINITY;
      if (room === 0) break;
      const messages = this.pending.takeInto(Math.min(room, this.#datagram), this.now, 2) as Sent[];
      const bytes = messages.reduce((sum, message) => sum + message.bytes.length + 2, 0);
      const number = ++this.#number;
      for (const { at } of messages) this.waits.push({ at, waited: this.now - at });
      const lazy = this.windowed && this.window.mayWait(bytes);
      if (this.windowed) this.window.sent(number, bytes, messages, this.now, false, lazy);
      this.#enter({ number, messages, size: bytes + OVERHEAD, lazy });
    }
    this.#watch();
  }

  /** Other data into the same bottleneck. */
  traffic(size: number, arrive: () => void): void {
    this.#enqueue({ size, arrive });
  }

  #enter(packet: Packet): void {
    this.#enqueue({
      size: packet.size,
      arrive: (now) => {
        if (this.#random.chance(this.path.loss ?? 0)) return;
        const late = (this.path.jitter ?? 0) * this.#random.next();
        this.at(now + this.path.delay + late, () => this.#receive(packet));
      },
    });
  }

  #enqueue(traffic: Traffic): void {
    if (this.#queued + traffic.size > (this.path.queue ?? Number.POSITIVE_INFINITY)) return;
    this.#queue.push(traffic);
    this.#queued += traffic.size;
    if (!this.#busy) this.#serve();
  }

  #serve(): void {
    const traffic = this.#queue[this.#head];
    this.#busy = traffic !== undefined;
    if (!traffic) {
      this.#queue = [];
      this.#head = 0;
      return;
    }
    this.#head++;
    this.at(this.now + traffic.size / this.path.rate, () => {
      this.#queued -= traffic.size;
      traffic.arrive(this.now);
      this.#serve();
    });
  }

  #receive({ number, messages, lazy }: Packet): void {
    this.#seen[number] = true;
    this.#highest = Math.max(this.#highest, number);
    for (const message of messages) {
      this.arrived += message.bytes.length;
      this.newest = Math.max(this.newest, message.at);
    }
    this.#unacknowledged++;
    const due = lazy ? this.now + LAZY_DELAY : this.#ackedAt + this.path.delay;
    if (this.#unacknowledged >= 128 || due <= this.now) this.#acknowledge();
    else if (due < this.#ackAt) {
      this.#ackAt = due;
      this.at(due, () => {
        if (this.#ackAt === due) this.#acknowledge();
      });
    }
  }

  #acknowledge(): void {
    this.#ackedAt = this.now;
    this.#ackAt = Number.POSITIVE_INFINITY;
    this.#unacknowledged = 0;
    const bits = new Uint8Array(32);
    for (let bit = 0; bit < 256; bit++) {
      if (this.#seen[this.#highest - 1 - bit]) bits[bit >> 3]! |= 1 << (bit & 7);
    }
    const position: PacketPosition = { highest: this.#highest, bits };
    if (this.#random.chance(this.path.ackLoss ?? this.path.loss ?? 0)) return;
    this.at(this.now + this.path.delay, () => {
      if (!this.windowed) return;
      const { lost, delivered, late } = this.window.acknowledge(position, this.now);
      for (const message of delivered) this.pending.delivered(message);
      for (const message of late) this.pending.delivered(message);
      for (const message of lost) this.pending.requeue(message);
      this.more?.();
      this.flush();
    });
  }

  #watch(): void {
    const deadline = this.window.nextDeadline ?? Number.POSITIVE_INFINITY;
    if (deadline >= this.#watched) return;
    this.#watched = deadline;
    this.at(Math.max(deadline, this.now), () => {
      this.#watched = Number.POSITIVE_INFINITY;
      for (const message of this.window.writeOff(this.now)) this.pending.requeue(message);
      this.more?.();
      this.flush();
      this.#watch();
    });
  }

  #sink(event: Due): void {
    const events = this.#events;
    let index = 0;
    for (;;) {
      let below = index * 2 + 1;
      if (below >= events.length) break;
      if (below + 1 < events.length && before(events[below + 1]!, events[below]!)) below++;
      if (before(event, events[below]!)) break;
      events[index] = events[below]!;
      index = below;
    }
    events[index] = event;
  }
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** The value below which this share of them lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
