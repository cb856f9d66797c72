import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Encoding } from '@spillway/envelope';
import type { Acceptor, Receiver, Transport } from '../core/contracts/transport.ts';
import type { Connections, HttpTransport } from './connections.ts';
import { endingHeader } from './ending.ts';
import { FlushTurn } from './flush-turn.ts';
import { answer, answerEmpty, answerEnding, answerError } from './http-answer.ts';
import { type Downlink, HttpConnection } from './http-connection.ts';
import { admitOpening, type OpeningRequest } from './opening.ts';
import { joinList, LIST_TYPES } from './packet-list.ts';
import type { StreamSettings } from './stream-options.ts';

/**
 * Bytes of packets in one answer, unless one alone is larger. What is lost with an answer is sent again whole, and a
 * client on a slow link is to come back for more within `pollGap`.
 */
const MAX_ANSWER = 64 * 1024;

/** The long-poll rung: call `open` for each GET and POST to its path that names no connection. */
export interface LongPollTransports {
  /** The request becomes a session's transport or is answered with an HTTP error. */
  open(opening: OpeningRequest): Promise<void>;
}

/** Makes transports of requests that begin to poll and hands them to the acceptor. */
export function longPollTransports(
  acceptor: Acceptor,
  connections: Connections,
  settings: StreamSettings,
): LongPollTransports {
  const turn = new FlushTurn();
  return {
    async open(request) {
      const opening = await admitOpening(acceptor, 'longpoll', request, settings);
      if (opening === undefined) return;
      const { admission, encoding, body } = opening;
      const transport = new LongPollTransport(encoding, acceptor.maxFrameBytes, {
        connections,
        settings,
        turn,
      });
      transport.start(acceptor.accept(admission, transport), body, request.response);
    },
  };
}

interface House {
  readonly connections: Connections;
  readonly settings: StreamSettings;
  readonly turn: FlushTurn;
}

interface Poll {
  readonly response: ServerResponse;
  readonly headers: OutgoingHttpHeaders;
}

interface Answer {
  readonly body: Buffer;
  readonly bytes: number;
}

/**
 * One poll after the other down, and POSTs up. Answers with packets are numbered; each is kept until a poll says that it
 * arrived. All lanes share the one order.
 */
class LongPollTransport implements Transport, HttpTransport, Downlink {
  readonly name = 'longpoll';
  readonly maxDatagramSize = 0;
  readonly connection: HttpConnection;
  readonly #id: string;
  readonly #house: House;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Number of the last answer. */
  #number = 0;
  /** The last answer, until it is known to have arrived. */
  #unacknowledged: Answer | undefined;
  /** The one that waits for something to answer. */
  #poll: Poll | undefined;
  /** Until the poll is answered with nothing; while there is none, until the connection is lost. */
  #timer: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  /** Packets are being written to it, and the end when they are the last. */
  #answering: { readonly response: ServerResponse; readonly isLast: boolean } | undefined;
  #isOver = false;

  constructor(encoding: Encoding, maxFrameBytes: number, house: House) {
    this.#house = house;
    this.connection = new HttpConnection(encoding, maxFrameBytes, house.settings, this);
    this.#id = house.connections.add(this);
  }

  get backlog(): number {
    return this.#waitingBytes + (this.#unacknowledged?.bytes ?? 0);
  }

  write(bytes: Uint8Array): void {
    if (this.connection.ending !== undefined) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#poll !== undefined) this.#house.turn.add(this);
  }

  closeLane(): void {
    // A lane in a pipe holds nothing.
  }

  sendDatagram(): boolean {
    return false;
  }

  openMessage(): undefined {
    return undefined;
  }

  close(code: number, reason: string): void {
    if (!this.connection.close(code, reason)) return;
    // One that does not come back, or does not read, cannot hold up the core.
    this.#closing = setTimeout(() => {
      this.#answering?.response.destroy();
      this.connection.over();
    }, this.#house.settings.closeTimeout).unref();
    this.flush();
  }

  /** The request that opened the connection is its first poll, unless the client has yet to say anything. */
  start(receiver: Receiver, body: Uint8Array, response: ServerResponse): void {
    this.connection.start(receiver);
    this.connection.take(body);
    this.#hold({ response, headers: { 'spillway-connection': this.#id } });
    if (body.length === 0) this.#answerNothing();
  }

  poll(response: ServerResponse, ack: number): void {
    const isRepeated = this.#unacknowledged !== undefined && ack === this.#number - 1;
    if (ack !== this.#number && !isRepeated) {
      answerError(response, 409, 'bad-ack', `the last answer was ${this.#number}`);
      return;
    }
    const earlier = this.#release();
    if (earlier !== undefined) answerError(earlier.response, 409, 'replaced', 'another poll came');
    if (!isRepeated) this.#unacknowledged = undefined;
    this.#hold({ response, headers: {} });
  }

  /** Answers the poll that waits, if there is something to say. */
  flush(): void {
    if (this.#poll === undefined) return;
    const { ending } = this.connection;
    if (this.#unacknowledged === undefined && this.#waiting.length > 0) this.#take();
    if (this.#unacknowledged !== undefined) {
      const { response, headers } = this.#release()!;
      const last = this.#waiting.length === 0 ? ending : undefined;
      this.#answering = { response, isLast: last !== undefined };
      answer(response, 200, this.#unacknowledged.body, {
        'content-type': LIST_TYPES[this.connection.encoding],
        'spillway-answer': this.#number,
        ...(last && { 'spillway-close': endingHeader(last) }),
        ...headers,
      });
    } else if (ending !== undefined) {
      answerEnding(this.#release()!.response, ending);
      this.connection.over();
    }
  }

  left(): void {
    this.#waiting = [];
    this.#unacknowledged = undefined;
    const poll = this.#release();
    if (poll !== undefined) answerEnding(poll.response, this.connection.ending!);
  }

  over(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#closing);
    this.#house.connections.end(this.#id);
  }

  /** Makes an answer of what waits, or as much of it as goes into one. */
  #take(): void {
    let bytes = 0;
    let count = 0;
    for (const packet of this.#waiting) {
      if (count > 0 && bytes + packet.length > MAX_ANSWER) break;
      bytes += packet.length;
      count++;
    }
    const packets = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    this.#number++;
    this.#unacknowledged = { body: joinList(packets, this.connection.encoding), bytes };
  }

  #hold(poll: Poll): void {
    this.#poll = poll;
    this.#wait(this.#house.settings.pollTimeout, () => this.#answerNothing());
    // Only then is the answer on its way, or the client gone.
    poll.response.on('close', () => this.#closed(poll));
    this.flush();
  }

  #closed(poll: Poll): void {
    if (this.#answering?.response === poll.response) {
      if (this.#answering.isLast && poll.response.writableFinished) this.connection.over();
      this.#answering = undefined;
    }
    if (this.#poll === poll) this.#release();
    if (this.#poll === undefined && !this.#isOver)
      this.#wait(this.#house.settings.pollGap, () => this.connection.over());
  }

  #answerNothing(): void {
    const poll = this.#release();
    if (poll !== undefined) answerEmpty(poll.response, poll.headers);
  }

  #release(): Poll | undefined {
    const poll = this.#poll;
    this.#poll = undefined;
    clearTimeout(this.#timer);
    return poll;
  }

  #wait(time: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, time).unref();
  }
}
