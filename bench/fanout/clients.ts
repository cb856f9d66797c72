// The subscribers of one server: `clients.ts DIALECT`. They count; one in sixteen also reads when messages were made.
import { answerAsks } from '../harness/answers.ts';
import { inBatches } from '../harness/batches.ts';
import { Latencies } from '../harness/latencies.ts';
import { stampOf } from '../harness/stamp.ts';
import { Frames } from '../load/frames.ts';
import { LeanSession } from '../load/lean-session.ts';
import { openSocketIo } from '../load/socketio.ts';
import type { Dialect } from '../websocket/peers.ts';

const SAMPLED = 16;

const dialect = process.argv[2] as Dialect;
const latencies = new Latencies();
let received = 0;

function take(sampled: boolean, bytes: Uint8Array, start: number): void {
  received++;
  if (sampled) latencies.since(stampOf(bytes, start));
}

async function open(url: string, sampled: boolean): Promise<void> {
  switch (dialect) {
    case 'raw':
      await Frames.open(url, (bytes, start) => take(sampled, bytes, start));
      return;
    case 'spillway': {
      const session = await LeanSession.open(url, (payload) => take(sampled, payload, 0));
      await session.subscribe('room');
      return;
    }
    case 'socket.io':
      await openSocketIo(url, (bytes, start) => take(sampled, bytes, start));
      return;
    default:
      return dialect satisfies never;
  }
}

answerAsks({
  connect: ({ url, count }: { readonly url: string; readonly count: number }) =>
    inBatches(count, (i) => open(url, i % SAMPLED === 0)),
  received: () => received,
  latencies: () => latencies.take(),
});
