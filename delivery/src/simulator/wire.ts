import type { MessageStream, Port } from '../port.ts';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** How one transport behaves. Times in ms, sizes in bytes. */
export interface Weather {
  /** 0: a pipe. */
  readonly maxDatagramSize: number;
  readonly delay: number;
  /** What streams, and datagrams, may take longer, each for itself. */
  readonly jitter: number;
  /** Share of datagrams lost. */
  readonly loss: number;
  /** Bytes per ms, each way. */
  readonly rate: number;
  /** Message streams open at a time, each way. */
  readonly streams: number;
}

/** Who has one end of a wire. */
export interface WireUser {
  /** Something has reached its machine. It hears of it now, or when it wakes. */
  hear(run: () => void): void;
  receive(bytes: Uint8Array, reliable: boolean, from: Side): void;
  closed(side: Side): void;
}

/** Bytes on their way that `backlog` does not show: what the kernel holds. */
const HIDDEN = 20_000;

/** One end of a wire. */
export class Side implements Port {
  readonly #wire: Wire;
  readonly user: WireUser;
  peer!: Side;
  /** This end's bytes go nowhere, and it does not know. */
  deaf = false;
  #busyUntil = 0;
  #streams = 0;
  readonly #arrivals = new Map<number, number>();

  constructor(wire: Wire, user: WireUser) {
    this.#wire = wire;
    this.user = user;
  }

  get maxDatagramSize(): number {
    return this.#wire.weather.maxDatagramSize;
  }

  get backlog(): number {
    const { clock, weather } = this.#wire;
    return Math.max(0, (this.#busyUntil - clock.now) * weather.rate - HIDDEN);
  }

  write(bytes: Uint8Array, lane: number): void {
    const stream = this.maxDatagramSize === 0 ? 0 : lane;
    // In order in its stream; one stream does not wait for another.
    const arrival = Math.max(this.#arrivals.get(stream) ?? 0, this.#arrival(bytes.length));
    this.#arrivals.set(stream, arrival);
    this.#deliver(bytes, true, arrival);
  }

  closeLane(): void {}

  sendDatagram(packet: Uint8Array): boolean {
    const { random, weather } = this.#wire;
    if (packet.length > weather.maxDatagramSize) throw new Error('a datagram that is too big');
    if (this.backlog > 0 && random.chance(0.5)) return false;
    const arrival = this.#arrival(packet.length);
    if (!random.chance(weather.loss)) this.#deliver(packet, false, arrival);
    return true;
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    const { clock, weather } = this.#wire;
    if (this.maxDatagramSize === 0 || this.#streams >= weather.streams) return undefined;
    this.#streams++;
    const stream = {
      done: false,
      reset: () => {
        if (!stream.done) this.#streams--;
        stream.done = true;
      },
    };
    let size = 0;
    for (const frame of frames) size += frame.length;
    const arrival = this.#arrival(size);
    clock.at(arrival - weather.delay, () => {
      if (stream.done) return;
      stream.done = true;
      this.#streams--;
      for (const frame of frames) this.#deliver(frame, true, arrival);
    });
    return stream;
  }

  /** Closes; the far end hears of it. */
  close(): void {
    this.#wire.close(this, this.#wire.weather.delay);
  }

  #arrival(size: number): number {
    const { clock, random, weather } = this.#wire;
    this.#busyUntil = Math.max(this.#busyUntil, clock.now) + size / weather.rate;
    return this.#busyUntil + weather.delay + random.next() * weather.jitter;
  }

  #deliver(bytes: Uint8Array, reliable: boolean, at: number): void {
    const { clock } = this.#wire;
    if (this.deaf || this.#wire.ended) return;
    clock.at(at, () => {
      if (this.#wire.ended || this.deaf) return;
      this.peer.user.hear(() => this.peer.user.receive(bytes, reliable, this.peer));
    });
  }
}

/** One simulated transport between two users. */
export class Wire {
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: Weather;
  readonly one: Side;
  readonly other: Side;
  /** Nothing arrives any more. */
  ended = false;

  constructor(clock: Clock, random: Random, weather: Weather, one: WireUser, other: WireUser) {
    this.clock = clock;
    this.random = random;
    this.weather = weather;
    this.one = new Side(this, one);
    this.other = new Side(this, other);
    this.one.peer = this.other;
    this.other.peer = this.one;
  }

  /** All that is on its way is lost; each end hears of it some time later. */
  cut(within: number): void {
    if (this.ended) return;
    this.ended = true;
    for (const side of [this.one, this.other]) this.#tell(side, this.random.next() * within);
  }

  close(by: Side, delay: number): void {
    if (this.ended) return;
    // What was written before is still delivered; what comes after it is nothing.
    this.clock.after(delay + this.weather.jitter, () => {
      if (this.ended) return;
      this.ended = true;
      this.#tell(by.peer, 0);
    });
  }

  #tell(side: Side, delay: number): void {
    this.clock.after(delay, () => side.user.hear(() => side.user.closed(side)));
  }
}
