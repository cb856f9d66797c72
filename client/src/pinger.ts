import { CLOSE, type Pong, type SessionLimits } from '@spillway/envelope';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import type { Link } from './link.ts';

/** Between pings while somebody reads the statistics, ms. */
const WATCHED_INTERVAL = 1_000;

/** Statistics count as watched for so long after they were read, ms. */
const WATCHED_FOR = 5_000;

/** For an answer once everything was silent for `idleTimeout`, ms: after sleep, the timer may fire before what came meanwhile. */
const GRACE = 2_000;

/** Asks the gateway for signs of life, measures the round trip, and gives up on a silent connection. */
export class Pinger {
  readonly #context: Context;
  readonly #link: Link;
  readonly #limits: SessionLimits;
  #heard: number;
  #sent: number;
  #watched = Number.NEGATIVE_INFINITY;
  #transit: number | undefined;
  #inDoubt = false;
  #cancel: Undo = () => {};

  constructor(context: Context, link: Link, limits: SessionLimits) {
    this.#context = context;
    this.#link = link;
    this.#limits = limits;
    this.#heard = this.#sent = context.clock.now();
  }

  start(): void {
    this.#ping();
  }

  /** Somebody read the statistics. */
  watch(): void {
    const now = this.#context.clock.now();
    const wasWatched = now - this.#watched <= WATCHED_FOR;
    this.#watched = now;
    if (!wasWatched) this.#schedule(this.#sent + WATCHED_INTERVAL - now);
  }

  /** Bytes came in. */
  heard(): void {
    this.#heard = this.#context.clock.now();
    this.#inDoubt = false;
    // A page in the background may get its timers once a minute; what comes in still runs, and keeps the session alive.
    if (this.#heard - this.#sent > this.#limits.pingInterval) this.#ping();
  }

  /** The answer to the ping of `pong.time`. */
  pong(pong: Pong): void {
    const { clock, meter } = this.#context;
    const now = clock.now();
    // On the wire it is whole milliseconds; of the last one the fraction is known.
    meter.rtt = now - (pong.time === Math.round(this.#sent) ? this.#sent : pong.time);
    this.#transit = meter.arrived(now - pong.now, this.#transit);
  }

  stop(): void {
    this.#cancel();
  }

  #ping(): void {
    const now = this.#context.clock.now();
    const { pingInterval } = this.#limits;
    this.#sent = now;
    this.#schedule(
      now - this.#watched <= WATCHED_FOR ? Math.min(WATCHED_INTERVAL, pingInterval) : pingInterval,
    );
    this.#link.outbox.control({ kind: 'ping', time: Math.round(now) });
  }

  #schedule(ms: number): void {
    this.#cancel();
    this.#cancel = this.#context.clock.after(Math.max(0, ms), () => this.#tick());
  }

  #tick(): void {
    if (this.#inDoubt) {
      this.#link.close(CLOSE['idle-timeout'], 'silent');
      return;
    }
    this.#inDoubt = this.#context.clock.now() - this.#heard >= this.#limits.idleTimeout;
    this.#ping();
    if (this.#inDoubt) this.#schedule(GRACE);
  }
}
