import type { ServerResponse } from 'node:http';
import { CLOSE, closeName, type Envelope, encode } from '@spillway/envelope';
import type { Acceptor, Admission } from '../core/contracts/transport.ts';
import { endingText } from '../transports/ending.ts';
import type { FlushTurn } from '../transports/flush-turn.ts';
import { answerError, COMMON_HEADERS } from '../transports/http-answer.ts';
import { PlainSession, type PlainUser } from './plain-session.ts';
import { statusOf } from './plain-status.ts';

/** The subscription is the only thing that a reader asks for. */
const ID = '1';

/** Where in a channel a reader has been: what `id:` of an event says. */
export interface Since {
  readonly epoch: string;
  readonly seq: number;
}

/** Reads the id of an event; undefined for what is none. */
export function readEventId(id: string): Since | undefined {
  const [, epoch = '', seq = ''] = /^([\w-]{1,64}):(\d{1,15})$/.exec(id) ?? [];
  return epoch ? { epoch, seq: Number(seq) } : undefined;
}

/** What to read. */
export interface Reading {
  readonly channel: string;
  readonly since: Since | undefined;
  readonly token: string | undefined;
  /** With nothing to say a comment is sent so often, ms. */
  readonly heartbeat: number;
}

/**
 * One channel as an event stream that any `EventSource` can read: the data of an event is its envelope in text, its id the
 * place in the channel. Nothing goes up.
 */
export class EventReader implements PlainUser {
  readonly #response: ServerResponse;
  readonly #reading: Reading;
  readonly #session: PlainSession;
  #epoch = '';
  /** The gateway's own words, for the close that follows. */
  #refusal: { readonly code: string; readonly message: string } | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  /** `admission` has been admitted. */
  constructor(
    acceptor: Acceptor,
    admission: Admission,
    reading: Reading,
    response: ServerResponse,
    turn: FlushTurn,
  ) {
    this.#response = response;
    this.#reading = reading;
    this.#session = new PlainSession(acceptor, admission, reading.token, turn, this);
    response.on('close', () => {
      clearTimeout(this.#heartbeat);
      this.#session.leave();
    });
    response.on('drain', () => this.#session.acknowledge());
  }

  get backlog(): number {
    return this.#response.writableLength;
  }

  welcomed(): void {
    const { channel, since } = this.#reading;
    try {
      this.#session.say({ kind: 'subscribe', id: ID, channel, since });
    } catch (error) {
      this.#refuse('bad-channel', (error as Error).message);
    }
  }

  receive(envelope: Envelope): void {
    switch (envelope.kind) {
      case 'subscribed': {
        const { channel, epoch, seq, recovered, history } = envelope;
        this.#epoch = epoch === '*' ? '' : epoch;
        this.#begin();
        this.#send(JSON.stringify({ channel, epoch, seq, recovered, history }), seq, 'subscribed');
        return;
      }
      case 'event':
        // What is for this session alone has no channel, and nothing here could answer it.
        if (envelope.channel !== '')
          this.#send(Buffer.from(encode(envelope, 'json')).toString(), envelope.seq);
        return;
      case 'gap': {
        const { channel, from, to } = envelope;
        this.#send(JSON.stringify({ channel, from, to }), to, 'gap');
        return;
      }
      case 'error':
        this.#refusal = envelope;
        // After the beginning it is the subscription that was taken away.
        if (!this.#response.headersSent && envelope.id === ID) this.#refuse(envelope.code, envelope.message);
        else if (this.#response.headersSent) this.#finish({ code: CLOSE.forbidden, reason: envelope.code });
        return;
      default:
      // Nothing else concerns who only reads.
    }
  }

  closing(code: number, reason: string): void {
    if (this.#response.headersSent) this.#finish({ code, reason });
    else this.#refuse(this.#refusal?.code ?? closeName(code), this.#refusal?.message ?? reason);
  }

  #begin(): void {
    this.#response.writeHead(200, {
      ...COMMON_HEADERS,
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    });
    this.#response.write('retry: 2000\n\n');
    this.#heartbeat = setTimeout(() => this.#beat(), this.#reading.heartbeat);
  }

  #send(data: string, seq: number | undefined, name?: string): void {
    if (this.#response.writableEnded) return;
    const id = this.#epoch && seq !== undefined ? `id: ${this.#epoch}:${seq}\n` : '';
    const event = name === undefined ? '' : `event: ${name}\n`;
    this.#heartbeat?.refresh();
    this.#response.write(`${id}${event}data: ${data.replace(/\r?\n|\r/g, ' ')}\n\n`);
  }

  #finish(ending: { readonly code: number; readonly reason: string }): void {
    if (this.#response.writableEnded) return;
    this.#send(endingText(ending), undefined, 'close');
    this.#response.end();
  }

  #refuse(code: string, message: string): void {
    if (this.#response.headersSent) return;
    answerError(this.#response, statusOf(code), code, message);
  }

  #beat(): void {
    this.#heartbeat?.refresh();
    if (this.backlog === 0 && !this.#response.writableEnded) this.#response.write(':\n\n');
  }
}
