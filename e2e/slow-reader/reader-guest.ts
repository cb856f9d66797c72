// Readers of the flood, in one process: `reader-guest.ts URL RUNG…`, one for each rung that is named.
import { connect, type Rung } from '@spillway/client';
import { now } from '../network/clock.ts';
import { serveGuest } from '../network/guest-end.ts';
import { CHANNEL } from './flood.ts';

export type ReaderQuestion =
  /** How long messages were on their way since this was last asked. */
  | { readonly ask: 'delays' }
  /** Do nothing at all for so long, ms, while threads that are not JavaScript's go on. */
  | { readonly ask: 'sleep'; readonly time: number };

/** ms */
export interface Delays {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  /** When the newest message was made, on the common clock. */
  readonly newest: number;
}

const [url = '', ...rungs] = process.argv.slice(2);
let delays: number[] = [];
let newest = 0;

await serveGuest<ReaderQuestion>(async () => {
  for (const rung of rungs) {
    const session = await connect(url, { transports: [rung as Rung], reconnect: { maxDelay: 1000 } });
    const channel = session.channel<{ BLOCK: Uint8Array }>(CHANNEL);
    channel.on('BLOCK', (block) => {
      newest = new DataView(block.buffer, block.byteOffset).getFloat64(0, true);
      delays.push(now() - newest);
    });
    await channel.subscribe();
  }
}, answer);

function answer(question: ReaderQuestion): unknown {
  switch (question.ask) {
    case 'delays': {
      const sorted = delays.sort((a, b) => a - b);
      delays = [];
      const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
      return { count: sorted.length, p50: at(0.5), p99: at(0.99), newest } satisfies Delays;
    }
    case 'sleep':
      return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, question.time);
    default:
      return question satisfies never;
  }
}
