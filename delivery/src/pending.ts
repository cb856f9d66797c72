import type { DropName, Fate, Message, Outcomes } from './message.ts';
import { nothing, owned } from './nothing.ts';

/**
 * How many `latest` slots are kept, waiting and in flight. More entities than this in one session are more than a
 * client draws, and the table costs about 200 bytes a slot.
 */
const SLOTS = 1024;
/**
 * How far `latest` messages may grow over the soft budget: dropping the newest state of an entity is worse than a
 * little memory. With the defaults this is the hard budget, 1 MiB.
 */
const LATEST_BUDGETS = 4;
const FOREVER = Number.POSITIVE_INFINITY;

/**
 * A place in a line. The place of a slot outlives its message: a newer one takes it over. A line is a ring of places
 * through one that stands for the line itself: `behind` that is the first, `before` it the last. Being never due and
 * never next, it needs no exception anywhere.
 */
class Place {
  message!: Message;
  /** When `message` is worth nothing any more. */
  expires = FOREVER;
  /** Lower goes first, over both lines. 0: not in line, on its way. */
  turn = 0;
  before: Place = this;
  behind: Place = this;
}

function line(): Place {
  const ring = new Place();
  ring.turn = FOREVER;
  return ring;
}

function insert(place: Place, before: Place): void {
  place.behind = before;
  place.before = before.before;
  place.before.behind = before.before = place;
}

/**
 * The messages of one session that may be dropped and that found no room in the window: here they can still be
 * replaced, expire or be dropped, each by name. It also knows the newest `latest` message of every slot until that is
 * known to be delivered, so that a lost one is sent again exactly if it still matters.
 *
 * Bounded: over `softBudget` bytes the oldest `unreliable` is dropped (`backlog`), over four times that the oldest
 * `latest`, and so over 1024 slots.
 */
export class Pending {
  /** Bytes that wait. */
  bytes = 0;
  /** Messages that wait. */
  size = 0;
  readonly #softBudget: number;
  readonly #outcomes: Outcomes;
  readonly #latest = line();
  readonly #unreliable = line();
  #slots = nothing<string, Place>();
  #back = 0;
  #front = 0;

  constructor(softBudget: number, outcomes: Outcomes) {
    this.#softBudget = softBudget;
    this.#outcomes = outcomes;
  }

  /** Slots whose newest message waits or is on its way. */
  get slots(): number {
    return this.#slots.size;
  }

  /** When the first of either class expires, or the past; what expires behind it is dropped when it gets there. */
  get nextExpiry(): number | undefined {
    const next = Math.min(this.#latest.behind.expires, this.#unreliable.behind.expires);
    return next < FOREVER ? next : undefined;
  }

  /** The newest message of a slot that is not yet known to be delivered. */
  current(slot: string): Message | undefined {
    return this.#slots.get(slot)?.message;
  }

  /** Takes a message in; 'backlog' when it is itself the one that the budget has no room for. */
  add(message: Message, now: number): Fate {
    const { slot, maxAge = FOREVER } = message;
    const place = (slot === undefined ? undefined : this.#slots.get(slot)) ?? new Place();
    if (place.turn) {
      this.bytes += message.bytes.length - place.message.bytes.length;
      this.#tell(place.message, 'superseded');
    }
    place.message = message;
    place.expires = now + maxAge;
    if (!place.turn) {
      this.#enter(place, ++this.#back);
      if (slot !== undefined) {
        this.#slots = owned(this.#slots);
        this.#slots.set(slot, place);
        if (this.#slots.size > SLOTS) this.#forgetOldest(place);
      }
    }
    while (this.size > 1) {
      const { behind } = this.#unreliable;
      const states = behind === this.#unreliable;
      if (this.bytes <= this.#softBudget * (states ? LATEST_BUDGETS : 1)) break;
      const oldest = states ? this.#latest.behind : behind;
      this.drop(oldest.message, 'backlog');
      if (oldest === place) return 'backlog';
    }
    return 'queued';
  }

  /** The next in line. Expired ones before it are dropped. */
  peek(now: number): Message | undefined {
    return this.#next(now).message;
  }

  /**
   * A packet's worth, in order: as many as fit into `maxBytes` at `perMessage` bytes of framing each, and at least one
   * if any waits. A `latest` message stays the current one of its slot until `delivered` or `drop`.
   */
  takeInto(maxBytes: number, now: number, perMessage = 0): Message[] {
    const taken: Message[] = [];
    let room = maxBytes;
    for (let next = this.#next(now); next.turn < FOREVER; next = this.#next(now)) {
      room -= next.message.bytes.length + perMessage;
      if (room < 0 && taken.length > 0) break;
      taken.push(next.message);
      this.#leave(next);
    }
    return taken;
  }

  /** The network lost it. A `latest` message that is still the newest of its slot goes to the front of the line. */
  requeue(message: Message): void {
    const { id, slot } = message;
    if (slot === undefined) {
      // No name and no count: nobody here dropped it.
      if (id !== undefined) this.#outcomes.outcome(id, 'dropped');
    } else if (this.current(slot) !== message) this.#tell(message, 'superseded');
    else {
      const place = this.#slots.get(slot)!;
      // Below every turn there is, and never 0.
      if (!place.turn) this.#enter(place, --this.#front);
    }
  }

  /** The far end has it, perhaps after it was given up and waits to be sent again. */
  delivered(message: Message): void {
    if (message.id !== undefined) this.#outcomes.outcome(message.id, 'delivered');
    this.#forget(message);
  }

  /** Gives up a message: the next of its class, a taken one, or one that never was in line. */
  drop(message: Message, name: DropName): void {
    const next = this.#unreliable.behind;
    if (next.message === message) this.#leave(next);
    this.#forget(message);
    this.#tell(message, name);
  }

  /** Gives up all that waits. */
  clear(): void {
    for (const line of [this.#latest, this.#unreliable]) {
      while (line.behind !== line) this.drop(line.behind.message, 'backlog');
    }
  }

  #next(now: number): Place {
    while (this.#latest.behind.expires <= now) this.drop(this.#latest.behind.message, 'expired');
    while (this.#unreliable.behind.expires <= now) this.drop(this.#unreliable.behind.message, 'expired');
    const latest = this.#latest.behind;
    const unreliable = this.#unreliable.behind;
    return unreliable.turn < latest.turn ? unreliable : latest;
  }

  /** Puts a place at the back of its line, or with a turn below 0 at the front. */
  #enter(place: Place, turn: number): void {
    const { bytes, slot } = place.message;
    const line = slot === undefined ? this.#unreliable : this.#latest;
    insert(place, turn < 0 ? line.behind : line);
    place.turn = turn;
    this.bytes += bytes.length;
    this.size++;
  }

  #leave(place: Place): void {
    place.before.behind = place.behind;
    place.behind.before = place.before;
    // Or one old place that the collector has not come to keeps all behind it.
    place.before = place.behind = place;
    place.turn = 0;
    this.bytes -= place.message.bytes.length;
    this.size--;
  }

  #forget(message: Message): void {
    if (message.slot === undefined) return;
    const place = this.#slots.get(message.slot);
    if (place?.message !== message) return;
    if (place.turn) this.#leave(place);
    this.#slots.delete(message.slot);
  }

  #forgetOldest(newest: Place): void {
    const oldest = this.#latest.behind;
    if (oldest !== newest) this.drop(oldest.message, 'backlog');
    // All others are on their way: the oldest is not dropped, only not sent again should it be lost.
    else this.#slots.delete(this.#slots.keys().next().value!);
  }

  #tell({ id }: Message, name: DropName): void {
    this.#outcomes.dropped(name);
    if (id === undefined) return;
    this.#outcomes.outcome(id, name === 'expired' || name === 'superseded' ? name : 'dropped');
  }
}
