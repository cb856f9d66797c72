import {
  type Encoding,
  type Event,
  encode,
  NameBook,
  NameLedger,
  type Names,
  type Request,
} from '@spillway/envelope';

/**
 * Bytes that wait to be sent or acknowledged above which a publisher hears that there is no more room, and messages
 * that may be dropped are: a good second of a busy game, so that an input that leaves is still worth something.
 */
export const SOFT_BUDGET = 64 * 1024;

/** Bytes above which nothing more is taken. */
export const HARD_BUDGET = 1024 * 1024;

/** An event that its publisher wants sent, with what does not travel. */
export interface Publication extends Event {
  /** Worth nothing after so many ms, where it may be dropped. */
  readonly maxAge?: number | undefined;
  readonly oversize?: 'stream' | 'drop' | undefined;
}

/** What an application sends. */
export type Outgoing = Publication | Request;

/**
 * What became of one message. `queue-full` and `message-too-large` are the caller's to tell; that it was `dropped` has
 * been told.
 */
export type Fate = 'sent' | 'dropped' | 'queue-full' | 'message-too-large';

/** May this be dropped rather than wait? */
export function isDroppable(envelope: Outgoing): boolean {
  return envelope.kind === 'event' && (envelope.delivery === 'unreliable' || envelope.delivery === 'latest');
}

/** What a `latest` message is about; undefined for any other. */
export function slotOf(envelope: Outgoing): string | undefined {
  if (envelope.kind !== 'event' || envelope.delivery !== 'latest') return undefined;
  return `${envelope.channel}\n${envelope.type}\n${envelope.key ?? ''}`;
}

/** Encodes what a session sends, with compact headers where the gateway knows the names. */
export class Outbox {
  readonly #encoding: Encoding;
  readonly #book = new NameBook();
  readonly #ledger: NameLedger;

  constructor(encoding: Encoding, maxNames: number) {
    this.#encoding = encoding;
    this.#ledger = new NameLedger(this.#book, maxNames);
  }

  encode(envelope: Outgoing): Uint8Array {
    if (this.#encoding === 'json' || envelope.kind !== 'event') return encode(envelope, this.#encoding);
    const route = this.#book.route(envelope.channel, envelope.type);
    const key = envelope.key === undefined ? undefined : this.#book.key(envelope.key);
    return encode(envelope, 'binary', this.#ledger.knows(route, key) ? { route, key } : undefined);
  }

  /** The next names to define, reliably and in order. Once taken they must be sent. */
  takeNames(): Names | undefined {
    return this.#ledger.take();
  }

  /** The gateway took in NAMES envelopes. Throws `ProtocolError` for more than were sent. */
  acknowledgeNames(count: number): void {
    this.#ledger.acknowledge(count);
  }
}
