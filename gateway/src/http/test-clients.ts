import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as startRequest,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { CLOSE, type CloseName, type Encoding, SUBPROTOCOLS } from '@spillway/envelope';
import type { Ending } from '../compliance/acceptor.ts';
import { TestLogger } from '../compliance/fixture.ts';
import {
  type Arrival,
  RefusedError,
  type TransportClient,
  type TransportClientOptions,
} from '../compliance/transport-bench.ts';
import type { Acceptor } from '../core/contracts/transport.ts';
import { endingHeader, parseEndingHeader } from '../transports/ending.ts';
import { joinList, splitList } from '../transports/packet-list.ts';
import type { StreamOptions } from '../transports/stream-options.ts';
import { streamRoutes } from './stream-routes.ts';

export interface TestServer {
  readonly port: number;
  readonly logger: TestLogger;
  close(): void;
}

/** Serves the routes the way the gateway's HTTP server does; other paths are 404. */
export async function serveStreams(acceptor: Acceptor, options: StreamOptions = {}): Promise<TestServer> {
  const logger = new TestLogger();
  const routes = streamRoutes(acceptor, { logger, ...options });
  const server = createServer((request, response) => {
    if (!routes.handle(request, response, '127.0.0.1')) response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    logger,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'OPTIONS' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array;
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON. */
  readonly json: { readonly code: string; readonly message: string; readonly close?: number };
}

/** Sends a request; resolves with the answer's head. */
export async function begin(port: number, exchange: Exchange): Promise<IncomingMessage> {
  const { method, path, headers, body, agent, signal } = exchange;
  const request = startRequest({
    host: '127.0.0.1',
    port,
    method,
    path,
    // Without its length Node would send what a GET carries as it is.
    headers: {
      ...(body && !headers?.['transfer-encoding'] && { 'content-length': body.length }),
      ...headers,
    },
    agent,
    signal,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  request.on('error', () => {});
  return response;
}

/** Sends a request and reads the whole answer. */
export async function call(port: number, exchange: Exchange): Promise<Reply> {
  return finish(await begin(port, exchange));
}

async function finish(response: IncomingMessage): Promise<Reply> {
  const body = await buffer(response);
  return {
    status: response.statusCode!,
    headers: response.headers,
    body,
    get json() {
      return JSON.parse(body.toString());
    },
  };
}

/** Of an answer that is no connection: why. */
function endingOf({ status, json }: Reply): Ending {
  if (status !== 410) throw new RefusedError(CLOSE[json.code as CloseName]);
  return { code: json.close!, reason: json.message };
}

/** What both sorts of client have in common: one POST after the other, with all that waits. */
abstract class HttpClient implements TransportClient {
  readonly arrivals: Arrival[] = [];
  readonly encoding: Encoding;
  readonly agent = new Agent({ keepAlive: true });
  ending: Ending | undefined;
  protected readonly port: number;
  protected id = '';
  readonly #queue: Uint8Array[] = [];
  #farewell: Ending | undefined;
  #posting = false;
  #number = 0;

  constructor(port: number, { encoding = 'binary' }: TransportClientOptions) {
    this.port = port;
    this.encoding = encoding;
  }

  abstract open(options: TransportClientOptions): Promise<this>;
  abstract hold(): void;
  abstract release(): void;

  send(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    void this.#post();
  }

  sendDatagram(): void {}

  close(code: number, reason: string): void {
    this.#farewell = { code, reason };
    void this.#post();
  }

  cut(): void {
    this.end({ code: CLOSE['transport-lost'], reason: '' });
  }

  protected end(ending: Ending): void {
    this.ending ??= ending;
    this.agent.destroy();
  }

  protected openingOf(path: string, { origin, headers, query = '' }: TransportClientOptions): Exchange {
    return {
      method: 'GET',
      path: `${path}${query}`,
      headers: {
        'spillway-protocol': SUBPROTOCOLS[this.encoding],
        ...(origin !== undefined && { origin }),
        ...headers,
      },
      agent: this.agent,
    };
  }

  protected arrived(bytes: Uint8Array): void {
    this.arrivals.push({ bytes, reliable: true, stream: 0 });
  }

  async #post(): Promise<void> {
    if (this.#posting) return;
    this.#posting = true;
    while ((this.#queue.length > 0 || this.#farewell !== undefined) && this.ending === undefined) {
      // Two of the largest size, and the small ones.
      const packets = this.#queue.splice(0, this.#queue.some(({ length }) => length > 1_000) ? 2 : 1_000);
      const farewell = this.#queue.length === 0 ? this.#farewell : undefined;
      if (farewell !== undefined) this.#farewell = undefined;
      const sent = call(this.port, {
        method: 'POST',
        path: '/send',
        headers: {
          'spillway-connection': this.id,
          'spillway-number': ++this.#number,
          ...(farewell && {
            'spillway-close': endingHeader(farewell),
          }),
        },
        body: joinList(packets, this.encoding),
        agent: this.agent,
      });
      const reply = await sent.catch(() => undefined);
      if (reply !== undefined && reply.status !== 204) this.refused(endingOf(reply));
      else if (farewell !== undefined) this.end(farewell);
    }
    this.#posting = false;
  }

  /** A POST came too late. */
  protected abstract refused(ending: Ending): void;
}

/** Reads an event stream as a browser would. */
class SseClient extends HttpClient {
  #response: IncomingMessage | undefined;
  #text = '';

  async open(options: TransportClientOptions): Promise<this> {
    const response = await begin(this.port, this.openingOf('/sse', options));
    if (response.statusCode !== 200) {
      this.end(endingOf(await finish(response)));
      return this;
    }
    this.#response = response;
    this.id = response.headers['spillway-connection'] as string;
    response.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    response.on('error', () => {});
    return this;
  }

  hold(): void {
    this.#response?.pause();
  }

  release(): void {
    this.#response?.resume();
  }

  protected refused(): void {
    // The stream has the reason too, behind what is still on its way.
  }

  #read(text: string): void {
    const events = (this.#text + text).split('\n\n');
    this.#text = events.pop()!;
    for (const event of events) {
      const fields = new Map(
        event.split('\n').map((line) => {
          const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line)!;
          return [name, value];
        }),
      );
      const data = fields.get('data');
      if (data === undefined) continue;
      if (fields.get('event') === 'close') {
        const { close, message } = JSON.parse(data);
        this.end({ code: close, reason: message });
      } else this.arrived(Buffer.from(data, this.encoding === 'binary' ? 'base64' : 'utf8'));
    }
  }
}

/** Polls, one after the other. */
class LongPollClient extends HttpClient {
  #held = false;
  #polling = false;
  #ack = 0;

  async open(options: TransportClientOptions): Promise<this> {
    const reply = await call(this.port, this.openingOf('/poll', options));
    if (reply.status === 204) {
      this.id = reply.headers['spillway-connection'] as string;
      void this.#poll();
    } else this.end(endingOf(reply));
    return this;
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    void this.#poll();
  }

  protected refused(): void {
    // Polls have the reason too, behind what still waits.
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    while (!this.#held && this.ending === undefined) {
      const { agent, id } = this;
      const headers = { 'spillway-connection': id, 'spillway-ack': this.#ack };
      const reply = await call(this.port, { method: 'GET', path: '/poll', headers, agent }).catch(
        () => undefined,
      );
      if (reply?.status === 200) {
        this.#ack = Number(reply.headers['spillway-answer']);
        splitList(reply.body, this.encoding, 1e6, (packet) => this.arrived(packet));
        const closes = reply.headers['spillway-close'];
        if (closes !== undefined) this.end(parseEndingHeader(String(closes))!);
      } else if (reply !== undefined && reply.status !== 204) this.end(endingOf(reply));
    }
    this.#polling = false;
  }
}

export function connectSse(port: number, options: TransportClientOptions = {}): Promise<TransportClient> {
  return new SseClient(port, options).open(options);
}

export function connectLongPoll(
  port: number,
  options: TransportClientOptions = {},
): Promise<TransportClient> {
  return new LongPollClient(port, options).open(options);
}
