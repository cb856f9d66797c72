import { setTimeout as wait } from 'node:timers/promises';
import type { Metric, Opened } from './comparison.ts';
import type { Percentiles } from './latencies.ts';
import type { BenchProcess } from './process.ts';

/** Nothing more has come for so long: it is lost, ms. */
const QUIET = 300;
const STEP = 10;

/** A server and the process of its clients, which answers `received` and `latencies`. */
export interface Pair {
  readonly server: BenchProcess;
  readonly clients: BenchProcess;
  start(): Promise<unknown>;
  /** Gives the number of messages that the clients should have had. */
  stop(): Promise<number>;
}

/** What `measurePair` finds beside the server's CPU, which each bench names in its own way. */
export const PAIR_METRICS: readonly Metric[] = [
  { id: 'rate', label: 'delivered', unit: '/s', digits: 0 },
  { id: 'p50', label: 'latency p50', unit: 'ms', digits: 2 },
  { id: 'p99', label: 'latency p99', unit: 'ms', digits: 2 },
  { id: 'lost', label: 'not delivered', unit: '%', digits: 2 },
  // Of one core: near 100 they are what limits.
  { id: 'clients', label: 'CPU of the clients', unit: '%', digits: 0 },
];

/** Measures the server's CPU for each message that arrives, how many do, and how long they take. */
export function measurePair(pair: Pair): Opened {
  const { server, clients } = pair;
  return {
    async measure(seconds) {
      const before = await clients.ask<number>('received');
      await clients.ask('latencies');
      const [start, clientsStart] = [await server.cost(), await clients.cost()];
      await pair.start();
      await wait(seconds * 1000);
      const due = await pair.stop();
      const [end, clientsEnd] = [await server.cost(), await clients.cost()];
      const received = (await settled(() => clients.ask('received'), before + due)) - before;
      // With what it took to get the last of them out.
      const { cpu, writes } = await server.cost();
      const { p50, p99 } = await clients.ask<Percentiles>('latencies');
      return {
        cpu: (cpu - start.cpu) / received,
        ...(writes !== undefined && { writes: (writes - start.writes!) / received }),
        rate: received / ((end.at - start.at) / 1000),
        p50,
        p99,
        lost: (100 * (due - received)) / due,
        clients: (clientsEnd.cpu - clientsStart.cpu) / 10 / (clientsEnd.at - clientsStart.at),
      };
    },
    [Symbol.asyncDispose]: () => endAll([clients, server]),
  };
}

/** Asks until `count` gives `due`, or does not grow any more. Gives what it gave last. */
export async function settled(count: () => Promise<number>, due: number): Promise<number> {
  let last = -1;
  for (let quiet = 0; quiet < QUIET; quiet += STEP) {
    const now = await count();
    if (now >= due) return now;
    if (now > last) quiet = 0;
    last = now;
    await wait(STEP);
  }
  return last;
}

/** Ends processes one after the other. */
export async function endAll(processes: readonly BenchProcess[]): Promise<void> {
  for (const one of processes) await one[Symbol.asyncDispose]();
}
