import { type Fate, isDroppable, type Outgoing } from './outbox.ts';
import type { Meter } from './stats.ts';

interface Item {
  readonly envelope: Outgoing;
  readonly size: number;
  readonly droppable: boolean;
}

/** Messages and requests while there is no connection, in order and within a bound. */
export class Queue {
  readonly #maxBytes: number;
  readonly #meter: Meter;
  #items: Item[] = [];
  #bytes = 0;
  /** Of these, what may be dropped. */
  #spare = 0;

  /** `meter` counts the messages that make room for newer ones. */
  constructor(maxBytes: number, meter: Meter) {
    this.#maxBytes = maxBytes;
    this.#meter = meter;
  }

  /** Takes an envelope of `size` bytes, if need be instead of the oldest that may be dropped. Undefined: it is in. */
  push(envelope: Outgoing, size: number): Fate | undefined {
    const droppable = isDroppable(envelope);
    if (this.#bytes - this.#spare + size > this.#maxBytes) return droppable ? 'backlog' : 'queue-full';
    while (this.#bytes + size > this.#maxBytes) {
      const oldest = this.#items.findIndex((item) => item.droppable);
      this.#count(this.#items.splice(oldest, 1)[0]!, -1);
      this.#meter.drop('backlog');
    }
    const item = { envelope, size, droppable };
    this.#items.push(item);
    this.#count(item, 1);
    return undefined;
  }

  /** Everything, oldest first; nothing is left. */
  take(): Outgoing[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = this.#spare = 0;
    return items.map(({ envelope }) => envelope);
  }

  #count({ size, droppable }: Item, sign: 1 | -1): void {
    this.#bytes += sign * size;
    if (droppable) this.#spare += sign * size;
  }
}
