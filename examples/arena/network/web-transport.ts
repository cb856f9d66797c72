import type { World } from './line.ts';
import { oneWay, scattered, slowReadable, slowWritable } from './streams.ts';

const ignore = (): void => {};

/**
 * A WebTransport session on the simulated network: datagrams are late, overtake each other and get lost; what streams
 * carry is late, each stream by itself.
 */
export function slowWebTransport(Real: typeof WebTransport, world: World): typeof WebTransport {
  class SlowWebTransport {
    readonly ready: Promise<unknown>;
    readonly closed: Promise<WebTransportCloseInfo>;
    readonly draining: Promise<unknown> | undefined;
    readonly datagrams: SlowDatagrams;
    readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
    readonly #real: WebTransport;

    constructor(...args: ConstructorParameters<typeof WebTransport>) {
      const real = new Real(...args);
      this.#real = real;
      // The handshake goes there and back.
      this.ready = real.ready.then(() => oneWay(world)).then(() => oneWay(world));
      this.closed = real.closed.then(async (info) => {
        await oneWay(world);
        return info;
      });
      this.draining = (real as { draining?: Promise<unknown> }).draining;
      this.datagrams = new SlowDatagrams(real.datagrams as RealDatagrams, world);
      this.incomingUnidirectionalStreams = real.incomingUnidirectionalStreams.pipeThrough(
        new TransformStream({
          transform: (stream, controller) => controller.enqueue(slowReadable(stream, world)),
        }),
      );
    }

    async createBidirectionalStream(): Promise<ReadableWritablePair<Uint8Array, Uint8Array>> {
      const { readable, writable } = await this.#real.createBidirectionalStream();
      return { readable: slowReadable(readable, world), writable: slowWritable(writable, world) };
    }

    async createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
      return slowWritable(await this.#real.createUnidirectionalStream(), world);
    }

    close(info?: WebTransportCloseInfo): void {
      oneWay(world).then(() => this.#real.close(info), ignore);
    }
  }
  // As much of the interface as the client of Spillway uses.
  return SlowWebTransport as unknown as typeof WebTransport;
}

/** Browsers have the one or the other. */
interface RealDatagrams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable?: WritableStream<Uint8Array>;
  createWritable?(): WritableStream<Uint8Array>;
  readonly maxDatagramSize: number;
}

class SlowDatagrams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #real: RealDatagrams;

  constructor(real: RealDatagrams, world: World) {
    this.#real = real;
    this.readable = slowReadable(real.readable, world, scattered(world));
    const writer = (real.createWritable?.() ?? real.writable!).getWriter();
    writer.closed.catch(ignore);
    writer.ready.catch(ignore);
    const send = scattered(world);
    this.writable = new WritableStream({
      write(bytes) {
        const kept = bytes.slice();
        send(() => void writer.write(kept).catch(ignore));
      },
    });
  }

  get maxDatagramSize(): number {
    return this.#real.maxDatagramSize;
  }

  set incomingHighWaterMark(datagrams: number) {
    Reflect.set(this.#real, 'incomingHighWaterMark', datagrams);
  }

  set incomingMaxBufferedDatagrams(datagrams: number) {
    Reflect.set(this.#real, 'incomingMaxBufferedDatagrams', datagrams);
  }
}
