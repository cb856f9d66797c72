import {
  type Ack,
  type Envelope,
  type Event,
  type Lane,
  type NumberPosition,
  ProtocolError,
  type Received,
} from '@spillway/envelope';
import { isCounted } from './counted.ts';
import { LAZY_DELAY } from './lazy-delay.ts';
import { nobody, nothing, owned, ownedSet } from './nothing.ts';
import { PacketLog } from './packet-log.ts';

/** Lanes remembered, and numbers beyond the lowest missing: as many as a list on the wire can name. */
const MAX_LANES = 4096;
const MAX_BEYOND = 4096;
/** Slots of `latest` messages remembered; the one heard of longest ago is forgotten first. */
const MAX_SLOTS = 4096;
/** Reliable envelopes, or their bytes, after which an ACK is due at once, and ms after which it is due anyhow. */
const ENVELOPES_DUE = 128;
const BYTES_DUE = 16 * 1024;
const DELAY = 200;
/** Packets after which an ACK is due at once: well before the first of them is no longer in it. */
const PACKETS_DUE = 128;
/** No ACK of packets sooner after the last than this, ms: timers are hardly finer. */
const MIN_INTERVAL = 5;
/** How often while no round trip is known, ms. */
const FIRST_INTERVAL = 50;
/** And no later than this, ms, however long the round trip seems: without ACKs it would never seem shorter. */
const MAX_INTERVAL = 500;

interface OneLane {
  readonly number: number;
  readonly channel: string;
  /** Envelopes received. */
  count: number;
  /** Number of the last envelope that came over this transport, which may have come before. */
  cursor: number;
}

/** What an event or other envelope is to its receiver. Only a `new` one is to be acted on. */
export type Novelty =
  | 'new'
  /** It has come before. */
  | 'duplicate'
  /** A newer one of its channel, type and key has come. */
  | 'stale';

/** What has come in a session, over all its transports: what of it is new, and when to say that it came. */
export class Receiver {
  readonly #control: OneLane = { number: 0, channel: '', count: 0, cursor: 0 };
  /** All but lane 0. */
  #lanes = nothing<number, OneLane>();
  /** The lane last announced for each channel. */
  #byChannel = nothing<string, OneLane>();
  #upTo = 0;
  #beyond = nobody<number>();
  /** What NUMBER said of the event behind it; 0: nothing. */
  #number = 0;
  readonly #log = new PacketLog();
  /** The newest of each slot that came, by `seq` or number of the packet. */
  #slots = nothing<string, number>();

  // What is not yet acknowledged.
  #news = nobody<OneLane>();
  #numbersNews = false;
  #envelopes = 0;
  #bytes = 0;
  #packets = 0;
  /** Of the packets some came over a stream, and will not be sent again if our word of it is lost. */
  #onStream = false;
  #envelopesDue = 0;
  #packetsDue = 0;
  #packetsAcked = Number.NEGATIVE_INFINITY;
  #interval = FIRST_INTERVAL;

  /** Another transport carries the session from here on. Nothing that came over an older one may be given in now. */
  attach(): void {
    this.#control.cursor = 0;
    this.#number = 0;
  }

  /** The round trip in ms: packets are acknowledged about twice in each. */
  setRtt(rtt: number): void {
    this.#interval = Math.min(Math.max(MIN_INTERVAL, rtt / 2), MAX_INTERVAL);
  }

  /** Takes a LANE. @throws ProtocolError where it skips envelopes. */
  lane({ lane: number, channel, count }: Lane): void {
    let lane = number === 0 ? this.#control : this.#lanes.get(number);
    if (number > 0 && channel === '') {
      if (lane) this.#forget(lane);
      return;
    }
    if (count > (lane?.count ?? 0))
      throw new ProtocolError('bad-value', `lane ${number} goes on at ${count}`);
    if (!lane) {
      if (this.#lanes.size + 1 >= MAX_LANES)
        throw new ProtocolError('bad-value', `more than ${MAX_LANES} lanes`);
      lane = { number, channel, count: 0, cursor: 0 };
      this.#lanes = owned(this.#lanes);
      this.#lanes.set(number, lane);
    }
    lane.cursor = count;
    if (number === 0) return;
    this.#byChannel = owned(this.#byChannel);
    this.#byChannel.set(channel, lane);
  }

  /** Takes a NUMBER: that of the `unordered` event behind it. */
  number(number: number): void {
    this.#number = number;
  }

  /**
   * Takes the number of a packet. False: it has come before. `onStream`: it came over a stream or pipe; `lazy`: its
   * sender can wait for the ACK.
   */
  packet(number: number, now: number, onStream: boolean, lazy = false): boolean {
    const due = lazy ? now + LAZY_DELAY : Math.max(now, this.#packetsAcked + this.#interval);
    this.#packetsDue = this.#packets++ === 0 ? due : Math.min(this.#packetsDue, due);
    if (this.#packets >= PACKETS_DUE) this.#packetsDue = now;
    if (onStream) this.#onStream = true;
    return this.#log.add(number);
  }

  /**
   * Takes every other envelope, in the order of its stream, from the first after HELLO or WELCOME on, also one that is
   * then refused: both ends must count alike. `packet`: the number of its packet, 0 where it has none.
   * @throws ProtocolError for what may not be in a numbered packet, or is numbered too far ahead.
   */
  take(envelope: Envelope, packet: number, now: number): Novelty {
    if (packet > 0 && (envelope.kind !== 'event' || this.#isKept(envelope))) {
      throw new ProtocolError('bad-value', 'only events that may be dropped travel in numbered packets');
    }
    if (isCounted(envelope)) return this.#count(envelope, now);
    if (envelope.kind !== 'event') return 'new';
    switch (envelope.delivery) {
      case 'unordered':
        return this.#takeNumbered(envelope, now);
      case 'latest':
        return this.#takeLatest(envelope, packet);
      default:
        return 'new';
    }
  }

  /** The ACK to send now, or, with `force`, whatever there is to say. */
  ack(now: number, force = false): Ack | undefined {
    const envelopes = this.#envelopes > 0 && (force || now >= this.#envelopesDue);
    const packets = this.#packets > 0 && (force || now >= this.#packetsDue);
    if (!envelopes && !packets) return undefined;
    if (packets && this.#onStream) this.#tellOf(this.#control);
    const tellAll = envelopes || (packets && this.#onStream);
    const ack: Ack = {
      kind: 'ack',
      lanes: tellAll ? Array.from(this.#news, ({ number, count }) => ({ lane: number, count })) : [],
      unordered: tellAll && this.#numbersNews ? this.#numbers() : undefined,
      packets: packets ? this.#log.position() : undefined,
    };
    if (tellAll) {
      this.#news.clear();
      this.#numbersNews = false;
      this.#envelopes = 0;
      this.#bytes = 0;
    }
    if (packets) {
      this.#packets = 0;
      this.#onStream = false;
      this.#packetsAcked = now;
    }
    return ack;
  }

  /** When the next ACK is due; undefined where nothing has come since the last. */
  get nextAck(): number | undefined {
    const due = Math.min(
      this.#envelopes > 0 ? this.#envelopesDue : Number.POSITIVE_INFINITY,
      this.#packets > 0 ? this.#packetsDue : Number.POSITIVE_INFINITY,
    );
    return due < Number.POSITIVE_INFINITY ? due : undefined;
  }

  /** For HELLO and WELCOME of a resume. */
  received(): Received {
    const lanes = [{ lane: 0, count: this.#control.count }];
    for (const { number, count } of this.#lanes.values()) lanes.push({ lane: number, count });
    return { lanes, unordered: this.#numbers() };
  }

  /** Entries held in each table, all of them bounded. */
  get held(): { readonly lanes: number; readonly beyond: number; readonly slots: number } {
    return { lanes: this.#lanes.size + 1, beyond: this.#beyond.size, slots: this.#slots.size };
  }

  #tellOf(lane: OneLane): void {
    this.#news = ownedSet(this.#news);
    this.#news.add(lane);
  }

  #isKept({ delivery }: Event): boolean {
    return delivery === 'reliable' || delivery === 'unordered';
  }

  #forget(lane: OneLane): void {
    this.#lanes.delete(lane.number);
    this.#news.delete(lane);
    if (this.#byChannel.get(lane.channel) === lane) this.#byChannel.delete(lane.channel);
  }

  #count(envelope: Envelope, now: number): Novelty {
    const channel = envelope.kind === 'event' || envelope.kind === 'request' ? envelope.channel : '';
    const lane = this.#byChannel.get(channel) ?? this.#control;
    lane.cursor++;
    // A duplicate is told of as well: the sender would not have sent it, had it heard of the first.
    this.#tellOf(lane);
    this.#arrived(envelope, now);
    if (lane.cursor <= lane.count) return 'duplicate';
    lane.count = lane.cursor;
    return 'new';
  }

  #takeNumbered(event: Event, now: number): Novelty {
    const number = this.#number;
    this.#number = 0;
    if (number === 0) return 'new';
    if (number > this.#upTo + MAX_BEYOND)
      throw new ProtocolError('bad-value', `number ${number} is too far ahead`);
    this.#numbersNews = true;
    this.#arrived(event, now);
    if (number <= this.#upTo || this.#beyond.has(number)) return 'duplicate';
    this.#beyond = ownedSet(this.#beyond);
    this.#beyond.add(number);
    while (this.#beyond.delete(this.#upTo + 1)) this.#upTo++;
    return 'new';
  }

  #takeLatest({ channel, type, key, seq }: Event, packet: number): Novelty {
    const position = seq ?? packet;
    if (position === 0) return 'new';
    const slot = `${channel}\n${type}\n${key ?? ''}`;
    if (position <= (this.#slots.get(slot) ?? 0)) return 'stale';
    // Deleted first, so that it becomes the last to be forgotten.
    this.#slots.delete(slot);
    this.#slots = owned(this.#slots);
    this.#slots.set(slot, position);
    if (this.#slots.size > MAX_SLOTS) this.#slots.delete(this.#slots.keys().next().value!);
    return 'new';
  }

  #arrived(envelope: Envelope, now: number): void {
    if (this.#envelopes++ === 0) this.#envelopesDue = now + DELAY;
    this.#bytes += 'payload' in envelope ? envelope.payload.length : 0;
    if (this.#envelopes >= ENVELOPES_DUE || this.#bytes >= BYTES_DUE) this.#envelopesDue = now;
  }

  #numbers(): NumberPosition {
    return { upTo: this.#upTo, beyond: [...this.#beyond].sort((one, other) => one - other) };
  }
}
