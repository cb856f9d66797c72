// Sessions with datagrams, of one server: `clients.ts DIALECT`. They send and count, or only count.
import { connect } from '@spillway/client';
import { answerAsks } from '../harness/answers.ts';
import { inBatches } from '../harness/batches.ts';
import { Latencies } from '../harness/latencies.ts';
import { stamped, stampOf } from '../harness/stamp.ts';
import { openDatagrams } from '../load/raw-webtransport.ts';
import type { Dialect } from '../webtransport/peers.ts';
import type { Place } from '../webtransport/place.ts';

/** What the clients send. */
export interface Sending {
  /** Turns of each client in a second, and messages in each turn. */
  readonly hz: number;
  readonly together: number;
  /** Bytes of a message. */
  readonly size: number;
}

const dialect = process.argv[2] as Dialect;
const latencies = new Latencies();
const clients: ((message: Uint8Array) => void)[] = [];
let received = 0;
let sent = 0;
let timer: NodeJS.Timeout | undefined;

function take(bytes: Uint8Array): void {
  received++;
  latencies.since(stampOf(bytes, 0));
}

async function open(place: Place, i: number): Promise<void> {
  switch (dialect) {
    case 'raw': {
      const session = await openDatagrams(place, take);
      clients.push(session.send);
      return;
    }
    case 'spillway': {
      const session = await connect(new URL(place.url).origin, {
        transports: ['webtransport'],
        certificateHashes: [place.hash],
        reconnect: false,
      });
      session.on('message', (_type, payload) => take(payload as Uint8Array));
      const channel = session.channel<{ STATE: Uint8Array }>(`echo/${i}`);
      channel.on('STATE', take);
      await channel.subscribe();
      clients.push((message) => void channel.publish('STATE', message, { delivery: 'unreliable' }));
      return;
    }
    default:
      return dialect satisfies never;
  }
}

answerAsks({
  connect: ({ place, count }: { readonly place: Place; readonly count: number }) =>
    inBatches(count, (i) => open(place, i)),
  /** The turns of the clients are spread evenly over time. */
  start({ hz, together, size }: Sending) {
    const began = performance.now();
    let turns = 0;
    sent = 0;
    timer = setInterval(() => {
      const due = ((performance.now() - began) / 1000) * hz * clients.length;
      for (; turns < due; turns++) {
        const send = clients[turns % clients.length]!;
        for (let i = 0; i < together; i++) send(stamped(size));
        sent += together;
      }
    }, 1);
  },
  stop() {
    clearInterval(timer);
    return sent;
  },
  received: () => received,
  latencies: () => latencies.take(),
});
