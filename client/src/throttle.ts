/** Chromium counts a failed handshake as pending for so long, ms. */
const PENDING_FOR = 300_000;

/** It refuses further sessions at so many pending ones. */
const MAX_PENDING = 64;

/**
 * Foretells Chromium's throttle of WebTransport handshakes, which counts by page: `web_transport_throttle_context.cc`.
 * Nothing in the API tells a handshake that is held back from one that has no answer.
 */
export class Throttle {
  /** When handshakes failed, oldest first. */
  #failures: number[] = [];

  /** A handshake failed or was given up. `now` in ms. */
  failed(now: number): void {
    this.#failures = [...this.#failures.slice(1 - MAX_PENDING), now];
  }

  /** How long the next handshake is held back at most, ms: 10 ms doubled by each pending one, up to a minute, give or take half. */
  delay(now: number): number {
    const { length } = this.#failures.filter((at) => now - at < PENDING_FOR);
    if (length === MAX_PENDING) return Number.POSITIVE_INFINITY;
    return length && 1.5 * Math.min(5 * 2 ** length, 60_000);
  }
}
