/** What is due now: nothing, a PING, or the end because nothing was heard for too long. */
export type Beat = 'ping' | 'silent' | undefined;

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

  /** Somebody wants to know the round trip. True: the caller sends PING with this `now`; not too often. */
  measure(now: number): boolean {
    if (now - this.#measured < this.#pingInterval) return false;
    this.#measured = now;
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
