import { type PacketPosition, ProtocolError } from '@spillway/envelope';
import { LAZY_DELAY } from './lazy-delay.ts';
import type { Message } from './message.ts';
import { nothing, owned } from './nothing.ts';
import { type Mark, Path } from './path.ts';

/** A packet on its way. */
interface Flight extends Mark {
  readonly number: number;
  readonly bytes: number;
  readonly messages: readonly Message[];
  readonly onStream: boolean;
  readonly lazy: boolean;
}

/** What an acknowledgement says of packets. `late`: of those that were taken for lost before. */
export interface Verdict {
  readonly lost: readonly Message[];
  readonly delivered: readonly Message[];
  readonly late: readonly Message[];
}

/** Packets that may always be in flight: one on its way and one on the way into the link. */
const LEAST_PACKETS = 2;
/** And this many before the first acknowledgement: on 80 kbit/s 200 bytes take 20 ms, and a datagram 120. */
const FIRST_PACKETS = 3;
/** Bytes of the largest packet that needs room for all of itself: a datagram. Larger ones are for wide links. */
const LARGEST = 1500;
/** An acknowledgement names this many packets besides its highest: 32 bytes of bits. */
const NAMED = 256;
/** Doublings of the patience while nothing at all is heard. */
const MAX_DOUBLINGS = 2;
/**
 * An acknowledgement is calm that finds nothing lost, no queue and room to spare. After this many of them the next ones
 * may wait; of those that are not, one costs as much as four are worth, since busy machines have their pauses.
 */
const CALM_ACKS = 8;
const CALM_MOST = 12;
const RESTLESS = 4;
/**
 * Packets and bytes whose acknowledgement may wait, after each calm one: small ones, which cost no less than large ones.
 * They are not in flight as the window counts it: they have long arrived, and should the path have narrowed they are
 * half of what may be sent at first.
 */
const LAZY_PACKETS = 11;
const LAZY_BYTES = 1200;
/** The longest patience, ms: what is given up too early and comes late after all costs one more packet. */
const MAX_PATIENCE = 3000;

/** Nothing, as nearly always. */
const NONE: readonly never[] = [];

/**
 * Which packets of droppable messages are in flight, and how much may be. Kernel, QUIC and link hide seconds of data;
 * this bounds it by what the far end has acknowledged: the delivery rate times the shortest round trip, and a little.
 * The shape is that of BBR. It has no pace of its own, since acknowledgements come in small heaps anyway; it does not
 * shrink on loss, since messages here are not sent again but replaced; and when there is less to send than room it
 * learns nothing from that.
 *
 * Pure: `now` is in ms and never goes back.
 */
export class Window {
  /** Bytes in flight. */
  inFlight = 0;
  #flights = nothing<number, Flight>();
  /** Taken for lost. What an acknowledgement names of them after all was only slow. */
  #lost = nothing<number, Flight>();
  #path = new Path();
  /** Packets in flight that are not on a stream of their own. */
  #packets = 0;
  #highest = 0;
  /** Of the last packet, bytes: the next will be about as large. */
  #size = 0;
  #delivered = 0;
  #heardAt = 0;
  #heardSentAt = 0;
  /** Write-offs since anything was heard. */
  #silences = 0;
  #limitedUntil = 0;
  /** Whether the last acknowledgement found the window full. */
  #full = false;
  /** Calm acknowledgements. */
  #calm = 0;
  #lazyPackets = 0;
  #lazyBytes = 0;
  /** Bytes of lazy packets that nothing was heard of. */
  #waiting = 0;

  /** Smoothed round trip with the far end's delay of acknowledgements, ms. */
  get rtt(): number | undefined {
    return this.#path.rtt;
  }

  /** The shortest round trip of about the last 10 s, ms. */
  get minRtt(): number | undefined {
    const { floor } = this.#path;
    return floor < Number.POSITIVE_INFINITY ? floor : undefined;
  }

  /** Bytes per ms that arrived at best lately; 0 before the first acknowledgement. */
  get rate(): number {
    return this.#path.rate;
  }

  /**
   * Is the way a pipe, whose packets come in order, or not at all? Nothing on it is written off, and where one that was
   * lost holds back those behind it, that does not count as a full link.
   */
  set pipe(pipe: boolean) {
    this.#path.stalls = pipe;
  }

  /**
   * Bytes that may be sent now. More than 0 is room for a packet, which may be larger by one message. With fewer than
   * two packets in flight there is always room for one of a single message.
   */
  get room(): number {
    // Twice in silence the path may be dead, and probing wants it empty.
    let closed = this.#silences > 1 || (this.#path.probing && this.#full);
    closed ||= this.#path.rate === 0 && this.#packets >= FIRST_PACKETS;
    const room = this.#path.window - this.inFlight;
    closed ||= room < Math.min(this.#size, LARGEST);
    return closed ? (this.#packets < LEAST_PACKETS ? 1 : 0) : Math.max(room, 1);
  }

  /** Bytes that nothing was heard of yet, those of lazy packets among them, which take no room in the window. */
  get underWay(): number {
    return this.inFlight + this.#waiting;
  }

  /** Is any packet on its way? */
  get busy(): boolean {
    return this.#flights.size > 0;
  }

  /** When `writeOff` has something to do, unless an acknowledgement comes first. */
  get nextDeadline(): number | undefined {
    if (this.#flights.size === 0 || this.#path.stalls) return undefined;
    let next: number | undefined;
    for (const { onStream, lazy, sentAt } of this.#flights.values()) {
      if (onStream || (lazy && next !== undefined)) continue;
      const at = Math.max(sentAt, this.#heardAt) + this.#patience;
      if (!lazy) return Math.min(at, next ?? at);
      next = at + LAZY_DELAY;
      // There is nothing behind it but lazy ones, which are many, and this is asked in every turn.
      if (this.#packets === 0) return next;
    }
    return next;
  }

  /** Can the next packet, of so many bytes, do without an acknowledgement of its own? */
  mayWait(bytes: number): boolean {
    return this.#lazyPackets > 0 && this.#lazyBytes >= bytes;
  }

  /**
   * Numbers rise. `onStream`: on a reliable stream of its own, so neither overtaken nor written off; it leaves by
   * acknowledgement, `cancel`, or when an acknowledgement can no longer name it. `lazy`: the far end was told that it
   * may wait with the acknowledgement.
   */
  sent(
    number: number,
    bytes: number,
    messages: readonly Message[],
    now: number,
    onStream = false,
    lazy = false,
  ): void {
    // After a rest the clock of the rate starts with this packet, not with the last acknowledgement.
    const rested = this.#flights.size === 0;
    const { probing } = this.#path;
    this.#flights = owned(this.#flights);
    this.#flights.set(number, {
      number,
      bytes,
      messages,
      onStream,
      lazy,
      sentAt: now,
      delivered: this.#delivered,
      heardAt: rested ? now : this.#heardAt,
      heardSentAt: rested ? now : this.#heardSentAt,
      limited: probing || this.#delivered <= this.#limitedUntil,
      calm: probing && (!this.#full || this.#packets < LEAST_PACKETS),
    });
    if (rested) {
      this.#heardAt = now;
      this.#heardSentAt = now;
    }
    this.#highest = number;
    this.#size = bytes;
    if (lazy) {
      this.#lazyPackets--;
      this.#lazyBytes -= bytes;
      this.#waiting += bytes;
    } else this.#count(bytes, onStream, 1);
  }

  /**
   * Takes in what the far end has. Every packet below the highest that it does not name is lost, at once. Throws
   * `bad-value` when it names a packet that was never sent.
   */
  acknowledge({ highest, bits }: PacketPosition, now: number): Verdict {
    if (highest > this.#highest)
      throw new ProtocolError('bad-value', 'acknowledges a packet that was not sent');
    const lost: Message[] = [];
    const delivered: Message[] = [];
    const late: Message[] = [];
    const names = (number: number) => {
      const bit = highest - 1 - number;
      return bit === -1 || (bit >= 0 && bit < bits.length * 8 && ((bits[bit >> 3]! >> (bit & 7)) & 1) > 0);
    };
    // Asked before anything leaves: with room to spare, it was not the window that held messages back.
    this.#full = this.room === 0;
    if (!this.#full) this.#limitedUntil = this.#delivered + this.underWay;
    const before = this.#delivered;
    for (const { number, bytes, messages, lazy, sentAt } of this.#lost.size > 0
      ? this.#lost.values()
      : NONE) {
      if (!names(number)) continue;
      this.#lost.delete(number);
      this.#delivered += bytes;
      late.push(...messages);
      // Or patience would never grow, and on a path this slow each message would be sent again and again. Of others
      // only an earlier acknowledgement may have been lost.
      if (number === highest && !lazy) this.#path.took(now - sentAt);
    }
    // Of those that were to be acknowledged at once: only they show how long that takes.
    let oldest: Flight | undefined;
    let newest: Flight | undefined;
    for (const flight of this.#flights.values()) {
      const { number, bytes, messages, onStream, lazy, sentAt } = flight;
      if (number > highest) break;
      if (names(number)) {
        delivered.push(...messages);
        this.#delivered += bytes;
        this.#heardSentAt = sentAt;
        if (!lazy) {
          oldest ??= flight;
          newest = flight;
        }
      } else if (onStream && highest - number <= NAMED) continue;
      else {
        lost.push(...messages);
        this.#lose(flight);
      }
      this.#leave(flight);
    }
    const heap = this.#delivered - before;
    if (heap > 0) {
      this.#silences = 0;
      this.#heardAt = now;
    }
    if (oldest && newest) {
      this.#path.learn(newest, oldest.sentAt, heap, this.#delivered, now);
      const { probing, crowded } = this.#path;
      this.#rest(!(this.#full || probing || crowded || lost.length > 0));
    }
    return { lost, delivered, late };
  }

  /** Gives up a packet whose stream was reset; its messages, if it was still in flight. */
  cancel(number: number): readonly Message[] {
    const flight = this.#flights.get(number);
    if (flight) this.#leave(flight);
    return flight?.messages ?? [];
  }

  /** Gives up what nothing was heard of for too long: the tail, which no later packet can show to be lost. */
  writeOff(now: number): readonly Message[] {
    if (!(this.nextDeadline! <= now)) return NONE;
    const lost: Message[] = [];
    const patience = this.#patience;
    for (const flight of this.#flights.values()) {
      const { onStream, lazy, sentAt } = flight;
      // As the deadline is reckoned, to the last digit: or it is reached, and nothing comes of it.
      if (!lazy && sentAt + patience > now) break;
      if (onStream || (lazy && sentAt + patience + LAZY_DELAY > now)) continue;
      this.#leave(flight);
      this.#lose(flight);
      lost.push(...flight.messages);
    }
    this.#silences++;
    return lost;
  }

  /** The transport is gone: all that was in flight is lost, and nothing is known about the next path. */
  detach(): Message[] {
    const lost = [...this.#flights.values()].flatMap(({ messages }) => messages);
    this.#flights.clear();
    this.#lost.clear();
    this.inFlight = 0;
    this.#packets = 0;
    this.#silences = 0;
    this.#calm = 0;
    this.#lazyPackets = 0;
    this.#waiting = 0;
    this.#path = new Path();
    return lost;
  }

  #rest(calm: boolean): void {
    this.#calm = calm ? Math.min(this.#calm + 1, CALM_MOST) : Math.max(this.#calm - RESTLESS, 0);
    const may = calm && this.#calm >= CALM_ACKS;
    this.#lazyPackets = may ? LAZY_PACKETS : 0;
    this.#lazyBytes = LAZY_BYTES;
  }

  get #patience(): number {
    return Math.min(this.#path.patience * 2 ** Math.min(this.#silences, MAX_DOUBLINGS), MAX_PATIENCE);
  }

  #count(bytes: number, onStream: boolean, sign: 1 | -1): void {
    this.inFlight += sign * bytes;
    if (!onStream) this.#packets += sign;
  }

  #leave({ number, bytes, onStream, lazy }: Flight): void {
    this.#flights.delete(number);
    if (lazy) this.#waiting -= bytes;
    else this.#count(bytes, onStream, -1);
  }

  #lose(flight: Flight): void {
    this.#lost = owned(this.#lost);
    this.#lost.set(flight.number, flight);
    if (this.#lost.size > NAMED) this.#lost.delete(this.#lost.keys().next().value!);
  }
}
