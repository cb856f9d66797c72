import { MaxFilter } from './max-filter.ts';

/** How the count of deliveries stood when a packet left (draft-ietf-ccwg-bbr, section 4.1). */
export interface Mark {
  readonly sentAt: number;
  /** Bytes delivered until then. */
  readonly delivered: number;
  /** When the last of them was acknowledged, and when that one had left. */
  readonly heardAt: number;
  readonly heardSentAt: number;
  /** Whether there was less to send than room: then it says how much was sent, not how much could have been. */
  readonly limited: boolean;
  /** Whether our own packets cannot have delayed it. */
  readonly calm: boolean;
}

/** Bytes in flight before the first acknowledgement: two full datagrams. 80 kbit/s takes 240 ms to carry them. */
const FIRST_WINDOW = 2400;
/** Patience before the first acknowledgement, ms: twice the slowest ordinary path. */
const FIRST_PATIENCE = 1000;
/** What is allowed for on short paths, where timers and event loops are slower than the network, ms. */
const GRANULARITY = 10;
/** What busy event loops add to that, ms: of a state for each of 200 sessions the last is some 10 ms later than the first. */
const BUSY = 20;
/**
 * For how long TCP can hold everything back over one lost packet, ms: it sends it again after a round trip or two, for
 * which there is room anyhow, or, where that one is lost too, after its least timeout (RFC 6298 as Linux has it).
 */
const STALL = 200;
/**
 * A stall makes some acknowledgements look as if there were a queue; a narrow link makes all of them look so. From this
 * many on the link counts as narrow, as it does until a few did not; and no more than so many have to be made up for.
 */
const TIGHT = 8;
const TIGHT_FIRST = 12;
const TIGHT_MOST = 16;
/** For how long a shortest round trip is believed, ms; and while it is well above what it once was. */
const FLOOR_LIFETIME = 10_000;
const DOUBTFUL_LIFETIME = 2000;
/** The longest one that is believed, ms: above it is a queue, not a path. */
const FLOOR_MAX = 1000;
/** A rate this much above what was known is a wider link. */
const GROWTH = 1.25;
/** Rounds without growth after which the link counts as full. */
const FULL_ROUNDS = 3;

/**
 * What is known of the way to the far end: how much it carries, and how long that takes. Times in ms, rates in bytes
 * per ms.
 */
export class Path {
  /** Smoothed round trip, as in RFC 9002 section 5.3. Undefined before the first. */
  rtt: number | undefined;
  /** The shortest round trip lately: what is above it is a queue. */
  floor = Number.POSITIVE_INFINITY;
  /** The queue is to be emptied, since only that tells a longer path from a queue of our own. */
  probing = false;
  /** One lost packet holds back all behind it. */
  stalls = false;
  readonly #rate = new MaxFilter();
  readonly #heap = new MaxFilter();
  /** Between a packet and its acknowledgement, the longest that it lately took, ms. */
  readonly #slowest = new MaxFilter();
  #variation = 0;
  /** The last round trip was longer than the path. */
  #queues = false;
  /** Acknowledgements that met a queue or a full window, less twice those that met neither. */
  #tight = TIGHT_FIRST;
  /** It was longer by more than event loops at work account for: by a queue of the network. */
  crowded = false;
  #floorAt = 0;
  /** The shortest round trip in a long time. */
  #ground = Number.POSITIVE_INFINITY;
  #known = 0;
  #still = 0;
  #roundEnd = 0;

  /** The most that arrived lately; 0 before the first acknowledgement. */
  get rate(): number {
    return this.#rate.value;
  }

  /** What may be in flight, bytes: what the path itself holds, and a little that finds out whether it holds more. */
  get window(): number {
    if (this.rate === 0) return FIRST_WINDOW;
    const bare = this.rate * Math.min(this.floor, FLOOR_MAX);
    const product = this.rate * this.#span;
    // With nothing queued, no acknowledgements are no sign of a narrow link; and what is held back comes all at once.
    const stalled = this.stalls && this.#tight < TIGHT ? this.rate * STALL : 0;
    // An acknowledgement speaks for a heap of packets that had all left the wire before it came.
    const heap = Math.min(this.#heap.value, product);
    const steady = Math.max(product, bare + heap);
    if (this.#still === FULL_ROUNDS) return steady + stalled;
    // Twice as much doubles the rate in a round; half as much again does not fill the queue of a link that has one.
    return stalled + (this.#queues ? Math.max(steady, 1.5 * bare + heap) : 2 * product + heap);
  }

  /**
   * For how long a packet may be silent: a round trip, the far end's delay of an acknowledgement (half of one more),
   * and what round trips vary by; or as long as one lately was, by a far end that takes its time.
   */
  get patience(): number {
    if (this.rtt === undefined) return FIRST_PATIENCE;
    return Math.max(1.5 * this.rtt + 4 * this.#variation, this.#slowest.value) + GRANULARITY;
  }

  /** A round trip was seen. */
  took(time: number): void {
    const rtt = this.rtt ?? time;
    this.#variation = this.rtt === undefined ? time / 2 : 0.75 * this.#variation + Math.abs(rtt - time) / 4;
    this.rtt = rtt + (time - rtt) / 8;
  }

  /**
   * An acknowledgement of `heap` bytes came, the newest of them marked `mark`, the oldest sent at `since`; `delivered`
   * is the count of bytes with them.
   */
  learn(mark: Mark, since: number, heap: number, delivered: number, now: number): void {
    const time = now - mark.sentAt;
    this.took(time);
    this.#slowest.add(now - since, now, Math.max(10 * this.#span, 1000), false);
    if (time <= this.floor || mark.calm) {
      this.floor = time;
      this.#floorAt = now;
      // Follows upwards slowly: a path that became longer is believed in the end, a queue of others is long gone.
      this.#ground = Math.min(time, this.#ground * 1.1);
      if (mark.calm) this.probing = false;
    }

    this.#queues = time > this.#span;
    const spare = mark.limited && !this.#queues;
    this.#tight = spare ? Math.max(this.#tight - 2, 0) : Math.min(this.#tight + 1, TIGHT_MOST);
    this.crowded = time > this.#span + BUSY;
    // The slower of the way out and the way back: packets that left in a heap, or whose acknowledgements came in one,
    // do not look like a fast link.
    const interval = Math.max(mark.sentAt - mark.heardSentAt, now - mark.heardAt, 0.01);
    this.#rate.add((delivered - mark.delivered) / interval, now, 10 * this.#span, mark.limited);
    this.#heap.add(heap, now, 10 * this.#span, mark.limited);

    const { rate } = this;
    if (rate >= this.#known * GROWTH) {
      this.#known = rate;
      this.#still = 0;
    } else if (rate < this.#known / 2) {
      // Less gets through: a narrower link, or a longer path that makes the same window too small.
      this.#known = rate;
      this.probing = true;
    } else if (this.#still < FULL_ROUNDS && !mark.limited && mark.delivered >= this.#roundEnd) {
      // A round trip longer than the path and a heap take says the same as three: it is our own queue.
      this.#still = time > this.#span + this.#heap.value / rate ? FULL_ROUNDS : this.#still + 1;
    }
    if (mark.delivered >= this.#roundEnd) this.#roundEnd = delivered;

    const lifetime = this.floor > 2 * this.#ground ? DOUBTFUL_LIFETIME : FLOOR_LIFETIME;
    if (now - this.#floorAt > lifetime) this.probing = true;
  }

  /** How long a byte may be in flight: the shortest round trip and a quarter. */
  get #span(): number {
    const floor = Math.min(this.floor, FLOOR_MAX);
    return floor + Math.max(floor / 4, GRANULARITY);
  }
}
