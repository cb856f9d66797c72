import { type Encoding, type Envelope, encode, type NameBook, NameLedger } from '@spillway/envelope';
import type { Transport } from './contracts/transport.ts';
import type { Limits } from './limits.ts';
import type { Publication } from './publication.ts';
import type { Drops } from './session-handle.ts';

const CONTROL = 0;

/** What became of one message for one session. */
export type Fate = 'sent' | 'backlog' | 'slow-consumer';

/**
 * The way out of one session: the only place that decides between datagram, lane and drop. It keeps no message;
 * what a transport has not sent yet is bounded by the session's budgets.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #limits: Limits;
  readonly #encoding: Encoding;
  readonly #ledger: NameLedger;
  readonly #drops: Drops;
  readonly #lanes = new Map<string, number>();
  /** Given back by channels that were left. Used again first, so that few numbers, and few streams, do. */
  readonly #freeLanes: number[] = [];
  #lastLane = CONTROL;
  messages = 0;
  bytes = 0;

  constructor(transport: Transport, limits: Limits, encoding: Encoding, book: NameBook, drops: Drops) {
    this.#transport = transport;
    this.#limits = limits;
    this.#encoding = encoding;
    this.#ledger = new NameLedger(book, limits.maxNames);
    this.#drops = drops;
  }

  /** Sends an envelope that is this session's own, in order on the control lane. */
  control(envelope: Envelope): Fate {
    return this.#write(encode(envelope, this.#encoding), CONTROL);
  }

  /** Sends an event with its delivery class. */
  publish(publication: Publication): Fate {
    const { delivery, channel } = publication.event;
    const bytes = this.#bytes(publication);
    if (bytes === undefined) return 'slow-consumer';
    // `unordered` may arrive in any order, so in order is within its promise; `latest` is sent as it comes.
    if (delivery === 'reliable' || delivery === 'unordered') return this.#writeToLane(bytes, channel);
    return this.#sendDroppable(bytes, channel);
  }

  /** The peer took in NAMES envelopes. @throws ProtocolError for more than were sent. */
  acknowledgeNames(count: number): void {
    this.#ledger.acknowledge(count);
  }

  /** The channel's lane ends with the subscription. */
  closeLane(channel: string): void {
    const lane = this.#lanes.get(channel);
    if (lane === undefined) return;
    this.#lanes.delete(channel);
    this.#freeLanes.push(lane);
    this.#transport.closeLane(lane);
  }

  #sendDroppable(bytes: Uint8Array, channel: string): Fate {
    if (bytes.length <= this.#transport.maxDatagramSize) {
      if (!this.#transport.sendDatagram(bytes)) return this.#drop();
      this.#count(bytes);
      return 'sent';
    }
    // Dropped before the socket, never parked behind it: what waits here is already old.
    if (this.#transport.backlog + bytes.length > this.#limits.sendBudgetSoft) return this.#drop();
    return this.#writeToLane(bytes, channel);
  }

  /** Undefined: the definitions that had to go first found no room. They cannot be skipped: the peer counts them. */
  #bytes(publication: Publication): Uint8Array | undefined {
    if (this.#encoding === 'json') return publication.full('json');
    if (this.#ledger.knows(publication.route, publication.key)) return publication.compact();
    const names = this.#ledger.take();
    if (names !== undefined && this.control(names) !== 'sent') return undefined;
    return publication.full('binary');
  }

  #writeToLane(bytes: Uint8Array, channel: string): Fate {
    if (channel === '') return this.#write(bytes, CONTROL);
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      lane = this.#freeLanes.pop() ?? ++this.#lastLane;
      this.#lanes.set(channel, lane);
      const fate = this.#write(encode({ kind: 'lane', lane, channel }, this.#encoding), lane);
      if (fate !== 'sent') return fate;
    }
    return this.#write(bytes, lane);
  }

  #write(bytes: Uint8Array, lane: number): Fate {
    if (this.#transport.backlog + bytes.length > this.#limits.sendBudgetHard) return 'slow-consumer';
    this.#transport.write(bytes, lane);
    this.#count(bytes);
    return 'sent';
  }

  #count(bytes: Uint8Array): void {
    this.messages++;
    this.bytes += bytes.length;
  }

  #drop(): Fate {
    this.#drops.backlog++;
    return 'backlog';
  }
}
