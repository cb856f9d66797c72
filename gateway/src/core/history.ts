import { ChannelLog, type LogOptions } from './channel-log.ts';

/** How long and how much a channel is remembered. */
export interface HistoryOptions extends LogOptions {
  /**
   * For how long a channel is remembered after the last event and the last subscriber, ms, if that is longer than
   * `ttl`: then whoever comes back learns whether anything was missed.
   */
  readonly linger: number;
}

/** What remembering a channel costs, without its events, about. */
const CHANNEL_COST = 512;
/** Channels that one `sweep` looks at: some 20 us of work. */
const SWEEP = 256;

/**
 * A channel, and its place among those that may have memory to give back, the one whose last event is longest ago first: a
 * ring through one place that stands for the ring itself.
 */
class Place {
  readonly channel: string;
  readonly log: ChannelLog;
  readonly keepFor: number;
  /** Somebody here is subscribed to it by name. */
  held = false;
  /** When it last had an event, or a subscriber. */
  touched = 0;
  before: Place = this;
  behind: Place = this;

  constructor(channel: string, log: ChannelLog, keepFor: number) {
    this.channel = channel;
    this.log = log;
    this.keepFor = keepFor;
  }
}

/**
 * The sequences of all channels and what is kept of them, within one budget of bytes. Over it the channel whose last
 * event is longest ago is forgotten: as a whole, or only its events where it has subscribers. A channel that is
 * forgotten begins a new epoch when it comes back, so a position never means two things.
 */
export class History {
  readonly #maxBytes: number;
  readonly #newEpoch: () => string;
  readonly #places = new Map<string, Place>();
  readonly #ring: Place;
  #hand = this.#places.values();
  #logBytes = 0;
  #floor = 0;
  #evicted = 0;

  constructor(maxBytes: number, newEpoch: () => string) {
    this.#maxBytes = maxBytes;
    this.#newEpoch = newEpoch;
    this.#ring = new Place('', new ChannelLog('', { size: 0, ttl: 0 }), 0);
  }

  /** `evicted`: channels that the budget had no room for any more, since the gateway began. */
  get stats(): { readonly channels: number; readonly bytes: number; readonly evicted: number } {
    return { channels: this.#places.size, bytes: this.#bytes, evicted: this.#evicted };
  }

  /** The highest `seq` of any channel that was forgotten. */
  get floor(): number {
    return this.#floor;
  }

  get(channel: string): ChannelLog | undefined {
    return this.#places.get(channel)?.log;
  }

  /**
   * The channel's log, a new one where it is not remembered. `start`: after which `seq` a new one begins; `floor`
   * where somebody reaches it by a wildcard, who may know newer states from its last life and must not take the next
   * ones for older.
   */
  open(channel: string, options: HistoryOptions, now: number, start = 0): ChannelLog {
    const known = this.#places.get(channel);
    // What has been idle for too long is forgotten, whether or not a sweep came by.
    if (known !== undefined && !this.#isOver(known, now)) return known.log;
    if (known !== undefined) this.#forget(known);
    const log = new ChannelLog(this.#newEpoch(), options, start);
    const place = new Place(channel, log, Math.max(options.ttl, options.linger));
    place.touched = now;
    this.#places.set(channel, place);
    this.#queue(place);
    this.#shrink(place);
    return log;
  }

  /** The channel has a subscriber: it is remembered until `release`. */
  hold(channel: string): void {
    this.#known(channel).held = true;
  }

  /** Its last subscriber is gone. */
  release(channel: string, now: number): void {
    const place = this.#places.get(channel);
    if (place === undefined) return;
    place.held = false;
    place.touched = now;
    if (place.behind === place) this.#queue(place);
  }

  /** The next event of an open channel: kept, or only counted where there are no `bytes`. */
  append(channel: string, seq: number, bytes: Uint8Array | undefined, now: number): void {
    const place = this.#known(channel);
    const { log } = place;
    const before = log.bytes;
    if (bytes === undefined) log.skip(seq);
    else log.push(seq, bytes, now);
    this.#logBytes += log.bytes - before;
    place.touched = now;
    this.#queue(place);
    this.#shrink(place);
  }

  /** Gives back the memory of what is too old, some channels at a time. To be called a few times a second. */
  sweep(now: number, channels: number = SWEEP): void {
    for (let left = Math.min(channels, this.#places.size); left > 0; left--) {
      let { value: place } = this.#hand.next();
      if (place === undefined) {
        this.#hand = this.#places.values();
        ({ value: place } = this.#hand.next());
        if (place === undefined) return;
      }
      if (this.#isOver(place, now)) this.#forget(place);
      else this.#expire(place, now);
    }
  }

  get #bytes(): number {
    return this.#logBytes + this.#places.size * CHANNEL_COST;
  }

  #known(channel: string): Place {
    const place = this.#places.get(channel);
    if (place === undefined) throw new Error(`the channel is not open: '${channel}'`);
    return place;
  }

  #isOver({ held, touched, keepFor }: Place, now: number): boolean {
    return !held && touched + keepFor <= now;
  }

  #expire(place: Place, now: number): void {
    const before = place.log.bytes;
    place.log.expire(now);
    this.#logBytes += place.log.bytes - before;
  }

  #forget(place: Place): void {
    this.#places.delete(place.channel);
    this.#logBytes -= place.log.bytes;
    this.#floor = Math.max(this.#floor, place.log.seq);
    unlink(place);
  }

  /** The channel that has just been used is the last to go, and it gives its oldest events, not all. */
  #shrink(used: Place): void {
    while (this.#bytes > this.#maxBytes) {
      const place = this.#ring.behind;
      if (place === this.#ring) return;
      const { log } = place;
      if (place === used) {
        const before = log.bytes;
        if (!log.shift()) return;
        this.#logBytes += log.bytes - before;
        continue;
      }
      if (log.length > 0 || !place.held) this.#evicted++;
      if (place.held) {
        this.#logBytes -= log.bytes;
        while (log.shift());
        // Until its next event or `release` it has nothing more to give.
        unlink(place);
      } else {
        this.#forget(place);
      }
    }
  }

  /** To the end of the ring. */
  #queue(place: Place): void {
    unlink(place);
    place.behind = this.#ring;
    place.before = this.#ring.before;
    this.#ring.before.behind = this.#ring.before = place;
  }
}

function unlink(place: Place): void {
  place.before.behind = place.behind;
  place.behind.before = place.before;
  place.before = place.behind = place;
}
