import type { ServerResponse } from 'node:http';
import type { Encoding } from '@spillway/envelope';
import type { Acceptor, Receiver, Transport } from '../core/contracts/transport.ts';
import type { Connections, HttpTransport } from './connections.ts';
import { endingText } from './ending.ts';
import { FlushTurn } from './flush-turn.ts';
import { COMMON_HEADERS } from './http-answer.ts';
import { type Downlink, HttpConnection } from './http-connection.ts';
import { admitOpening, type OpeningRequest } from './opening.ts';
import { oneLine } from './packet-list.ts';
import type { StreamSettings } from './stream-options.ts';

/** Some proxies and virus scanners hold an answer back until they have seen this much of it. */
const PADDING = `:${' '.repeat(2_048)}\n\n`;

const HEARTBEAT = ':\n\n';

/** Between the end of a stream and a farewell that is on its way, ms. */
const FAREWELL = 500;

/** The event stream rung: call `open` for each GET and POST to its path. */
export interface SseTransports {
  /** The request becomes a session's transport or is answered with an HTTP error. */
  open(opening: OpeningRequest): Promise<void>;
}

/** Makes transports of requests for an event stream and hands them to the acceptor. */
export function sseTransports(
  acceptor: Acceptor,
  connections: Connections,
  settings: StreamSettings,
): SseTransports {
  const turn = new FlushTurn();
  return {
    async open(request) {
      const opening = await admitOpening(acceptor, 'sse', request, settings);
      if (opening === undefined) return;
      const { admission, encoding, body } = opening;
      const transport = new SseTransport(request.response, encoding, acceptor.maxFrameBytes, {
        connections,
        settings,
        turn,
      });
      transport.start(acceptor.accept(admission, transport), body);
    },
  };
}

interface House {
  readonly connections: Connections;
  readonly settings: StreamSettings;
  readonly turn: FlushTurn;
}

/** One event stream down, and the POSTs that go with it up. One event is one packet; all lanes share the stream. */
class SseTransport implements Transport, HttpTransport, Downlink {
  readonly name = 'sse';
  readonly maxDatagramSize = 0;
  readonly connection: HttpConnection;
  readonly #id: string;
  readonly #house: House;
  readonly #response: ServerResponse;
  /** What this turn has written. */
  #events = '';
  readonly #heartbeat: NodeJS.Timeout;
  #closing: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, encoding: Encoding, maxFrameBytes: number, house: House) {
    const { connections, settings } = house;
    this.#house = house;
    this.#response = response;
    this.connection = new HttpConnection(encoding, maxFrameBytes, settings, this);
    this.#id = connections.add(this);
    response.writeHead(200, {
      ...COMMON_HEADERS,
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
      'spillway-connection': this.#id,
    });
    response.on('close', () => this.#closed());
    this.#send(PADDING);
    this.#heartbeat = setTimeout(() => this.#beat(), settings.heartbeat);
  }

  get backlog(): number {
    return this.#events.length + this.#response.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.connection.ending !== undefined) return;
    this.#send(`data: ${this.#textOf(bytes)}\n\n`);
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
    this.#response.end(`${this.#drain()}event: close\ndata: ${endingText({ code, reason })}\n\n`);
    // One that does not read cannot hold up the core; 'close' follows.
    this.#closing = setTimeout(() => this.#response.destroy(), this.#house.settings.closeTimeout).unref();
  }

  start(receiver: Receiver, body: Uint8Array): void {
    this.connection.start(receiver);
    this.connection.take(body);
  }

  flush(): void {
    if (this.#events === '' || this.#response.writableEnded || this.#response.destroyed) return;
    this.#heartbeat.refresh();
    this.#response.write(this.#drain());
  }

  left(): void {
    this.#response.end();
  }

  over(): void {
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#closing);
    this.#house.connections.end(this.#id);
  }

  #send(event: string): void {
    this.#events += event;
    this.#house.turn.add(this);
  }

  #drain(): string {
    const events = this.#events;
    this.#events = '';
    return events;
  }

  #textOf(bytes: Uint8Array): string {
    const { buffer, byteOffset, byteLength } = this.connection.encoding === 'binary' ? bytes : oneLine(bytes);
    const view = Buffer.from(buffer, byteOffset, byteLength);
    return view.toString(this.connection.encoding === 'binary' ? 'base64' : 'utf8');
  }

  /** Nobody reads any more. A page that goes has its stream cut, and its farewell comes right behind. */
  #closed(): void {
    if (this.connection.ending !== undefined) this.connection.over();
    else this.#closing = setTimeout(() => this.connection.over(), FAREWELL).unref();
  }

  #beat(): void {
    this.#heartbeat.refresh();
    // A client that does not read has enough to read.
    if (this.backlog === 0) this.#send(HEARTBEAT);
  }
}
