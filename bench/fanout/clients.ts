// The subscribers of one server: `clients.ts KIND`. They count; every sixteenth of them also reads when messages were made.
import { answerAsks } from '../harness/answers.ts';
import { now } from '../harness/clock.ts';
import { quantile } from '../harness/stats.ts';
import { Frames } from '../load/frames.ts';
import { SpillwayReader } from '../load/spillway.ts';
import { stampOf } from './stamp.ts';

const SAMPLED = 16;
/** Connections that are opened at once. */
const BATCH = 50;

const kind = process.argv[2] as 'raw' | 'socket.io' | 'spillway';
let received = 0;
let latencies: number[] = [];

function take(sampled: boolean, bytes: Uint8Array, start: number): void {
  received++;
  if (sampled) latencies.push(now() - stampOf(bytes, start));
}

async function open(url: string, sampled: boolean): Promise<void> {
  switch (kind) {
    case 'raw':
      await Frames.open(url, (bytes, start) => take(sampled, bytes, start));
      return;
    case 'spillway': {
      const reader = await SpillwayReader.open(url, (payload) => take(sampled, payload, 0));
      await reader.subscribe('room');
      return;
    }
    case 'socket.io':
      await openSocketIo(url, sampled);
      return;
    default:
      return kind satisfies never;
  }
}

/** Engine.IO 4 and Socket.IO 5: OPEN, CONNECT, PING and EVENT, each one text message. */
async function openSocketIo(url: string, sampled: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = '42["STATE","'.length;
  const frames = await Frames.open(url, (bytes, start) => {
    const type = bytes[start];
    if (type === 0x34 && bytes[start + 1] === 0x32) take(sampled, bytes, start + before);
    else if (type === 0x34) resolve();
    else if (type === 0x32) frames.sendText('3');
  });
  frames.sendText('40');
  await promise;
}

answerAsks({
  async connect({ url, count }: { readonly url: string; readonly count: number }) {
    for (let i = 0; i < count; i += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - i) }, (_, j) =>
        open(url, (i + j) % SAMPLED === 0),
      );
      await Promise.all(batch);
    }
  },
  received: () => received,
  /** Percentiles, ms, of what came since this was last asked. */
  latency() {
    const taken = latencies;
    latencies = [];
    return taken.length === 0 ? [0, 0] : [quantile(taken, 0.5), quantile(taken, 0.99)];
  },
});
