import type { Pong } from '@spillway/envelope';
import type { Clock, Undo } from './clock.ts';
import type { Meter } from './stats.ts';

/** Between pings while somebody reads the statistics, ms. */
const WATCHED_INTERVAL = 1_000;

/** Statistics count as watched for so long after they were read, ms. */
const WATCHED_FOR = 5_000;

/**
 * Round trips that are measured at once where acknowledgements go by them, and the least time between two of their
 * pings, ms: any one may have waited for a packet that was lost, and the next regular one is far off.
 */
const MEASURED = 5;
const MEASURE_INTERVAL = 100;

/** Asks the gateway for signs of life, now and then, and measures the round trip. */
export class Pinger {
  /** The shortest round trip so far, ms. */
  shortest: number | undefined;
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #interval: number;
  readonly #send: (time: number) => void;
  #sent = 0;
  /** Answers so far, and whether there was one to the last ping. */
  #pongs = 0;
  #answered = false;
  #watched = Number.NEGATIVE_INFINITY;
  #transit: number | undefined;
  #cancel: Undo = () => {};

  /** `interval` between pings, ms. `send` writes one. */
  constructor(clock: Clock, meter: Meter, interval: number, send: (time: number) => void) {
    this.#clock = clock;
    this.#meter = meter;
    this.#interval = interval;
    this.#send = send;
  }

  /** Now, and from now on. */
  ping(): void {
    const now = this.#clock.now();
    this.#sent = now;
    this.#answered = false;
    this.#schedule(
      now - this.#watched <= WATCHED_FOR ? Math.min(WATCHED_INTERVAL, this.#interval) : this.#interval,
    );
    this.#send(Math.round(now));
  }

  /** Somebody read the statistics. */
  watch(): void {
    const now = this.#clock.now();
    const wasWatched = now - this.#watched <= WATCHED_FOR;
    this.#watched = now;
    if (!wasWatched) this.#schedule(this.#sent + WATCHED_INTERVAL - now);
  }

  /** Somebody goes by the round trip: pings until enough of them are known, one after the other. */
  measure(): void {
    if (this.#pongs >= MEASURED || !this.#answered) return;
    if (this.#clock.now() - this.#sent >= MEASURE_INTERVAL) this.ping();
  }

  /** Bytes came in. */
  heard(): void {
    // A page in the background may get its timers once a minute; what comes in still runs, and keeps the session alive.
    if (this.#clock.now() - this.#sent > this.#interval) this.ping();
  }

  /** The answer to the ping of `pong.time`. */
  pong(pong: Pong): void {
    const now = this.#clock.now();
    // On the wire it is whole milliseconds; of the last one the fraction is known.
    const rtt = now - (pong.time === Math.round(this.#sent) ? this.#sent : pong.time);
    this.#pongs++;
    this.#answered = true;
    this.#meter.rtt = rtt;
    this.shortest = Math.min(this.shortest ?? rtt, rtt);
    this.#transit = this.#meter.arrived(now - pong.now, this.#transit);
  }

  stop(): void {
    this.#cancel();
  }

  #schedule(ms: number): void {
    this.#cancel();
    this.#cancel = this.#clock.after(Math.max(0, ms), () => this.ping());
  }
}
