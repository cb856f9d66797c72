import type { Network } from './conditions.ts';
import { type After, Line, type Now } from './line.ts';

const ignore = (): void => {};

/** What the two ends of a simulated session share. */
interface World {
  readonly network: Network;
  readonly after: After;
  readonly now: Now;
}

/**
 * A WebTransport session on the simulated network: datagrams are late, overtake each other and get lost; what streams
 * carry is late, each stream by itself.
 */
export function slowWebTransport(
  Real: typeof WebTransport,
  network: Network,
  after: After,
  now: Now,
): typeof WebTransport {
  const world: World = { network, after, now };
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
      const oneWay = (): Promise<void> =>
        new Promise((resolve) => new Line(after, now).push(network.reliable(), resolve));
      // The handshake goes there and back.
      this.ready = real.ready.then(oneWay).then(oneWay);
      this.closed = real.closed.then(async (info) => {
        await oneWay();
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
      new Line(after, now).push(network.conditions.delay, () => this.#real.close(info));
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

/** Takes what is to happen at the far end, and when. */
type Way = (run: () => void) => void;

/** Each for itself: late, out of order, or never. */
function scattered({ network, after }: World): Way {
  return (run) => {
    const transit = network.datagram();
    if (transit === undefined) return;
    if (transit <= 0) run();
    else after(run, transit);
  };
}

/** In order, and all of it. */
function ordered({ network, after, now }: World): Way {
  const line = new Line(after, now);
  return (run) => line.push(network.reliable(), run);
}

function slowReadable(
  real: ReadableStream<Uint8Array>,
  world: World,
  way = ordered(world),
): ReadableStream<Uint8Array> {
  const reader = real.getReader();
  const read = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      way(() => controller.enqueue(value));
    }
    way(() => controller.close());
  };
  return new ReadableStream({
    start(controller) {
      // A reset overtakes what is on its way.
      read(controller).catch((error: unknown) => controller.error(error));
    },
  });
}

function slowWritable(real: WritableStream<Uint8Array>, world: World): WritableStream<Uint8Array> {
  const writer = real.getWriter();
  const way = ordered(world);
  return new WritableStream({
    start(controller) {
      // The peer does not want any more of it.
      writer.closed.catch((error: unknown) => controller.error(error));
      writer.ready.catch(ignore);
    },
    write(bytes) {
      const kept = bytes.slice();
      way(() => void writer.write(kept).catch(ignore));
    },
    close: () => new Promise((resolve, reject) => way(() => writer.close().then(resolve, reject))),
    // A reset overtakes what is on its way.
    abort: (reason) => writer.abort(reason),
  });
}
