import type { Codec, ErrorEnvelope, Request, Response } from '@spillway/envelope';
import { PARTS_AHEAD } from './parts.ts';

/** Bytes of answers that are kept to be given again. Those of a busy second; what is larger is rarely asked twice. */
const KEPT_BYTES = 64 * 1024;

/** What an envelope weighs beside what is in it. */
const ENVELOPE_BYTES = 64;

/** What the handler of one request has to do with whoever asked. */
export interface Inquiry {
  /** The same where the request was sent again, which does not call the handler again. */
  readonly id: string;
  /** Aborted when nobody wants the answer any more, also because the session has ended. */
  readonly signal: AbortSignal;
  /**
   * Sends a part of the answer, and resolves when it has left or nobody wants it any more: whoever waits for that never
   * runs ahead of who asked. It does not reject; a part that cannot be sent fails the request.
   */
  readonly progress: (part: unknown) => Promise<void>;
}

/** Who answers. */
export interface AnswersHost {
  /** Has the session room for what can wait? `room` is called where it has again. */
  readonly hasRoom: boolean;
  /** Runs the handler. May throw, reject, and give an `AsyncIterable` of parts that returns the answer. */
  run(request: Request, inquiry: Inquiry): unknown;
  /** Sends a RESPONSE and returns it. Throws where the value cannot be sent. */
  respond(id: string, value: unknown, more: boolean, codec: Codec): Response;
  /** Sends an ERROR for what a handler threw, and returns it. */
  fail(id: string, error: unknown): ErrorEnvelope;
  /** A handler failed, and whoever asked does not want to know any more. */
  unheard(error: unknown): void;
  send(envelope: Response | ErrorEnvelope): void;
}

export interface AnswersOptions {
  /** Handlers that run at a time. */
  readonly atOnce: number;
  /** Requests that are remembered, so that none of them is done twice. */
  readonly remembered: number;
}

/**
 * The requests that one end answers in a session: each once, whether it comes once or again, with parts before the
 * answer as fast as they are taken. Nothing here throws or rejects.
 */
export class Answers {
  readonly #host: AnswersHost;
  readonly #options: AnswersOptions;
  /** By id; until the handler is through, which may be long after the answer. */
  readonly #running = new Map<string, Answering>();
  /** Answered, oldest first. */
  readonly #done = new Set<string>();
  /** Of those, what can still be sent again. */
  readonly #kept = new Map<string, { readonly answer: Response | ErrorEnvelope; readonly bytes: number }>();
  #bytes = 0;
  #closed = false;

  constructor(host: AnswersHost, options: AnswersOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Is any handler not through yet? */
  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** A request has come, maybe again. */
  take(request: Request): void {
    const { id } = request;
    if (this.#closed) return;
    if (this.#done.has(id)) this.#repeat(id);
    else if (!this.#running.has(id)) {
      if (this.#running.size < this.#options.atOnce) void this.#run(request);
      else this.#host.send(error(id, 'too-many-requests', `at most ${this.#options.atOnce} at a time`));
    }
  }

  /** The answer is not wanted any more; also of a request that this has overtaken. */
  cancel(id: string): void {
    if (this.#closed || this.#done.has(id)) return;
    const answer = error(id, 'aborted', 'the request was cancelled');
    this.#remember(id, answer);
    const running = this.#running.get(id);
    if (!running) return;
    this.#host.send(answer);
    running.abort();
  }

  /** So many parts of the answer to this have been taken. */
  taken(id: string, count: number): void {
    this.#running.get(id)?.taken(count);
  }

  /** There may be room again. */
  room(): void {
    for (const running of this.#running.values()) running.wake();
  }

  /** The session is over: handlers hear that nobody waits for them. */
  close(): void {
    this.#closed = true;
    for (const running of this.#running.values()) running.abort();
    this.#done.clear();
    this.#kept.clear();
  }

  async #run(request: Request): Promise<void> {
    const { id, codec } = request;
    const host = this.#host;
    const running = new Answering(id, host, (part) => host.respond(id, part, true, codec));
    this.#running.set(id, running);
    try {
      const result = await host.run(request, running);
      const value = isAsyncIterable(result) ? await running.sendAll(result) : result;
      await running.sent();
      if (running.failure) throw running.failure.error;
      if (!running.over) this.#answered(running, host.respond(id, value, false, codec));
    } catch (error) {
      if (!running.over) this.#answered(running, host.fail(id, error));
      else if (!running.isReason(error)) host.unheard(error);
    }
    this.#running.delete(id);
    running.over = true;
  }

  #answered({ id, parts }: Answering, answer: Response | ErrorEnvelope): void {
    // Of parts the end alone would look as if there had been none.
    this.#remember(id, parts > 0 ? undefined : answer);
  }

  #remember(id: string, answer: Response | ErrorEnvelope | undefined): void {
    this.#done.add(id);
    if (this.#done.size > this.#options.remembered) {
      const [oldest] = this.#done;
      this.#done.delete(oldest!);
      this.#drop(oldest!);
    }
    if (!answer) return;
    const bytes = weigh(answer);
    this.#kept.set(id, { answer: own(answer), bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES) break;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    this.#bytes -= this.#kept.get(id)?.bytes ?? 0;
    this.#kept.delete(id);
  }

  #repeat(id: string): void {
    const { answer } = this.#kept.get(id) ?? {};
    this.#host.send(answer ?? error(id, 'answer-lost', 'it was done, and its answer is not kept any more'));
  }
}

/** One request in progress. */
class Answering implements Inquiry {
  readonly id: string;
  /** A part that could not be sent. */
  failure: { readonly error: unknown } | undefined;
  /** Nothing more is to be sent. */
  over = false;
  /** Parts sent. */
  parts = 0;
  readonly #host: AnswersHost;
  readonly #send: (part: unknown) => void;
  #taken = 0;
  #controller: AbortController | undefined;
  #last: Promise<void> = Promise.resolve();
  /** Who waits for room. */
  readonly #waiting: (() => void)[] = [];

  constructor(id: string, host: AnswersHost, send: (part: unknown) => void) {
    this.id = id;
    this.#host = host;
    this.#send = send;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.over) this.#controller.abort();
    return this.#controller.signal;
  }

  readonly progress = (part: unknown): Promise<void> => {
    this.#last = this.#last.then(() => this.#progress(part));
    return this.#last;
  };

  /** Resolves when all parts have left. */
  sent(): Promise<void> {
    return this.#last;
  }

  /** Sends what the iterable yields, no faster than it is taken; resolves with what it returns. */
  async sendAll(parts: AsyncIterable<unknown>): Promise<unknown> {
    const iterator = parts[Symbol.asyncIterator]();
    for (;;) {
      await this.#room();
      if (this.#isOver) break;
      const { done, value } = await iterator.next();
      if (done) return value;
      await this.progress(value);
    }
    await iterator.return?.();
    return undefined;
  }

  taken(count: number): void {
    this.#taken = Math.max(this.#taken, count);
    this.wake();
  }

  /** Whoever waits looks again. */
  wake(): void {
    for (const look of this.#waiting.splice(0)) look();
  }

  abort(): void {
    this.over = true;
    this.#controller?.abort();
    this.wake();
  }

  /** Is that what `signal` was aborted with? */
  isReason(error: unknown): boolean {
    return this.#controller?.signal.aborted === true && error === this.#controller.signal.reason;
  }

  async #progress(part: unknown): Promise<void> {
    await this.#room();
    if (this.#isOver) return;
    try {
      this.parts++;
      this.#send(part);
    } catch (error) {
      this.failure = { error };
    }
  }

  async #room(): Promise<void> {
    while (!(this.#isOver || this.#hasRoom)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  get #isOver(): boolean {
    return this.over || this.failure !== undefined;
  }

  get #hasRoom(): boolean {
    return this.parts - this.#taken < PARTS_AHEAD && this.#host.hasRoom;
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as AsyncIterable<unknown> | undefined)?.[Symbol.asyncIterator] === 'function';
}

function error(id: string, code: string, message: string): ErrorEnvelope {
  return { kind: 'error', id, code, message };
}

/** Bytes of the application's own may be others when they are sent again. */
function own<Answer extends Response | ErrorEnvelope>(answer: Answer): Answer {
  return answer.kind === 'response' && answer.codec !== 'json'
    ? { ...answer, payload: answer.payload.slice() }
    : answer;
}

function weigh(answer: Response | ErrorEnvelope): number {
  const { length } =
    answer.kind === 'response' ? answer.payload : answer.message + (answer.details ?? '') + answer.code;
  return length + ENVELOPE_BYTES;
}
