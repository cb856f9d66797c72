import { Line, type World } from './line.ts';

const ignore = (): void => {};

/** Takes what is to happen at the far end, and when. */
type Way = (run: () => void) => void;

/** Each for itself: late, out of order, or never. */
export function scattered({ network, after }: World): Way {
  return (run) => {
    const transit = network.datagram();
    if (transit === undefined) return;
    if (transit <= 0) run();
    else after(run, transit);
  };
}

/** In order, and all of it. */
function ordered(world: World): Way {
  const line = new Line(world);
  return (run) => line.push(world.network.reliable(), run);
}

/** A stream whose parts come late: each `way` says when. */
export function slowReadable(
  real: ReadableStream<Uint8Array>,
  world: World,
  way = ordered(world),
): ReadableStream<Uint8Array> {
  const reader = real.getReader();
  const read = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      way(() => enqueue(controller, value));
    }
    way(() => finish(controller));
  };
  return new ReadableStream({
    start(controller) {
      // A reset overtakes what is on its way.
      read(controller).catch((error: unknown) => controller.error(error));
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** A stream whose parts leave late, in order. */
export function slowWritable(real: WritableStream<Uint8Array>, world: World): WritableStream<Uint8Array> {
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

/** Resolves when something reliable that leaves now has arrived. */
export function oneWay(world: World): Promise<void> {
  return new Promise((resolve) => ordered(world)(resolve));
}

/** A stream that was reset or cancelled meanwhile takes nothing any more. */
function enqueue(controller: ReadableStreamDefaultController<Uint8Array>, value: Uint8Array): void {
  if (controller.desiredSize !== null) attempt(() => controller.enqueue(value));
}

function finish(controller: ReadableStreamDefaultController<Uint8Array>): void {
  attempt(() => controller.close());
}

/** Throws only where the stream is over already. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Over.
  }
}
