import type { Message } from '@spillway/delivery';
import { type Encoding, type NameBook, NameLedger, type Names } from '@spillway/envelope';
import type { Publication } from './publication.ts';

/** Which form of an event one session is sent: as short as the names that its client knows allow. */
export class Outbox {
  readonly #encoding: Encoding;
  readonly #ledger: NameLedger;
  readonly #define: (names: Names) => void;

  /** `define`: sends definitions ahead of the event that needs them. They are counted, so none may be left out. */
  constructor(encoding: Encoding, book: NameBook, maxNames: number, define: (names: Names) => void) {
    this.#encoding = encoding;
    this.#ledger = new NameLedger(book, maxNames);
    this.#define = define;
  }

  /** The same object for all sessions that get the same bytes. @throws ProtocolError as `Publication.full` does */
  message(publication: Publication): Message {
    if (this.#encoding === 'json') return publication.full('json');
    if (this.#ledger.knows(publication.route, publication.key)) return publication.compact();
    const names = this.#ledger.take();
    if (names !== undefined) this.#define(names);
    return publication.full('binary');
  }

  /** The peer took in NAMES envelopes. @throws ProtocolError for more than were sent. */
  acknowledgeNames(count: number): void {
    this.#ledger.acknowledge(count);
  }
}
