import type { Event } from '@spillway/envelope';

/** An event on its way to one session. */
export interface Offered {
  readonly event: Event;
}

/** What the session does for its wildcard subscriptions. */
export interface WildcardHost<Publication extends Offered> {
  /** May the session have what is published here? Asked once for each channel. A failure is a no for now. */
  authorize(channel: string): boolean | PromiseLike<boolean>;
  deliver(publication: Publication): void;
  /** It may, but what came while that was found out was more than is held: these are gone, both inclusive. */
  missed(channel: string, from: number, to: number): void;
  /** `authorize` threw or rejected. */
  failed(error: unknown, channel: string): void;
}

/** Channels whose answer is remembered; past it the one asked first is asked again. */
const CHANNELS = 1024;
/** Channels that are being asked about at a time. What is published in others is not for the session yet. */
const ASKING = 64;
/** Publications of one channel that wait for the answer. */
const HELD = 64;

/** Not yet answered. */
interface Question<Publication> {
  held: Publication[];
  /** Of those that were not held and may not be lost without a word. */
  missed: { readonly from: number; to: number } | undefined;
}

/**
 * What reaches one session by wildcard alone, channel by channel: a wildcard leads to no channel that the session could
 * not subscribe to by name. Each is asked about when something is published there for the first time. Until the answer
 * is there events are held, in order; where it is there at once nothing is held and no promise is made.
 */
export class WildcardGrants<Publication extends Offered> {
  readonly #host: WildcardHost<Publication>;
  readonly #answers = new Map<string, boolean>();
  readonly #questions = new Map<string, Question<Publication>>();
  /** Goes up when answers lose their worth, those that are on their way too. */
  #generation = 0;
  #closed = false;

  constructor(host: WildcardHost<Publication>) {
    this.#host = host;
  }

  offer(publication: Publication): void {
    if (this.#closed) return;
    const { channel } = publication.event;
    const answer = this.#answers.get(channel);
    if (answer === true) this.#host.deliver(publication);
    if (answer !== undefined) return;
    const asked = this.#questions.get(channel);
    if (asked !== undefined) {
      hold(asked, publication);
      return;
    }
    if (this.#questions.size >= ASKING) return;
    const question: Question<Publication> = { held: [publication], missed: undefined };
    this.#ask(channel, question);
  }

  /** The session is another user's, or its grants have changed: everything is asked again. */
  clear(): void {
    this.#generation++;
    this.#answers.clear();
  }

  close(): void {
    this.#closed = true;
    this.#answers.clear();
    this.#questions.clear();
  }

  #ask(channel: string, question: Question<Publication>): void {
    const generation = this.#generation;
    const settle = (answer: boolean | undefined): void => {
      if (this.#closed) return;
      if (generation === this.#generation) this.#settle(channel, question, answer);
      else this.#ask(channel, question);
    };
    const failed = (error: unknown): void => {
      this.#host.failed(error, channel);
      settle(undefined);
    };
    try {
      const answer = this.#host.authorize(channel);
      if (typeof answer === 'boolean') {
        settle(answer);
        return;
      }
      this.#questions.set(channel, question);
      Promise.resolve(answer).then((yes) => settle(yes === true), failed);
    } catch (error) {
      failed(error);
    }
  }

  #settle(channel: string, question: Question<Publication>, answer: boolean | undefined): void {
    this.#questions.delete(channel);
    // A failure is no answer: the next publication asks again.
    if (answer !== undefined) this.#remember(channel, answer);
    if (answer !== true) return;
    for (const publication of question.held) {
      // To deliver may close the session.
      if (!this.#closed) this.#host.deliver(publication);
    }
    const { missed } = question;
    if (missed !== undefined && !this.#closed) this.#host.missed(channel, missed.from, missed.to);
  }

  #remember(channel: string, answer: boolean): void {
    if (this.#answers.size >= CHANNELS) this.#answers.delete(this.#answers.keys().next().value!);
    this.#answers.set(channel, answer);
  }
}

function hold<Publication extends Offered>(question: Question<Publication>, publication: Publication): void {
  const { seq, delivery } = publication.event;
  if (question.held.length < HELD) {
    question.held.push(publication);
  } else if (seq !== undefined && (delivery === 'reliable' || delivery === 'unordered')) {
    question.missed ??= { from: seq, to: seq };
    question.missed.to = seq;
  }
}
