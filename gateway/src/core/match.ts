/** A subscriber of a channel, and from where on. Ask `since` first, at each event. */
export interface Match<Subscriber> {
  /** It gets what has a greater `seq`. Infinity: nothing yet, or nothing any more. */
  readonly since: number;
  /** While `since` is finite. */
  readonly subscriber: Subscriber;
}

/** One subscriber's subscription to one name or pattern. */
export class Subscription<Subscriber> implements Match<Subscriber> {
  subscriber: Subscriber;
  since = Number.POSITIVE_INFINITY;

  constructor(subscriber: Subscriber) {
    this.subscriber = subscriber;
  }

  /** Lists that nobody has asked for since may hold on to it: they must not hold a closed session. */
  end(): void {
    this.since = Number.POSITIVE_INFINITY;
    this.subscriber = undefined as Subscriber;
  }
}

/** Several subscriptions of one subscriber that match the same channel: it gets each event once. */
class Overlap<Subscriber> implements Match<Subscriber> {
  readonly #parts: Match<Subscriber>[];

  constructor(...parts: Match<Subscriber>[]) {
    this.#parts = parts;
  }

  get since(): number {
    return this.#first().since;
  }

  get subscriber(): Subscriber {
    return this.#first().subscriber;
  }

  add(part: Match<Subscriber>): void {
    this.#parts.push(part);
  }

  #first(): Match<Subscriber> {
    let first = this.#parts[0]!;
    for (const part of this.#parts) if (part.since < first.since) first = part;
    return first;
  }
}

/** Those to one name or pattern. */
export type Subscriptions<Subscriber> = Map<Subscriber, Subscription<Subscriber>>;

/** Everybody in them, once. */
export function merge<Subscriber>(found: readonly Subscriptions<Subscriber>[]): readonly Match<Subscriber>[] {
  if (found.length === 1) return [...found[0]!.values()];
  const matches = new Map<Subscriber, Match<Subscriber>>();
  for (const subscriptions of found) {
    for (const [subscriber, subscription] of subscriptions) {
      const other = matches.get(subscriber);
      if (other === undefined) matches.set(subscriber, subscription);
      else if (other instanceof Overlap) other.add(subscription);
      else matches.set(subscriber, new Overlap(other, subscription));
    }
  }
  return [...matches.values()];
}
