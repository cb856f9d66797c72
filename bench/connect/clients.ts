// Connections that last until their first message: `clients.ts websocket|webtransport DIALECT`.
import { setTimeout as wait } from 'node:timers/promises';
import { answerAsks } from '../harness/answers.ts';
import { median } from '../harness/stats.ts';
import { Frames } from '../load/frames.ts';
import { LeanSession } from '../load/lean-session.ts';
import { openLeanWebTransport } from '../load/lean-webtransport.ts';
import { openSession } from '../load/raw-webtransport.ts';
import { openSocketIo } from '../load/socketio.ts';
import type { Dialect as OverWebSocket } from '../websocket/peers.ts';
import type { Dialect as OverWebTransport } from '../webtransport/peers.ts';
import type { Place } from '../webtransport/place.ts';

const [transport, dialect] = process.argv.slice(2) as
  | ['websocket', OverWebSocket]
  | ['webtransport', OverWebTransport];

/** Connects, and calls `greeted` at the first message. Gives what closes it. */
async function open(place: Place, greeted: () => void): Promise<{ close(): void }> {
  if (transport === 'websocket') {
    if (dialect === 'raw') return Frames.open(place.url, greeted);
    if (dialect === 'socket.io') return openSocketIo(place.url, greeted);
    return LeanSession.open(place.url, greeted);
  }
  if (dialect === 'spillway') {
    return openLeanWebTransport(place, ({ kind }) => kind === 'event' && greeted());
  }
  const session = await openSession(place);
  const streams = session.incomingUnidirectionalStreams.getReader();
  const { value } = await streams.read();
  await value?.getReader().read();
  greeted();
  return session;
}

async function once(place: Place): Promise<number> {
  const began = performance.now();
  const greeted = Promise.withResolvers<number>();
  const [connection, at] = await Promise.all([
    open(place, () => greeted.resolve(performance.now())),
    greeted.promise,
  ]);
  connection.close();
  return at - began;
}

answerAsks({
  /**
   * So many a second, whatever each of them takes: a server that gets one after the other is the warmer the quicker it
   * is, its caches as well as its code. Tells how many there were, and how long one took, ms.
   */
  async during({ place, seconds, rate }: { readonly place: Place; seconds: number; rate: number }) {
    const opening: Promise<number>[] = [];
    const began = performance.now();
    for (let n = 0; n < seconds * rate; n++) {
      const early = began + (n * 1000) / rate - performance.now();
      if (early > 0) await wait(early);
      opening.push(once(place));
    }
    const times = await Promise.all(opening);
    return { count: times.length, first: median(times) };
  },
  /** The shortest of some, ms: a count of round trips is not to hold what a busy machine adds. */
  async shortest({ place, count }: { readonly place: Place; readonly count: number }) {
    const times: number[] = [];
    for (let i = 0; i < count; i++) times.push(await once(place));
    return Math.min(...times);
  },
});
