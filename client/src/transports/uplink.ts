import type { Encoding } from '@spillway/envelope';
import { type Ending, endingHeader } from './ending.ts';
import type { Exchange, Question, Reply } from './exchange.ts';
import { joinList } from './packet-list.ts';

/** POSTs under way at a time: with two there is always one on the way, and what is written meanwhile shares the next. */
const UNDER_WAY = 2;

/** The same at the end: nobody may be there any more to send what waits for an answer. As many as the gateway takes. */
const UNDER_WAY_LAST = 4;

/** Bytes of packets in one POST, unless one alone is larger: on a link of 20 kbit/s they take no longer than `TIMEOUT`. */
const MAX_BODY = 16 * 1024;

/** For an answer, ms; less than the gateway waits for a POST that another one overtook. */
const TIMEOUT = 8_000;

/** Browsers send no more than 64 KiB for pages that are gone. */
const MAX_KEEPALIVE = 60_000;

/** Who hears of the end of an uplink. */
export interface UplinkUser {
  /** The gateway takes nothing more: it answered so, or not at all. */
  refused(reply: Reply | undefined, cause?: unknown): void;
}

/** What goes up: packets in numbered POSTs, of which each is taken once and in order, however often it is sent. */
export class Uplink {
  readonly #exchange: Exchange;
  readonly #url: string;
  readonly #id: string;
  readonly #encoding: Encoding;
  readonly #user: UplinkUser;
  #waiting: Uint8Array[] = [];
  #number = 0;
  readonly #underWay = new Map<number, Question>();
  /** Of what waits and is under way. */
  #bytes = 0;
  #isDue = false;
  #farewell: Ending | undefined;
  #drained: (() => void) | undefined;
  #over = false;

  /** `url`: where the connection `id` was opened; `/send` stands beside it. */
  constructor(exchange: Exchange, url: string, id: string, encoding: Encoding, user: UplinkUser) {
    this.#exchange = exchange;
    this.#url = new URL('send', url).href;
    this.#id = id;
    this.#encoding = encoding;
    this.#user = user;
  }

  /** Bytes written and not known to have been taken. */
  get backlog(): number {
    return this.#bytes;
  }

  write(packet: Uint8Array): void {
    this.#waiting.push(packet);
    this.#bytes += packet.length;
    this.#soon();
  }

  /** Sends what waits, and why it was the last. Resolves when that was taken. */
  close(farewell: Ending): Promise<void> {
    this.#farewell = farewell;
    this.#soon();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** All that is written in one turn goes together. */
  #soon(): void {
    if (this.#isDue || this.#over) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    const most = this.#farewell ? UNDER_WAY_LAST : UNDER_WAY;
    // A browser drops what is under way when its page goes, and the last POST would wait for it.
    if (this.#farewell && !this.#over) for (const question of this.#underWay.values()) this.#insist(question);
    while (this.#underWay.size < most && !this.#over && (this.#waiting.length > 0 || this.#farewell)) {
      const packets = this.#take();
      const farewell = this.#waiting.length === 0 ? this.#farewell : undefined;
      if (farewell) this.#over = true;
      void this.#post(packets, farewell);
    }
  }

  #take(): Uint8Array[] {
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#waiting) {
      if (count > 0 && bytes + length > MAX_BODY) break;
      count++;
      bytes += length;
    }
    return this.#waiting.splice(0, count);
  }

  async #post(packets: readonly Uint8Array[], farewell: Ending | undefined): Promise<void> {
    const number = ++this.#number;
    const body = joinList(packets, this.#encoding);
    const question: Question = {
      method: 'POST',
      headers: {
        'spillway-connection': this.#id,
        'spillway-number': `${number}`,
        ...(farewell && { 'spillway-close': endingHeader(farewell) }),
      },
      body,
      ...(farewell && body.length < MAX_KEEPALIVE && { keepalive: true }),
    };
    this.#underWay.set(number, question);
    try {
      const reply = await this.#exchange.ask(this.#url, question, TIMEOUT);
      if (reply.status !== 204) this.#refused(reply);
    } catch (cause) {
      this.#refused(undefined, cause);
    }
    this.#underWay.delete(number);
    for (const { length } of packets) this.#bytes -= length;
    if (farewell) this.#drained?.();
    else this.#pump();
  }

  /** The same once more, whatever becomes of the page. */
  #insist(question: Question): void {
    if (question.body!.length > MAX_KEEPALIVE) return;
    this.#exchange.begin(this.#url, { ...question, keepalive: true }).catch(() => {});
  }

  #refused(reply: Reply | undefined, cause?: unknown): void {
    this.#over = true;
    this.#user.refused(reply, cause);
  }
}
