import { CLOSE, FrameReader, frame } from '@spillway/envelope';
import type { WebTransportApi, WebTransportSession } from '../client/src/transports/w3c.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import { Sink } from './sink.ts';
import { Source } from './source.ts';
import { Flow } from './way.ts';
import type { Wire } from './wire.ts';

const LARGEST = 16 * 1024 * 1024;

/** The platform's `WebTransport`, as far as the client uses it, over simulated wires. */
export function simulatedWebTransport(network: Network, machine: Machine): WebTransportApi {
  return class {
    constructor() {
      // biome-ignore lint/correctness/noConstructorReturn: the client only knows the constructor.
      return new SimulatedSession(network, machine);
    }
  } as unknown as WebTransportApi;
}

class SimulatedSession implements WebTransportSession {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<{ closeCode?: number; reason?: string }>;
  readonly #network: Network;
  readonly #machine: Machine;
  readonly #ready = Promise.withResolvers<unknown>();
  readonly #closed = Promise.withResolvers<{ closeCode: number; reason: string }>();
  readonly #datagrams = new Source<Uint8Array>();
  readonly #incoming = new Source<ReadableStream<Uint8Array>>();
  readonly #sinks = new Set<Sink>();
  /** What the gateway's streams bring. */
  readonly #sources = new Set<Source<Uint8Array>>();
  #wire: Wire | undefined;
  #over = false;

  constructor(network: Network, machine: Machine) {
    this.#network = network;
    this.#machine = machine;
    this.ready = this.#ready.promise;
    this.closed = this.#closed.promise;
    this.ready.catch(() => {});
    this.closed.catch(() => {});
    network.dial(
      'webtransport',
      () => !this.#over,
      (wire) => this.#answered(wire),
    );
  }

  get datagrams(): WebTransportSession['datagrams'] {
    const size = () => this.#wire?.weather.maxDatagramSize ?? 0;
    return {
      readable: this.#datagrams.readable,
      createWritable: () =>
        ({
          getWriter: () => ({
            closed: new Promise(() => {}),
            ready: Promise.resolve(),
            write: (bytes: Uint8Array) => this.#sendDatagram(bytes),
          }),
        }) as unknown as WritableStream<Uint8Array>,
      get maxDatagramSize() {
        return size();
      },
    };
  }

  get incomingUnidirectionalStreams(): ReadableStream<ReadableStream<Uint8Array>> {
    return this.#incoming.readable;
  }

  async createBidirectionalStream(): Promise<{
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
  }> {
    const wire = this.#wire!;
    const source = new Source<Uint8Array>();
    this.#sources.add(source);
    wire.onControl = (bytes) => source.push(frame(bytes));
    return { readable: source.readable, writable: this.#openSink() };
  }

  async createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
    if (this.#over) throw new Error('the session is gone');
    return this.#openSink();
  }

  close({ closeCode, reason }: { closeCode: number; reason: string }): void {
    if (this.#over) return;
    const wire = this.#wire;
    // It overtakes what is under way on streams.
    if (wire) wire.closeUp(closeCode, reason, new Flow(wire.up));
    this.#end(closeCode, reason);
  }

  #answered(wire: Wire | undefined): void {
    if (this.#over) {
      wire?.cut(Number.POSITIVE_INFINITY, 0);
      return;
    }
    if (!wire) {
      this.#over = true;
      const error = new Error('Opening handshake failed.');
      this.#ready.reject(error);
      this.#closed.reject(error);
      return;
    }
    this.#wire = wire;
    wire.client = (code, reason) => this.#end(code === CLOSE['transport-lost'] ? 0 : code, reason);
    wire.onDatagram = (bytes) => {
      if (!this.#over) this.#datagrams.push(bytes.slice());
    };
    wire.onStream = () => {
      const source = new Source<Uint8Array>();
      this.#sources.add(source);
      this.#incoming.push(source.readable);
      return {
        take: (bytes) => source.push(frame(bytes)),
        end: () => {
          source.end();
          this.#sources.delete(source);
        },
      };
    };
    this.#ready.resolve(undefined);
  }

  #openSink(): WritableStream<Uint8Array> {
    const wire = this.#wire!;
    const frames = new FrameReader(LARGEST);
    const sink: Sink = new Sink(
      wire.up,
      new Flow(wire.up),
      (chunk) => frames.push(chunk, (bytes) => wire.receiver?.receive(bytes, true)),
      () => {},
    );
    this.#sinks.add(sink);
    return sink.writable;
  }

  #sendDatagram(bytes: Uint8Array): Promise<void> {
    const wire = this.#wire;
    if (!wire || this.#over) return Promise.reject(new Error('the session is gone'));
    // Too long by now: the limit may have changed.
    if (bytes.length > wire.weather.maxDatagramSize) return Promise.resolve();
    const { clock } = this.#network;
    const delay = wire.up.backlog / wire.weather.rate;
    wire.up.datagram(bytes.length, () => wire.receiver?.receive(bytes, false));
    if (delay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      clock.after(delay, () => this.#machine.hear(resolve));
    });
  }

  #end(closeCode: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#ready.reject(new Error('closed before it was ready'));
    this.#closed.resolve({ closeCode, reason });
    const error = new Error('the session is gone');
    for (const source of [...this.#sources, this.#incoming, this.#datagrams]) source.end(error);
    for (const sink of this.#sinks) sink.fail();
  }
}
