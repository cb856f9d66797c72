import type { Envelope } from '@spillway/envelope';
import type { DispatchReplies } from './dispatch.ts';
import type { Outbox, OutboxHandler, Overflow } from './outbox.ts';
import type { Publication } from './publication.ts';
import type { Session } from './session.ts';
import type { Turn } from './turn.ts';

const OVERFLOWS: Readonly<Record<Overflow, string>> = {
  'slow-consumer': 'the client reads too slowly',
  'retain-overflow': 'too much waited for a client that was away',
};

/** How what a session does reaches its client: one object for a session, which has it as long as it lasts. */
export class WayBack implements DispatchReplies, OutboxHandler {
  readonly #session: Session;
  readonly #turn: Turn;
  /** Bytes held above which what can wait does. */
  readonly #room: number;
  #outbox!: Outbox;

  constructor(session: Session, turn: Turn, room: number) {
    this.#session = session;
    this.#turn = turn;
    this.#room = room;
  }

  // DispatchReplies: what `Dispatch` calls, from when the outbox is there.

  /** The outbox that this leads to, which in turn calls this: once, before anything is sent. */
  over(outbox: Outbox): this {
    this.#outbox = outbox;
    return this;
  }

  reply(envelope: Envelope): void {
    this.#outbox.control(envelope);
  }

  get hasRoom(): boolean {
    return this.#outbox.held < this.#room;
  }

  tooManyErrors(): void {
    this.#session.close('rate-limited', 'too much of what the client asked for was refused');
  }

  hasReceipts(): void {
    this.#turn.soon();
  }

  deliver(publication: Publication): boolean {
    return this.#session.push(publication);
  }

  closeLane(channel: string): void {
    this.#outbox.leave(channel);
  }

  // OutboxHandler.

  waiting(): void {
    this.#turn.soon();
  }

  overflow(why: Overflow): void {
    this.#session.close('slow-consumer', OVERFLOWS[why]);
  }
}
