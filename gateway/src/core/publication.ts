import { type Encoding, type Event, encode, type NameBook, ProtocolError } from '@spillway/envelope';

/**
 * One event on its way to many sessions. Each form of its bytes is made at most once, when the first session
 * needs it: compact for sessions that know its numbers, full for those that do not yet, text for JSON sessions.
 */
export class Publication {
  readonly event: Event;
  readonly #book: NameBook;
  #route: number | undefined;
  #key: number | undefined;
  #full: Uint8Array | undefined;
  #compact: Uint8Array | undefined;
  /** Or why there is none: a payload called JSON by its publisher that is not. */
  #text: Uint8Array | ProtocolError | undefined;

  constructor(event: Event, book: NameBook, full?: Uint8Array) {
    this.event = event;
    this.#book = book;
    this.#full = full;
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

  /** Self-contained bytes. @throws ProtocolError when a field is out of range, or a JSON payload is not JSON. */
  full(encoding: Encoding): Uint8Array {
    if (encoding === 'json') {
      this.#text ??= this.#write();
      if (this.#text instanceof ProtocolError) throw this.#text;
      return this.#text;
    }
    this.#full ??= encode(this.event);
    return this.#full;
  }

  /** Binary bytes for a session that knows `route` and `key`. */
  compact(): Uint8Array {
    this.#compact ??= encode(this.event, 'binary', { route: this.route, key: this.key });
    return this.#compact;
  }

  #write(): Uint8Array | ProtocolError {
    try {
      return encode(this.event, 'json');
    } catch (error) {
      if (error instanceof ProtocolError) return error;
      throw error;
    }
  }
}
