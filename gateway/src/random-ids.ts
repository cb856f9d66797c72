import { randomFillSync } from 'node:crypto';

/** Bytes that are drawn at a time: a call of the generator costs more than all else that is done for a token. */
const POOL = 4_096;

/** Random ids from a pool. Each byte of it is given out once, and gone from memory when it is. */
export class RandomIds {
  readonly #pool: Buffer = Buffer.alloc(POOL);
  #used = POOL;

  /** So many bytes (at most 4096) that nobody can guess, in base64url. */
  next(size: number): string {
    if (this.#used + size > POOL) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += size;
    const id = this.#pool.toString('base64url', from, this.#used);
    this.#pool.fill(0, from, this.#used);
    return id;
  }
}
