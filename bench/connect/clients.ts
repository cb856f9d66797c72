// One connection after the other, each until its first message: `clients.ts websocket|webtransport DIALECT`.
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
  /** How many there were, and how long one took, ms. */
  async during({ place, seconds }: { readonly place: Place; readonly seconds: number }) {
    const times: number[] = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) times.push(await once(place));
    return { count: times.length, first: median(times) };
  },
  async some({ place, count }: { readonly place: Place; readonly count: number }) {
    const times: number[] = [];
    for (let i = 0; i < count; i++) times.push(await once(place));
    return median(times);
  },
});
