import type { Port } from './port.ts';

/** What keeping an envelope costs beside its bytes, about. */
const OVERHEAD = 64;

/** How much is kept until the far end has it: lanes and `unordered` messages draw on one budget. */
export class Retention {
  readonly #away: number;
  readonly #attached: number;
  #bytes = 0;

  /** Bytes: `retainBudget` for a far end that is away; `hardBudget` for one that is there and slow, if that is more. */
  constructor(retainBudget: number, hardBudget: number) {
    this.#away = retainBudget;
    this.#attached = Math.max(retainBudget, hardBudget);
  }

  /** Bytes kept, with what keeping them costs. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for an envelope. False: there is none. */
  take(bytes: Uint8Array, port: Port | undefined): boolean {
    return this.takeAll(1, bytes.length, port);
  }

  /** Takes room for so many envelopes of so many bytes together. False: there is none for all. */
  takeAll(count: number, bytes: number, port: Port | undefined): boolean {
    const size = this.#bytes + bytes + count * OVERHEAD;
    if (size > (port ? this.#attached : this.#away)) return false;
    this.#bytes = size;
    return true;
  }

  release(bytes: Uint8Array): void {
    this.#bytes -= bytes.length + OVERHEAD;
  }
}
