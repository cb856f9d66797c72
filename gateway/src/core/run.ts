import type { Message } from '@spillway/delivery';
import type { Publication } from './publication.ts';

/** Compact messages of one route. */
export interface CompactRun {
  /** Number of their channel and type. */
  readonly route: number;
  readonly messages: readonly Message[];
  /** Of all of them. */
  readonly bytes: number;
}

/**
 * Events of one channel that came together, on their way to many sessions. Where all are reliable, of one type and about
 * no key, what a session has to decide is the same for each, and their messages are one list for all sessions that know
 * the route.
 */
export class Run {
  readonly publications: readonly Publication[];
  #compact: CompactRun | undefined;
  #isPlain: boolean | undefined;

  /** At least one, in the order of `seq`. */
  constructor(publications: readonly Publication[]) {
    this.publications = publications;
  }

  /** Undefined: each is to be looked at by itself. */
  get compact(): CompactRun | undefined {
    this.#isPlain ??= this.#looksPlain();
    if (this.#isPlain) this.#compact ??= this.#make();
    return this.#compact;
  }

  #looksPlain(): boolean {
    const { type } = this.publications[0]!.event;
    return this.publications.every(
      ({ event }) => event.delivery === 'reliable' && event.key === undefined && event.type === type,
    );
  }

  #make(): CompactRun {
    const messages = this.publications.map((publication) => publication.compact());
    let bytes = 0;
    for (const message of messages) bytes += message.bytes.length;
    return { route: this.publications[0]!.route, messages, bytes };
  }
}
