// Connections with nothing to say: `clients.ts websocket|webtransport DIALECT`.
import { answerAsks } from '../harness/answers.ts';
import { inBatches } from '../harness/batches.ts';
import { Frames } from '../load/frames.ts';
import { LeanSession } from '../load/lean-session.ts';
import { openLeanWebTransport } from '../load/lean-webtransport.ts';
import { drain, openSession } from '../load/raw-webtransport.ts';
import { openSocketIo } from '../load/socketio.ts';
import type { Dialect as OverWebSocket } from '../websocket/peers.ts';
import type { Dialect as OverWebTransport } from '../webtransport/peers.ts';
import type { Place } from '../webtransport/place.ts';

const [transport, dialect] = process.argv.slice(2) as
  | ['websocket', OverWebSocket]
  | ['webtransport', OverWebTransport];

function open(place: Place): Promise<unknown> {
  return transport === 'websocket' ? openWebSocket(place.url) : openWebTransport(place);
}

async function openWebSocket(url: string): Promise<void> {
  if (dialect === 'raw') await Frames.open(url, () => {});
  else if (dialect === 'socket.io') await openSocketIo(url, () => {});
  else await LeanSession.open(url, () => {});
}

async function openWebTransport(place: Place): Promise<void> {
  if (dialect === 'raw') {
    const session = await openSession(place);
    void drain(session.datagrams.readable, () => {}).catch(() => {});
    return;
  }
  await openLeanWebTransport(place, () => {});
}

answerAsks({
  connect: ({ place, count }: { readonly place: Place; readonly count: number }) =>
    // Of handshakes at once on a thread each some would time out.
    inBatches(count, () => open(place), transport === 'websocket' ? 50 : 10),
});
