import { random } from './random.ts';
import type { Shape } from './shape.ts';

/** Bytes that may be under way after the rate: 10 s at 50 Mbit/s. More is a test that went wrong. */
const FLIGHT = 64 * 1024 * 1024;

const PLAIN: Required<Shape> = {
  delay: 0,
  jitter: 0,
  loss: 0,
  rate: Number.POSITIVE_INFINITY,
  buffer: 65_536,
};

/**
 * One direction of a link, without I/O: a drop-tail buffer, then the rate, then random loss, then the way.
 * `now` is ms on any clock that does not go back. The same packets at the same times and the same seed have the
 * same fate.
 */
export class Pipe {
  /** Packets that random loss took. */
  lost = 0;
  /** Packets that found no room. */
  overflowed = 0;
  #shape = PLAIN;
  readonly #chance: () => number;
  readonly #wobble: () => number;
  /** Before the rate. The first one is being sent and leaves at `#sent`. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #sent = 0;
  /** On the way, in order of arrival. */
  readonly #flying: { readonly packet: Uint8Array; readonly due: number }[] = [];
  #flyingBytes = 0;
  #lastDue = 0;

  constructor(seed: number) {
    // Two generators, so that a change of the jitter leaves it as it was which packets are lost.
    this.#chance = random(seed);
    this.#wobble = random(seed + 1);
  }

  /** From now on. Packets that wait for the rate go on at the new one; those on the way are not touched. */
  shape(shape: Shape, now: number): void {
    this.#send(now);
    const old = this.#shape.rate;
    this.#shape = { ...PLAIN, ...shape };
    if (this.#waiting.length > 0) this.#sent = now + ((this.#sent - now) * old) / this.#shape.rate;
  }

  /** A packet enters. The pipe keeps the bytes. */
  offer(packet: Uint8Array, now: number): void {
    this.#send(now);
    const { rate, buffer } = this.#shape;
    const full =
      rate === Number.POSITIVE_INFINITY
        ? this.#flyingBytes + packet.length > FLIGHT
        : this.#waitingBytes + packet.length > buffer;
    if (full) {
      this.overflowed += 1;
      return;
    }
    this.#waiting.push(packet);
    this.#waitingBytes += packet.length;
    if (this.#waiting.length === 1) this.#sent = now + this.#duration(packet);
    this.#send(now);
  }

  /** The packets that have arrived by now, in order; with `early` also those that arrive within so many ms. */
  take(now: number, early = 0): Uint8Array[] {
    this.#send(now);
    const arrived: Uint8Array[] = [];
    for (let first = this.#flying[0]; first && first.due <= now + early; first = this.#flying[0]) {
      this.#flying.shift();
      this.#flyingBytes -= first.packet.length;
      arrived.push(first.packet);
    }
    return arrived;
  }

  /** When `take` is to be called next; undefined while the pipe is empty. */
  get next(): number | undefined {
    if (this.#flying[0]) return this.#flying[0].due;
    return this.#waiting.length > 0 ? this.#sent + this.#shape.delay : undefined;
  }

  /** Lets go what the rate has let through by now. */
  #send(now: number): void {
    const { delay, jitter, loss } = this.#shape;
    for (let first = this.#waiting[0]; first && this.#sent <= now; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#waitingBytes -= first.length;
      if (this.#chance() < loss) {
        this.lost += 1;
      } else {
        this.#lastDue = Math.max(this.#lastDue, this.#sent + delay + jitter * this.#wobble());
        this.#flying.push({ packet: first, due: this.#lastDue });
        this.#flyingBytes += first.length;
      }
      const following = this.#waiting[0];
      if (following) this.#sent += this.#duration(following);
    }
  }

  #duration(packet: Uint8Array): number {
    return (packet.length * 8000) / this.#shape.rate;
  }
}
