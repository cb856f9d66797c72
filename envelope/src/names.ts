import type { Dictionary, Names, Route } from './envelope.ts';
import { ProtocolError } from './errors.ts';

/** Numbers for things told apart by a string, counted up from 0. */
class Numbering<T> {
  readonly #capacity: number;
  readonly #numbers = new Map<string, number>();
  /** What the numbers from `#first` on stand for. */
  #meanings: T[] = [];
  #first = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  number(name: string, meaning: () => T): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#meanings.length >= this.#capacity) {
      this.#first += this.#meanings.length;
      this.#meanings = [];
      this.#numbers.clear();
    }
    const number = this.#first + this.#meanings.push(meaning()) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  meaning(number: number): T | undefined {
    return this.#meanings[number - this.#first];
  }
}

/**
 * The assigning end: numbers for names, shared by everything this end sends. Routes and keys count apart,
 * each from 0. A number is never given twice; when `capacity` names are held the book clears and counts on,
 * so a stream of ever new names costs bounded memory.
 */
export class NameBook {
  readonly #routes: Numbering<Route>;
  readonly #keys: Numbering<string>;

  /** `capacity`: routes held, and likewise keys. */
  constructor(capacity = 65536) {
    this.#routes = new Numbering(capacity);
    this.#keys = new Numbering(capacity);
  }

  /** The number of a channel and type; a new one where it has none. */
  route(channel: string, type: string): number {
    // No channel has a line feed in it, so this is one name for one route.
    return this.#routes.number(`${channel}\n${type}`, () => ({ channel, type }));
  }

  /** The number of a key; a new one where it has none. */
  key(key: string): number {
    return this.#keys.number(key, () => key);
  }

  /** What a route number stands for; undefined once it was cleared away. */
  describeRoute(number: number): Route | undefined {
    return this.#routes.meaning(number);
  }

  /** What a key number stands for; undefined once it was cleared away. */
  describeKey(number: number): string | undefined {
    return this.#keys.meaning(number);
  }
}

/** Names in one NAMES envelope: at their longest about 40 KB, under the usual limit on messages. */
const BATCH = 128;

/** A definition that waits for `take`. */
const QUEUED = Number.POSITIVE_INFINITY;

/**
 * Which numbers of a book one peer knows. A number may be used once the peer has said NAMED for the NAMES
 * envelope that defined it: only then can no datagram overtake its definition.
 */
export class NameLedger {
  readonly #book: NameBook;
  readonly #maxNames: number;
  /** Number -> how many NAMES the peer must have taken in before it knows this one. */
  #routes: Map<number, number> | undefined;
  #keys: Map<number, number> | undefined;
  #newRoutes: Names['routes'][number][] | undefined;
  #newKeys: Names['keys'][number][] | undefined;
  #sent = 0;
  #acknowledged = 0;

  /** `maxNames`: the peer's limit on definitions, routes and keys together. Past it names stay spelled out. */
  constructor(book: NameBook, maxNames: number) {
    this.#book = book;
    this.#maxNames = maxNames;
  }

  /** May these numbers be used towards the peer now? Where not, their definitions are queued, once. */
  knows(route: number, key: number | undefined): boolean {
    const routeAt = this.#routes?.get(route) ?? this.#defineRoute(route);
    // Without its route a key is of no use, so it takes no place either.
    if (routeAt === undefined) return false;
    const keyAt = key === undefined ? 0 : (this.#keys?.get(key) ?? this.#defineKey(key));
    return keyAt !== undefined && Math.max(routeAt, keyAt) <= this.#acknowledged;
  }

  /** The next NAMES envelope to send, reliably and in order; undefined when there is none. Call until then. */
  take(): Names | undefined {
    const routes = this.#newRoutes?.splice(0, BATCH) ?? [];
    const keys = this.#newKeys?.splice(0, BATCH - routes.length) ?? [];
    if (routes.length + keys.length === 0) return undefined;
    this.#sent++;
    for (const { number } of routes) this.#routes?.set(number, this.#sent);
    for (const { number } of keys) this.#keys?.set(number, this.#sent);
    return { kind: 'names', routes, keys };
  }

  /** Takes the `count` of a NAMED. Throws `bad-value` when the peer claims more than it was sent. */
  acknowledge(count: number): void {
    if (count > this.#sent) throw new ProtocolError('bad-value', `${count} NAMES of ${this.#sent}`);
    this.#acknowledged = Math.max(this.#acknowledged, count);
  }

  get #full(): boolean {
    return (this.#routes?.size ?? 0) + (this.#keys?.size ?? 0) >= this.#maxNames;
  }

  #defineRoute(number: number): number | undefined {
    const route = this.#full ? undefined : this.#book.describeRoute(number);
    if (!route) return undefined;
    this.#routes ??= new Map();
    this.#routes.set(number, QUEUED);
    this.#newRoutes ??= [];
    this.#newRoutes.push({ number, ...route });
    return QUEUED;
  }

  #defineKey(number: number): number | undefined {
    const key = this.#full ? undefined : this.#book.describeKey(number);
    if (key === undefined) return undefined;
    this.#keys ??= new Map();
    this.#keys.set(number, QUEUED);
    this.#newKeys ??= [];
    this.#newKeys.push({ number, key });
    return QUEUED;
  }
}

/** The receiving end: what the peer's numbers stand for, and the clock that compact times are rebuilt from. */
export class NameTable implements Dictionary {
  readonly #maxNames: number;
  /** Made when the peer defines one. */
  #routes: Map<number, Route> | undefined;
  #keys: Map<number, string> | undefined;
  #count = 0;

  /** Gateway clock in ms, right within an hour. The owner keeps it so. */
  clock = 0;

  /** `maxNames`: definitions taken, routes and keys together. */
  constructor(maxNames: number) {
    this.#maxNames = maxNames;
  }

  /** NAMES envelopes taken in; what to answer in NAMED. */
  get count(): number {
    return this.#count;
  }

  /** Throws `bad-value` for a number that already means something else, or for more than `maxNames`. */
  define(names: Names): void {
    this.#routes ??= new Map();
    this.#keys ??= new Map();
    for (const { number, channel, type } of names.routes) {
      const old = this.#routes.get(number);
      if (old && (old.channel !== channel || old.type !== type)) throw redefined('route', number);
      this.#routes.set(number, { channel, type });
    }
    for (const { number, key } of names.keys) {
      if ((this.#keys.get(number) ?? key) !== key) throw redefined('key', number);
      this.#keys.set(number, key);
    }
    if (this.#routes.size + this.#keys.size > this.#maxNames) {
      throw new ProtocolError('bad-value', `more than ${this.#maxNames} names`);
    }
    this.#count++;
  }

  route(number: number): Route | undefined {
    return this.#routes?.get(number);
  }

  key(number: number): string | undefined {
    return this.#keys?.get(number);
  }
}

function redefined(what: string, number: number): ProtocolError {
  return new ProtocolError('bad-value', `${what} ${number} already means something else`);
}
