import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ending } from './ending.ts';
import { answerEmpty, answerEnding, answerError, swallow } from './http-answer.ts';
import { type BodyFailure, type BodyLimits, readBody } from './request-body.ts';

/**
 * POSTs of one connection that are read or wait for an earlier one. With their bodies they bound what a client can make
 * us hold; two under way at a time keep a connection busy.
 */
const MAX_POSTS = 4;

export interface UplinkOptions {
  readonly body: BodyLimits;
  /** How long a POST waits for the one before it, ms. */
  readonly orderTimeout: number;
}

/** What goes up has a taker. */
export interface UplinkTaker {
  /** Set as soon as nothing is taken any more. */
  readonly ending: Ending | undefined;
  /** The next body, complete. With `farewell` it is the client's last one, and that is why. */
  take(body: Uint8Array, farewell: Ending | undefined): void;
  tooLarge(message: string): void;
}

/** One numbered POST. */
export interface Post {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** From 1. */
  readonly number: number;
  readonly farewell: Ending | undefined;
}

interface Place {
  post: Post;
  body: Buffer | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** The POSTs of one connection: each is taken once, in the order of their numbers, however often and in whatever order they come. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #taker: UplinkTaker;
  readonly #places = new Map<number, Place>();
  #taken = 0;

  constructor(options: UplinkOptions, taker: UplinkTaker) {
    this.#options = options;
    this.#taker = taker;
  }

  /** The number of the last POST taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Answers when the POST was taken or refused. */
  async post(post: Post): Promise<void> {
    const { request, response, number } = post;
    if (number <= this.#taken) {
      answerEmpty(response);
      return swallow(request);
    }
    const { ending } = this.#taker;
    if (ending !== undefined) {
      answerEnding(response, ending);
      return swallow(request);
    }
    if (number > this.#taken + MAX_POSTS) return this.#refuse(post);
    const earlier = this.#places.get(number);
    if (earlier !== undefined) replaced(earlier.post.response);
    if (earlier?.body !== undefined) {
      earlier.post = post;
      return swallow(request);
    }
    const place: Place = { post, body: undefined, timer: undefined };
    this.#places.set(number, place);
    const body = await readBody(request, this.#options.body);
    if (this.#places.get(number) !== place) return; // answered by now
    if (typeof body !== 'string') return this.#arrived(place, body);
    this.#places.delete(number);
    this.#failed(post, body);
  }

  /** Tells the POSTs that wait. */
  end(ending: Ending): void {
    for (const { post, timer } of this.#places.values()) {
      clearTimeout(timer);
      answerEnding(post.response, ending);
      swallow(post.request);
    }
    this.#places.clear();
  }

  #arrived(place: Place, body: Buffer): void {
    place.body = body;
    if (place.post.number !== this.#taken + 1) {
      place.timer = setTimeout(() => {
        this.#places.delete(place.post.number);
        this.#refuse(place.post);
      }, this.#options.orderTimeout);
      return;
    }
    for (;;) {
      const next = this.#places.get(this.#taken + 1);
      if (next?.body === undefined) return;
      clearTimeout(next.timer);
      this.#places.delete(++this.#taken);
      const { response, farewell } = next.post;
      this.#taker.take(next.body, farewell);
      const { ending } = this.#taker;
      if (ending !== undefined && ending !== farewell) answerEnding(response, ending);
      else answerEmpty(response);
    }
  }

  #failed({ request, response }: Post, failure: BodyFailure): void {
    switch (failure) {
      case 'gone':
        return;
      case 'too-slow':
        answerError(response, 408, 'too-slow', 'the body did not come in time', { connection: 'close' });
        return;
      case 'too-large': {
        const message = `a body of more than ${this.#options.body.maxBytes} bytes`;
        this.#taker.tooLarge(message);
        const { ending } = this.#taker;
        if (ending === undefined) answerError(response, 413, 'message-too-large', message);
        else answerEnding(response, ending);
        swallow(request);
        return;
      }
      default:
        failure satisfies never;
    }
  }

  #refuse({ request, response }: Post): void {
    answerError(response, 409, 'out-of-order', `POST ${this.#taken + 1} is the next one`);
    swallow(request);
  }
}

/** A client sends a POST again when it takes the first one for lost, so nobody listens to this answer, or should not. */
function replaced(response: ServerResponse): void {
  answerError(response, 409, 'replaced', 'the same POST came again');
}
