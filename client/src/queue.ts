import type { Fate, Parcel } from './outbox.ts';

/** A parcel that waits for a connection. */
export interface Waiting extends Parcel {
  /** False: nobody waits for it any more. */
  readonly wanted: () => boolean;
  /** It was handed to a connection, with this fate. */
  readonly posted: (fate: Fate) => void;
}

/** Messages and requests while there is no connection, in order and within a bound. */
export class Queue {
  readonly #maxBytes: number;
  readonly #onDrop: () => void;
  #items: Waiting[] = [];
  #bytes = 0;
  /** Of these, what may be dropped. */
  #spare = 0;

  /** `onDrop` is called for each droppable message that makes room for a newer one. */
  constructor(maxBytes: number, onDrop: () => void) {
    this.#maxBytes = maxBytes;
    this.#onDrop = onDrop;
  }

  /** Takes an item, if need be instead of the oldest that may be dropped. False: there is no room. */
  push(item: Waiting): boolean {
    if (this.#bytes - this.#spare + item.bytes.length > this.#maxBytes) return false;
    while (this.#bytes + item.bytes.length > this.#maxBytes) {
      const oldest = this.#items.findIndex(({ droppable }) => droppable);
      this.#count(this.#items.splice(oldest, 1)[0]!, -1);
      this.#onDrop();
    }
    this.#items.push(item);
    this.#count(item, 1);
    return true;
  }

  /** Hands everything to `post`, oldest first. */
  flush(post: (parcel: Parcel) => Fate): void {
    const items = this.#items;
    this.clear();
    for (const item of items) if (item.wanted()) item.posted(post(item));
  }

  clear(): void {
    this.#items = [];
    this.#bytes = 0;
    this.#spare = 0;
  }

  #count({ bytes, droppable }: Waiting, sign: 1 | -1): void {
    this.#bytes += sign * bytes.length;
    if (droppable) this.#spare += sign * bytes.length;
  }
}
