// The suite of transports once more, with those of the client package at the other end.
import { type Clock, systemClock } from '../../../client/src/clock.ts';
import { http, type WayDown } from '../../../client/src/transports/http.ts';
import { polls } from '../../../client/src/transports/longpoll.ts';
import { eventStream } from '../../../client/src/transports/sse.ts';
import type { Receiver, Transport } from '../../../client/src/transports/transport.ts';
import type { Ending } from '../compliance/acceptor.ts';
import { transportCompliance } from '../compliance/transport.ts';
import {
  type Arrival,
  RefusedError,
  type TransportClient,
  type TransportClientOptions,
} from '../compliance/transport-bench.ts';
import { serveStreams } from './test-clients.ts';

/** A transport of the client package, and a `fetch` that does what networks and slow pages do. */
class RealClient implements TransportClient, Receiver {
  readonly arrivals: Arrival[] = [];
  ending: Ending | undefined;
  readonly #options: TransportClientOptions;
  readonly #opened = Promise.withResolvers<this>();
  readonly #network = new AbortController();
  readonly #transport: Transport;
  #isOpen = false;
  /** Of the first answer. */
  #status: number | undefined;
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(url: string, down: WayDown, options: TransportClientOptions, clock: Clock = systemClock) {
    this.#options = options;
    const { query = '', encoding = 'binary' } = options;
    this.#transport = http(this.#fetch as typeof fetch, `${url}${query}`, encoding, clock, down)(this);
  }

  get ready(): Promise<this> {
    return this.#opened.promise;
  }

  // TransportClient

  send(bytes: Uint8Array, lane: number): void {
    this.#transport.write(bytes.slice(), lane);
  }

  sendDatagram(bytes: Uint8Array): void {
    this.#transport.sendDatagram(bytes);
  }

  hold(): void {
    this.#gate ??= Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  close(code: number, reason: string): void {
    this.#transport.close(code, reason);
  }

  cut(): void {
    this.#network.abort(new TypeError('the network is gone'));
  }

  // Receiver

  opened(): void {
    this.#isOpen = true;
    this.#opened.resolve(this);
  }

  receive(bytes: Uint8Array, reliable: boolean): void {
    this.arrivals.push({ bytes: bytes.slice(), reliable, stream: 0 });
  }

  violation(message: string): void {
    throw new Error(message);
  }

  closed(code: number, reason: string): void {
    this.ending ??= { code, reason };
    if (this.#isOpen || this.#status === 410) this.#opened.resolve(this);
    else this.#opened.reject(new RefusedError(code));
  }

  readonly #fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const { origin, headers } = this.#options;
    const signal = AbortSignal.any([init.signal!, this.#network.signal]);
    const isDown = !url.endsWith('/send');
    if (isDown) await this.#gate?.promise;
    const all = { ...(origin !== undefined && { origin }), ...headers, ...init.headers };
    const response = await fetch(url, { ...init, headers: all, signal });
    this.#status ??= response.status;
    if (!isDown || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
    const slow = new TransformStream<Uint8Array, Uint8Array>(
      {
        transform: async (chunk, out) => {
          await this.#gate?.promise;
          out.enqueue(chunk);
        },
      },
      undefined,
      { highWaterMark: 0 },
    );
    return new Response(response.body!.pipeThrough(slow), response);
  };
}

const WAYS = [
  ['sse', '/sse', eventStream],
  ['longpoll', '/poll', polls],
] as const;

for (const [name, path, down] of WAYS) {
  transportCompliance(
    name,
    async (acceptor) => {
      const server = await serveStreams(acceptor, { closeTimeout: 300, pollGap: 300 });
      const url = `http://127.0.0.1:${server.port}${path}`;
      return {
        connect: (options = {}) => new RealClient(url, down, options).ready,
        close: async () => server.close(),
      };
    },
    { lanes: 'one order', datagrams: 'TCP' },
  );
}
