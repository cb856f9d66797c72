import type { SnapshotAck } from '@spillway/envelope/loop';

/** Parts that an acknowledgement names besides the newest. */
const REACH = 32;

/** Which parts of snapshots have come and could be read, for the acknowledgement. */
export class AckWindow {
  #seen = 0;
  #newest = 0;
  #mask = 0;

  get ack(): SnapshotAck {
    return { newest: this.#newest, mask: this.#mask };
  }

  /** The largest number that came. */
  get seen(): number {
    return this.#seen;
  }

  /** Is a part news: neither here already, nor so old that no acknowledgement could name it? */
  judge(seq: number): 'new' | 'duplicate' | 'late' {
    this.#seen = Math.max(this.#seen, seq);
    if (seq < this.#seen - REACH) return 'late';
    if (seq === this.#newest) return 'duplicate';
    const back = this.#newest - 1 - seq;
    return back >= 0 && back < REACH && (this.#mask >>> back) % 2 === 1 ? 'duplicate' : 'new';
  }

  /** All that the part says is known now. */
  take(seq: number): void {
    const ahead = seq - this.#newest;
    if (ahead <= 0) {
      this.#mask = (this.#mask | (1 << (-ahead - 1))) >>> 0;
      return;
    }
    // A shift by 32 would be one by 0.
    const older = ahead < REACH ? this.#mask << ahead : 0;
    const last = this.#newest > 0 && ahead <= REACH ? 1 << (ahead - 1) : 0;
    this.#mask = (older | last) >>> 0;
    this.#newest = seq;
  }

  /** For another count of parts. */
  reset(): void {
    this.#seen = 0;
    this.#newest = 0;
    this.#mask = 0;
  }
}
