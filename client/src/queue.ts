import { isDroppable, type Outgoing, slotOf } from './outbox.ts';

interface Item {
  envelope: Outgoing;
  size: number;
  expires: number;
}

/** Hears of what is dropped. */
export type OnDrop = (envelope: Outgoing, name: 'superseded' | 'expired' | 'backlog') => void;

/**
 * Messages and requests while there is no connection, in order and within a bound. A `latest` message takes the place of
 * the one before it of its slot; an `unreliable` one would be too old when there is a connection again.
 */
export class Queue {
  readonly #maxBytes: number;
  readonly #onDrop: OnDrop;
  /** In order, by slot or whatever else is unique. */
  readonly #items = new Map<unknown, Item>();
  #bytes = 0;
  /** Of these, what may be dropped. */
  #spare = 0;

  constructor(maxBytes: number, onDrop: OnDrop) {
    this.#maxBytes = maxBytes;
    this.#onDrop = onDrop;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes an envelope of `size` bytes, if need be instead of the oldest that may be dropped. `now` in ms. */
  push(envelope: Outgoing, size: number, now: number): 'sent' | 'dropped' | 'queue-full' {
    const slot = slotOf(envelope);
    const isDue = isDroppable(envelope);
    if ((isDue && slot === undefined) || this.#bytes - this.#spare + size > this.#maxBytes) {
      if (!isDue) return 'queue-full';
      this.#onDrop(envelope, 'backlog');
      return 'dropped';
    }
    const { maxAge = Number.POSITIVE_INFINITY } = envelope as { maxAge?: number };
    const expires = isDue ? now + maxAge : Number.POSITIVE_INFINITY;
    const key = slot ?? envelope;
    const old = this.#items.get(key);
    if (old) this.#count(old, -1, 'superseded');
    const item = Object.assign(old ?? {}, { envelope, size, expires });
    this.#items.set(key, item);
    this.#count(item, 1);
    for (const [key, other] of this.#items) {
      if (this.#bytes <= this.#maxBytes) break;
      if (other === item || !isDroppable(other.envelope)) continue;
      this.#items.delete(key);
      this.#count(other, -1, 'backlog');
    }
    return 'sent';
  }

  /** Everything that is still worth something, oldest first; nothing is left. */
  take(now: number): Outgoing[] {
    const taken: Outgoing[] = [];
    for (const { envelope, expires } of this.#items.values()) {
      if (expires > now) taken.push(envelope);
      else this.#onDrop(envelope, 'expired');
    }
    this.#items.clear();
    this.#bytes = this.#spare = 0;
    return taken;
  }

  #count({ envelope, size }: Item, sign: 1 | -1, name?: 'superseded' | 'backlog'): void {
    this.#bytes += sign * size;
    if (isDroppable(envelope)) this.#spare += sign * size;
    if (name) this.#onDrop(envelope, name);
  }
}
