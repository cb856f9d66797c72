/** What is due now: nothing, a PING, or the end because nothing was heard for too long. */
export type Beat = 'ping' | 'silent' | undefined;

/**
 * Round trips that are measured where acknowledgements go by them, and the least time between two of their pings, ms:
 * any one may have waited for a packet that was lost, and none is measured again while there is other traffic.
 */
const MEASURES = 5;
const MEASURE_INTERVAL = 100;

/** Is the other end alive, and how far away. Time comes in as `now` in ms. */
export class Heartbeat {
  readonly #pingInterval: number;
  readonly #idleTimeout: number;
  #heard: number;
  #pinged: number;
  #awaitsPong = false;
  #rtt: number | undefined;
  #minRtt: number | undefined;
  #measured = Number.NEGATIVE_INFINITY;
  #measures = 0;

  constructor({ pingInterval, idleTimeout }: { pingInterval: number; idleTimeout: number }, now: number) {
    this.#pingInterval = pingInterval;
    this.#idleTimeout = idleTimeout;
    this.#heard = now;
    this.#pinged = now;
  }

  /** Last round trip in ms; undefined before the first. */
  get rtt(): number | undefined {
    return this.#rtt;
  }

  /** The shortest round trip so far, in ms. */
  get minRtt(): number | undefined {
    return this.#minRtt;
  }

  /** When something came in last. */
  get heardAt(): number {
    return this.#heard;
  }

  /** Anything came in. */
  heard(now: number): void {
    this.#heard = now;
  }

  /** For `ping`, the caller sends PING with this `now`. */
  tick(now: number): Beat {
    const silent = now - this.#heard;
    if (silent >= this.#idleTimeout) return 'silent';
    if (silent < this.#pingInterval || now - this.#pinged < this.#pingInterval) return undefined;
    this.#ping(now);
    return 'ping';
  }

  /** Somebody goes by the round trip. True: the caller sends PING with this `now`; a few times, one after the other. */
  measure(now: number): boolean {
    const since = now - this.#measured;
    if (this.#measures === MEASURES || since < (this.#awaitsPong ? this.#pingInterval : MEASURE_INTERVAL))
      return false;
    this.#measured = now;
    this.#measures++;
    this.#ping(now);
    return true;
  }

  /** An answer to nothing, or to an older ping, measures nothing. */
  pong(time: number, now: number): void {
    if (!this.#awaitsPong || time !== this.#pinged) return;
    this.#awaitsPong = false;
    this.#rtt = now - this.#pinged;
    this.#minRtt = Math.min(this.#minRtt ?? this.#rtt, this.#rtt);
  }

  #ping(now: number): void {
    this.#pinged = now;
    this.#awaitsPong = true;
  }
}
