import {
  type Encoding,
  type Envelope,
  type Event,
  encode,
  NameBook,
  NameLedger,
  type Request,
  type SessionLimits,
} from '@spillway/envelope';
import type { Context } from './context.ts';
import type { Transport } from './transports/transport.ts';

const CONTROL = 0;

/**
 * Unsent bytes above which messages that may be dropped are, before the socket: a good second of a busy game, so
 * that an input that leaves is still worth something.
 */
export const SOFT_BUDGET = 64 * 1024;

/** Unsent bytes above which nothing more is taken. */
export const HARD_BUDGET = 1024 * 1024;

/** What became of one message. Anything but `sent` and `backlog` is the caller's to hear of. */
export type Fate = 'sent' | 'backlog' | 'queue-full' | 'message-too-large';

/** What an application sends. */
export type Outgoing = Event | Request;

/** May this be dropped rather than wait? */
export function isDroppable(envelope: Outgoing): boolean {
  // `unordered` may arrive in any order, so in order is within its promise; `latest` is sent as it comes.
  return envelope.kind === 'event' && (envelope.delivery === 'unreliable' || envelope.delivery === 'latest');
}

/**
 * The way out of one connection: the only place that decides between datagram, stream, lane and drop. It keeps no
 * message; what a transport has not sent yet is bounded by the budgets.
 */
export class Outbox {
  readonly #context: Context;
  readonly #transport: Transport;
  readonly #limits: SessionLimits;
  readonly #book = new NameBook();
  readonly #ledger: NameLedger;
  readonly #lanes = new Map<string, number>();

  constructor(context: Context, transport: Transport, limits: SessionLimits) {
    this.#context = context;
    this.#transport = transport;
    this.#limits = limits;
    this.#ledger = new NameLedger(this.#book, limits.maxNames);
  }

  /** Sends what keeps the session going, in order on the control lane. */
  control(envelope: Envelope): void {
    this.#write(encode(envelope, this.#encoding), CONTROL);
  }

  /** Sends an event with its delivery class, a request reliably. */
  post(envelope: Outgoing): Fate {
    const { channel } = envelope;
    const bytes = this.#encode(envelope);
    if (bytes.length > this.#limits.maxMessageBytes) return 'message-too-large';
    if (isDroppable(envelope)) return this.#sendDroppable(bytes, channel) ? 'sent' : 'backlog';
    if (this.#transport.backlog + bytes.length > HARD_BUDGET) return 'queue-full';
    this.#write(bytes, this.#lane(channel));
    return 'sent';
  }

  /** The gateway took in NAMES envelopes. Throws `ProtocolError` for more than were sent. */
  acknowledgeNames(count: number): void {
    this.#ledger.acknowledge(count);
  }

  #sendDroppable(bytes: Uint8Array, channel: string): boolean {
    const { maxDatagramSize, backlog } = this.#transport;
    if (bytes.length <= maxDatagramSize) {
      if (!this.#transport.sendDatagram(bytes)) return false;
      this.#context.meter.datagramsOut++;
    } else {
      if (backlog + bytes.length > SOFT_BUDGET) return false;
      if (maxDatagramSize === 0) {
        this.#write(bytes, this.#lane(channel));
        return true;
      }
      // Too big for a datagram: a stream of its own, so that it delays nothing and nothing delays it.
      if (!this.#transport.sendMessage(bytes)) return false;
    }
    this.#count(bytes);
    return true;
  }

  get #encoding(): Encoding {
    return this.#context.settings.encoding;
  }

  #encode(envelope: Outgoing): Uint8Array {
    if (this.#encoding === 'json' || envelope.kind !== 'event') return encode(envelope, this.#encoding);
    const route = this.#book.route(envelope.channel, envelope.type);
    const key = envelope.key === undefined ? undefined : this.#book.key(envelope.key);
    if (this.#ledger.knows(route, key)) return encode(envelope, 'binary', { route, key });
    const bytes = encode(envelope);
    for (let names = this.#ledger.take(); names; names = this.#ledger.take()) this.control(names);
    return bytes;
  }

  #lane(channel: string): number {
    if (channel === '') return CONTROL;
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      lane = this.#lanes.size + 1;
      this.#lanes.set(channel, lane);
      this.#write(encode({ kind: 'lane', lane, channel }, this.#encoding), lane);
    }
    return lane;
  }

  #write(bytes: Uint8Array, lane: number): void {
    this.#transport.write(bytes, lane);
    this.#count(bytes);
  }

  #count(bytes: Uint8Array): void {
    this.#context.meter.messagesOut++;
    this.#context.meter.bytesOut += bytes.length;
  }
}
