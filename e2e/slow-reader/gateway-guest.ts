// The gateway of the slow-reader measurement, in a process of its own: its memory is its own.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CloseName, closeName } from '@spillway/envelope';
import { createGateway } from '@spillway/gateway';
import { now } from '../network/clock.ts';
import { serveGuest } from '../network/guest-end.ts';
import { CHANNEL, type Flood, how, SIZES } from './flood.ts';

export type GatewayQuestion =
  | { readonly ask: 'flood'; readonly flood: Flood }
  | { readonly ask: 'memory' }
  /** Why sessions ended so far, and when: ms on the common clock. */
  | { readonly ask: 'ended' };

/** Bytes, after a full collection. */
export interface Memory {
  /** The heap, and what buffers hold outside of it. */
  readonly used: number;
  readonly rss: number;
}

export interface Ended {
  readonly code: CloseName | undefined;
  readonly at: number;
}

/** How often the flood is brought up to its rate, ms. */
const TICK = 10;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const ended: Ended[] = [];
const gateway = createGateway({ port: 0, http: { port: 0 }, logger: false });
gateway.channel(CHANNEL);
gateway.on('close', (_session, code) => ended.push({ code: closeName(code), at: now() }));

await serveGuest<GatewayQuestion>(async () => (await gateway.listen()).http, answer);

async function answer(question: GatewayQuestion): Promise<unknown> {
  switch (question.ask) {
    case 'flood':
      return flood(question.flood);
    case 'memory':
      return memory();
    case 'ended':
      return ended;
    default:
      return question satisfies never;
  }
}

function flood({ class: kind, rate }: Flood): void {
  const size = SIZES[kind];
  const began = now();
  let sent = 0;
  setInterval(() => {
    for (const due = ((now() - began) * rate) / (size * 1000); sent < due; sent++) {
      const payload = Buffer.alloc(size);
      payload.writeDoubleLE(now());
      gateway.publish(CHANNEL, 'BLOCK', payload, how(kind, sent));
    }
  }, TICK);
}

async function memory(): Promise<Memory> {
  // Finalizers run in turns of their own, so there are several rounds.
  for (let round = 0; round < 2; round++) {
    collect();
    await new Promise(setImmediate);
  }
  // `external` holds the array buffers as well.
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
}
