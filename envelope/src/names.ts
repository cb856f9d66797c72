import { MAX_LIST } from './bounds.ts';
import type { Dictionary, Names, Route } from './envelope.ts';
import { ProtocolError } from './errors.ts';

/** A few kilobytes per NAMES envelope, so that a long dictionary stays under every size limit. */
const NAMES_BYTES = 8192;

/**
 * The assigning end: numbers for names, shared by everything this end sends. Routes and keys count apart,
 * each from 0. A number is never given twice; when `capacity` names are held the book clears and counts on,
 * so a stream of ever new names costs bounded memory.
 */
export class NameBook {
  readonly #capacity: number;
  readonly #routes = new Map<string, Map<string, number>>();
  readonly #keys = new Map<string, number>();
  /** By number, less the number of the first since the last clear. */
  #routeList: Route[] = [];
  #keyList: string[] = [];
  #firstRoute = 0;
  #firstKey = 0;

  /** `capacity`: routes held, and likewise keys. */
  constructor(capacity = 65536) {
    this.#capacity = capacity;
  }

  /** The number of a channel and type; a new one where it has none. */
  route(channel: string, type: string): number {
    const known = this.#routes.get(channel)?.get(type);
    if (known !== undefined) return known;
    if (this.#routeList.length >= this.#capacity) {
      this.#firstRoute += this.#routeList.length;
      this.#routeList = [];
      this.#routes.clear();
    }
    const number = this.#firstRoute + this.#routeList.push({ channel, type }) - 1;
    const types = this.#routes.get(channel);
    if (types) types.set(type, number);
    else this.#routes.set(channel, new Map([[type, number]]));
    return number;
  }

  /** The number of a key; a new one where it has none. */
  key(key: string): number {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    if (this.#keyList.length >= this.#capacity) {
      this.#firstKey += this.#keyList.length;
      this.#keyList = [];
      this.#keys.clear();
    }
    const number = this.#firstKey + this.#keyList.push(key) - 1;
    this.#keys.set(key, number);
    return number;
  }

  /** What a route number stands for; undefined once it was cleared away. */
  describeRoute(number: number): Route | undefined {
    return this.#routeList[number - this.#firstRoute];
  }

  /** What a key number stands for; undefined once it was cleared away. */
  describeKey(number: number): string | undefined {
    return this.#keyList[number - this.#firstKey];
  }
}

/** A definition that waits for `take`, or travels in a NAMES envelope not yet acknowledged. */
const QUEUED = Number.POSITIVE_INFINITY;

/**
 * Which numbers of a book one peer knows. A number may be used once the peer has said NAMED for the NAMES
 * envelope that defined it: only then can no datagram overtake its definition.
 */
export class NameLedger {
  readonly #book: NameBook;
  readonly #maxNames: number;
  /** Number -> how many NAMES the peer must have taken in before it knows this one. */
  readonly #routes = new Map<number, number>();
  readonly #keys = new Map<number, number>();
  #newRoutes: Names['routes'][number][] = [];
  #newKeys: Names['keys'][number][] = [];
  #sent = 0;
  #acknowledged = 0;

  /** `maxNames`: the peer's limit on definitions, routes and keys together. Past it names stay spelled out. */
  constructor(book: NameBook, maxNames: number) {
    this.#book = book;
    this.#maxNames = maxNames;
  }

  /** May these numbers be used towards the peer now? Where not, their definitions are queued, once. */
  knows(route: number, key: number | undefined): boolean {
    const routeAt = this.#routes.get(route) ?? this.#defineRoute(route);
    // Without its route a key is of no use, so it takes no place either.
    if (routeAt === undefined) return false;
    if (key === undefined) return routeAt <= this.#acknowledged;
    const keyAt = this.#keys.get(key) ?? this.#defineKey(key);
    return keyAt !== undefined && routeAt <= this.#acknowledged && keyAt <= this.#acknowledged;
  }

  /** The next NAMES envelope to send, reliably and in order; undefined when there is none. Call until then. */
  take(): Names | undefined {
    if (this.#newRoutes.length + this.#newKeys.length === 0) return undefined;
    this.#sent++;
    let room = NAMES_BYTES;
    const routes = this.#newRoutes.splice(
      0,
      fitting(this.#newRoutes, (route) => {
        room -= 16 + 3 * (route.channel.length + route.type.length);
        return room >= 0;
      }),
    );
    const keys = this.#newKeys.splice(
      0,
      fitting(this.#newKeys, ({ key }) => {
        room -= 16 + 3 * key.length;
        return room >= 0;
      }),
    );
    for (const { number } of routes) this.#routes.set(number, this.#sent);
    for (const { number } of keys) this.#keys.set(number, this.#sent);
    return { kind: 'names', routes, keys };
  }

  /** Takes the `count` of a NAMED. Throws `bad-value` when the peer claims more than it was sent. */
  acknowledge(count: number): void {
    if (count > this.#sent) throw new ProtocolError('bad-value', `${count} NAMES of ${this.#sent}`);
    this.#acknowledged = Math.max(this.#acknowledged, count);
  }

  get #full(): boolean {
    return this.#routes.size + this.#keys.size >= this.#maxNames;
  }

  #defineRoute(number: number): number | undefined {
    const route = this.#full ? undefined : this.#book.describeRoute(number);
    if (!route) return undefined;
    this.#routes.set(number, QUEUED);
    this.#newRoutes.push({ number, ...route });
    return QUEUED;
  }

  #defineKey(number: number): number | undefined {
    const key = this.#full ? undefined : this.#book.describeKey(number);
    if (key === undefined) return undefined;
    this.#keys.set(number, QUEUED);
    this.#newKeys.push({ number, key });
    return QUEUED;
  }
}

/** How many items from the front `fits` lets pass, within the bound of a list. */
function fitting<T>(items: readonly T[], fits: (item: T) => boolean): number {
  const stop = items.findIndex((item, index) => index >= MAX_LIST || !fits(item));
  return stop < 0 ? items.length : stop;
}

/** The receiving end: what the peer's numbers stand for, and the clock that compact times are rebuilt from. */
export class NameTable implements Dictionary {
  readonly #maxNames: number;
  readonly #routes = new Map<number, Route>();
  readonly #keys = new Map<number, string>();
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
    return this.#routes.get(number);
  }

  key(number: number): string | undefined {
    return this.#keys.get(number);
  }
}

function redefined(what: string, number: number): ProtocolError {
  return new ProtocolError('bad-value', `${what} ${number} already means something else`);
}
