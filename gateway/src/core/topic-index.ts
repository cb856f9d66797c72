import { type Match, merge, Subscription, type Subscriptions } from './match.ts';
import { isWildcard } from './pattern-reach.ts';

/**
 * Subscribers in all cached lists together, of 8 bytes each; a list for itself counts as `LIST_COST` of them. 8 MiB:
 * 10 000 channels of 72 subscribers.
 */
const CAPACITY = 1024 * 1024;
const LIST_COST = 32;

/** A segment of wildcard patterns; `+` and `#` are segments like any other, for no channel has them. */
interface Node<Subscriber> {
  children: Map<string, Node<Subscriber>> | undefined;
  /** Of the pattern that ends here. */
  subscriptions: Subscriptions<Subscriber> | undefined;
  /** Goes up whenever a pattern that begins with the names down to here comes or goes. */
  version: number;
}

interface MatchList<Subscriber> {
  readonly matches: readonly Match<Subscriber>[];
  /** Where patterns may come or go that change this list. */
  readonly scopes: readonly Node<Subscriber>[];
  /** The sum of their versions, which only rise. */
  readonly version: number;
  /** Since the hand of the clock was here last. */
  used: boolean;
}

/**
 * Who is subscribed to what, by name and by pattern: `sensors/+/temp`, `sensors/#`. Names are in a map, patterns in a
 * trie. What a channel comes to is kept as a list until a subscription changes it, so that the way of an event looks
 * nothing up but that list; making one costs the trie's branches that fit the channel (at most 2 to the number of its
 * segments, however many subscriptions there are) and the subscribers found.
 */
export class TopicIndex<Subscriber> {
  readonly #capacity: number;
  readonly #names = new Map<string, Subscriptions<Subscriber>>();
  readonly #root: Node<Subscriber> = newNode();
  readonly #lists = new Map<string, MatchList<Subscriber>>();
  #hand = this.#lists.entries();
  #weight = 0;
  #size = 0;

  /** `capacity`: see `CAPACITY`. The list made last is kept even if it is larger. */
  constructor(capacity: number = CAPACITY) {
    this.#capacity = capacity;
  }

  /** Subscriptions. */
  get size(): number {
    return this.#size;
  }

  /** Lists that are kept. */
  get lists(): number {
    return this.#lists.size;
  }

  /** How many are subscribed with exactly this name or pattern. */
  count(pattern: string): number {
    return this.#at(pattern)?.size ?? 0;
  }

  /** The names that somebody is subscribed to. */
  names(): IterableIterator<string> {
    return this.#names.keys();
  }

  /** Those who are subscribed with exactly this name or pattern, and have joined. */
  *subscribers(pattern: string): Generator<Subscriber> {
    for (const { since, subscriber } of this.#at(pattern)?.values() ?? [])
      if (since < Number.POSITIVE_INFINITY) yield subscriber;
  }

  has(subscriber: Subscriber, pattern: string): boolean {
    return this.#at(pattern)?.has(subscriber) ?? false;
  }

  /** Nothing is for it before `join`. False: it is subscribed already, and nothing changed. */
  add(subscriber: Subscriber, pattern: string): boolean {
    if (this.has(subscriber, pattern)) return false;
    const subscriptions = isWildcard(pattern) ? this.#grow(pattern) : this.#name(pattern);
    subscriptions.set(subscriber, new Subscription(subscriber));
    this.#size++;
    return true;
  }

  /** From here on it gets what comes after `since`. Joining again changes nothing. */
  join(subscriber: Subscriber, pattern: string, since = 0): void {
    const subscription = this.#at(pattern)?.get(subscriber);
    if (subscription === undefined) throw new Error(`join without add: '${pattern}'`);
    if (subscription.since === Number.POSITIVE_INFINITY) subscription.since = since;
  }

  /** Takes effect at once, also where a list is being gone through. False: it was not subscribed. */
  remove(subscriber: Subscriber, pattern: string): boolean {
    const subscriptions = this.#at(pattern);
    const subscription = subscriptions?.get(subscriber);
    if (subscriptions === undefined || subscription === undefined) return false;
    subscription.end();
    subscriptions.delete(subscriber);
    this.#size--;
    if (isWildcard(pattern)) {
      const segments = pattern.split('/');
      if (subscriptions.size === 0) prune(this.#root, segments, 0);
      this.#touch(segments);
    } else {
      if (subscriptions.size === 0) this.#names.delete(pattern);
      this.#forget(pattern);
    }
    return true;
  }

  /** Each subscriber once. A later change of subscriptions makes another list; this one stays as it is. */
  matches(channel: string): readonly Match<Subscriber>[] {
    const kept = this.#lists.get(channel);
    if (kept !== undefined) {
      if (versionOf(kept.scopes) === kept.version) {
        kept.used = true;
        return kept.matches;
      }
      this.#forget(channel);
    }
    const list = this.#make(channel);
    this.#lists.set(channel, list);
    this.#weight += weightOf(list);
    this.#shrink(list);
    return list.matches;
  }

  #at(pattern: string): Subscriptions<Subscriber> | undefined {
    if (!isWildcard(pattern)) return this.#names.get(pattern);
    let node: Node<Subscriber> | undefined = this.#root;
    for (const segment of pattern.split('/')) node = node?.children?.get(segment);
    return node?.subscriptions;
  }

  #name(channel: string): Subscriptions<Subscriber> {
    let subscriptions = this.#names.get(channel);
    if (subscriptions === undefined) {
      subscriptions = new Map();
      this.#names.set(channel, subscriptions);
    }
    this.#forget(channel);
    return subscriptions;
  }

  #grow(pattern: string): Subscriptions<Subscriber> {
    const segments = pattern.split('/');
    // Before there are new nodes: no list that is kept knows those.
    this.#touch(segments);
    let node = this.#root;
    for (const segment of segments) {
      node.children ??= new Map();
      let child = node.children.get(segment);
      if (child === undefined) {
        child = newNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    node.subscriptions ??= new Map();
    return node.subscriptions;
  }

  /** Makes every kept list stale that a pattern may be part of: those of channels that begin with its names. */
  #touch(segments: readonly string[]): void {
    this.#path(segments).at(-1)!.version++;
  }

  /** The nodes of the leading names, as far as there are any. */
  #path(segments: readonly string[]): Node<Subscriber>[] {
    const path = [this.#root];
    for (const segment of segments) {
      const child = isWildcard(segment) ? undefined : path.at(-1)!.children?.get(segment);
      if (child === undefined) break;
      path.push(child);
    }
    return path;
  }

  #make(channel: string): MatchList<Subscriber> {
    const segments = channel.split('/');
    const scopes = this.#path(segments);
    const found: Subscriptions<Subscriber>[] = [];
    const named = this.#names.get(channel);
    if (named !== undefined) found.push(named);
    collect(this.#root, segments, 0, found);
    return { matches: merge(found), scopes, version: versionOf(scopes), used: false };
  }

  #forget(channel: string): void {
    const list = this.#lists.get(channel);
    if (list === undefined) return;
    this.#lists.delete(channel);
    this.#weight -= weightOf(list);
  }

  /** A clock: the hand goes round, and drops what was not used since its last round. */
  #shrink(newest: MatchList<Subscriber>): void {
    while (this.#weight > this.#capacity && this.#lists.size > 1) {
      const { value, done } = this.#hand.next();
      if (done) {
        this.#hand = this.#lists.entries();
        continue;
      }
      const [channel, list] = value;
      if (list.used) list.used = false;
      else if (list !== newest) this.#forget(channel);
    }
  }
}

function newNode<Subscriber>(): Node<Subscriber> {
  return { children: undefined, subscriptions: undefined, version: 0 };
}

function collect<Subscriber>(
  node: Node<Subscriber>,
  segments: readonly string[],
  depth: number,
  found: Subscriptions<Subscriber>[],
): void {
  const rest = node.children?.get('#')?.subscriptions;
  if (rest !== undefined) found.push(rest);
  const segment = segments[depth];
  if (segment === undefined) {
    if (node.subscriptions !== undefined) found.push(node.subscriptions);
    return;
  }
  const named = node.children?.get(segment);
  if (named !== undefined) collect(named, segments, depth + 1, found);
  const any = node.children?.get('+');
  if (any !== undefined) collect(any, segments, depth + 1, found);
}

/** Removes a pattern's end and what leads only there. True: nothing is left of the node. */
function prune<Subscriber>(node: Node<Subscriber>, segments: readonly string[], depth: number): boolean {
  const segment = segments[depth];
  if (segment === undefined) {
    node.subscriptions = undefined;
  } else if (prune(node.children!.get(segment)!, segments, depth + 1)) {
    node.children!.delete(segment);
    if (node.children!.size === 0) node.children = undefined;
  }
  return node.children === undefined && node.subscriptions === undefined;
}

function versionOf<Subscriber>(scopes: readonly Node<Subscriber>[]): number {
  let version = 0;
  for (const scope of scopes) version += scope.version;
  return version;
}

function weightOf<Subscriber>({ matches }: MatchList<Subscriber>): number {
  return matches.length + LIST_COST;
}
