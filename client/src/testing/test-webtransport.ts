import { type Dictionary, FrameReader, frame, readPacket } from '@spillway/envelope';
import type { WebTransportApi, WebTransportInit, WebTransportSession } from '../transports/w3c.ts';
import { Peer, type PeerWire } from './test-peer.ts';
import type { World } from './test-world.ts';

/** The platform's WebTransport class, ending in `world`: W3C streams over memory. Nothing in it waits for time. */
export function fakeWebTransport(world: World): WebTransportApi {
  return class {
    constructor(url: string, options: WebTransportInit = {}) {
      const session = new FakeSession(world, url, options);
      world.fakeSessions.push(session);
      // biome-ignore lint/correctness/noConstructorReturn: the class under test only knows the constructor.
      return session;
    }
  } as unknown as WebTransportApi;
}

/** One WebTransport session as the client sees it, with handles for tests. */
export class FakeSession implements WebTransportSession {
  readonly options: WebTransportInit;
  readonly peer: Peer;
  readonly ready: Promise<unknown>;
  readonly closed: Promise<{ closeCode?: number; reason?: string }>;
  readonly datagrams: WebTransportSession['datagrams'] & { maxDatagramSize: number };
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  /** Unidirectional streams that the client opened. */
  streams = 0;
  /** Of those: with FIN, or reset. */
  ended = 0;
  reset = 0;
  /** New streams of the client wait while this is true, as without credit. */
  noCredit = false;
  readonly #credit = Promise.withResolvers<void>();
  readonly #world: World;
  readonly #ready = Promise.withResolvers<unknown>();
  readonly #closed = Promise.withResolvers<{ closeCode: number; reason: string }>();
  /** The gateway's lanes: 0 is the control stream, once there is one. */
  readonly #lanes = new Map<number, ReadableStreamDefaultController<Uint8Array>>();
  #incoming!: ReadableStreamDefaultController<ReadableStream<Uint8Array>>;
  #datagramsIn!: ReadableStreamDefaultController<Uint8Array>;
  #over = false;

  constructor(world: World, url: string, options: WebTransportInit) {
    this.#world = world;
    this.options = options;
    this.ready = this.#ready.promise;
    this.closed = this.#closed.promise;
    const wire: PeerWire = {
      maxDatagramSize: 1_200,
      write: (bytes, lane) => this.#laneOf(lane)?.enqueue(frame(bytes)),
      closeLane: (lane) => {
        this.#lanes.get(lane)?.close();
        this.#lanes.delete(lane);
      },
      sendDatagram: (bytes) => {
        if (!this.#over) this.#datagramsIn.enqueue(bytes.slice());
        return !this.#over;
      },
      openMessage: (frames) => {
        if (this.#over) return undefined;
        const stream = this.openStream();
        for (const bytes of frames) stream.enqueue(frame(bytes));
        stream.close();
        return { done: true, reset: () => {} };
      },
      close: (code, reason) => this.end(code, reason),
      cut: () => this.end(0, ''),
    };
    this.peer = new Peer(`wt-${world.sessions.length}`, url, wire, world);
    world.sessions.push(this.peer);
    this.incomingUnidirectionalStreams = new ReadableStream({
      start: (controller) => {
        this.#incoming = controller;
      },
    });
    this.datagrams = {
      maxDatagramSize: 1_200,
      readable: new ReadableStream({
        start: (controller) => {
          this.#datagramsIn = controller;
        },
      }),
      createWritable: () =>
        new WritableStream({
          write: async (bytes) => {
            await world.datagramGate;
            if (bytes.length <= this.datagrams.maxDatagramSize) this.peer.take(bytes, 'datagram');
          },
        }),
    };
    queueMicrotask(() => {
      if (world.webtransport === 'answer') this.open();
      if (world.webtransport === 'fail') this.fail(new Error('Opening handshake failed.'));
      if (world.webtransport === 'fail-tls') this.fail(new Error('quic recv: TlsFail'));
    });
  }

  open(): void {
    if (!this.#over) this.#ready.resolve(undefined);
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#ready.reject(error);
    this.#closed.reject(error);
  }

  /** The far end closes. */
  end(closeCode: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#closed.resolve({ closeCode, reason });
    const error = new Error('session closed');
    for (const controller of [...this.#lanes.values(), this.#incoming, this.#datagramsIn])
      controller.error(error);
  }

  close({ closeCode, reason }: { closeCode: number; reason: string }): void {
    this.peer.hangUp(closeCode, reason);
    if (!this.#world.confirmsClose || this.peer.silent) return;
    this.#ready.reject(new Error('closed before it was ready'));
    this.end(closeCode, reason);
  }

  async createBidirectionalStream(): Promise<{
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
  }> {
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => void this.#lanes.set(0, controller),
    });
    return { readable, writable: this.#sink('control') };
  }

  async createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
    this.streams++;
    if (this.noCredit) await this.#credit.promise;
    return this.#sink();
  }

  /** Streams that waited may open, and new ones as well. */
  grant(): void {
    this.noCredit = false;
    this.#credit.resolve();
  }

  /** Opens a stream towards the client. */
  openStream(): ReadableStreamDefaultController<Uint8Array> {
    let stream!: ReadableStreamDefaultController<Uint8Array>;
    this.#incoming.enqueue(
      new ReadableStream({
        start: (controller) => {
          stream = controller;
        },
      }),
    );
    return stream;
  }

  /** The client's end of the control stream breaks off. */
  breakControl(): void {
    this.#lanes.get(0)!.close();
    this.#lanes.delete(0);
  }

  #laneOf(lane: number): ReadableStreamDefaultController<Uint8Array> | undefined {
    if (this.#over) return undefined;
    if (lane > 0 && !this.#lanes.has(lane)) this.#lanes.set(lane, this.openStream());
    return this.#lanes.get(lane);
  }

  #sink(known?: string): WritableStream<Uint8Array> {
    const frames = new FrameReader(1_000_000);
    let way = known;
    return new WritableStream({
      write: async (chunk, { signal }) => {
        // A reset does not wait for what is being written.
        const reset = new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
        await Promise.race([this.#world.streamGate, reset]);
        frames.push(chunk, (bytes) => {
          way ??= wayOf(bytes, this.peer.names);
          this.peer.take(bytes, way);
        });
      },
      close: () => void this.ended++,
      abort: () => void this.reset++,
    });
  }
}

/** A lane begins with LANE; a stream that begins otherwise carries one message. */
function wayOf(bytes: Uint8Array, names: Dictionary): string {
  let way = 'message';
  readPacket(bytes, names, (first) => {
    if (first.kind === 'lane') way = first.channel;
  });
  return way;
}
