import type { Message } from '@spillway/delivery';
import { type Encoding, type Event, encode, type NameBook, ProtocolError } from '@spillway/envelope';
import type { DropOptions } from './drop-options.ts';

/** What the publisher said about an event beside the event itself. */
export interface PublicationOptions extends DropOptions {
  /** Names the outcome that somebody waits for, in the one session that this is for. It is not on the wire. */
  readonly receipt?: string | undefined;
}

/**
 * One event on its way to many sessions. Each form of its bytes is made at most once, when the first session
 * needs it: compact for sessions that know its numbers, full for those that do not yet, text for JSON sessions.
 */
export class Publication {
  readonly event: Event;
  readonly #book: NameBook;
  readonly #options: PublicationOptions;
  #route: number | undefined;
  #key: number | undefined;
  #slot: string | undefined;
  #full: Message | undefined;
  #compact: Message | undefined;
  /** Or why there is none: a payload called JSON by its publisher that is not. */
  #text: Message | ProtocolError | undefined;

  /** `full`: the event's bytes in the self-contained binary form, where they exist. */
  constructor(event: Event, book: NameBook, full?: Uint8Array, options: PublicationOptions = {}) {
    this.event = event;
    this.#book = book;
    this.#options = options;
    if (full !== undefined) this.#full = this.#message(full);
  }

  /** The number of the event's channel and type. */
  get route(): number {
    this.#route ??= this.#book.route(this.event.channel, this.event.type);
    return this.#route;
  }

  /** The number of the event's key; undefined where it has none. */
  get key(): number | undefined {
    if (this.event.key !== undefined) this.#key ??= this.#book.key(this.event.key);
    return this.#key;
  }

  /** Self-contained. @throws ProtocolError when a field is out of range, or a JSON payload is not JSON. */
  full(encoding: Encoding): Message {
    if (encoding === 'json') {
      this.#text ??= this.#write();
      if (this.#text instanceof ProtocolError) throw this.#text;
      return this.#text;
    }
    this.#full ??= this.#message(encode(this.event));
    return this.#full;
  }

  /** Binary, for a session that knows `route` and `key`. */
  compact(): Message {
    this.#compact ??= this.#message(encode(this.event, 'binary', { route: this.route, key: this.key }));
    return this.#compact;
  }

  #message(bytes: Uint8Array): Message {
    const { channel, delivery, key, seq, type } = this.event;
    const { maxAge, oversize, receipt } = this.#options;
    if (delivery === 'latest') this.#slot ??= `${channel}\n${type}\n${key ?? ''}`;
    return { bytes, channel, delivery, slot: this.#slot, seq, maxAge, oversize, id: receipt };
  }

  #write(): Message | ProtocolError {
    try {
      return this.#message(encode(this.event, 'json'));
    } catch (error) {
      if (error instanceof ProtocolError) return error;
      throw error;
    }
  }
}
