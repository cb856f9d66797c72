/** One message to many WebSockets: `npm run bench -- fanout`. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Load } from './fanout/bursts.ts';
import { compare } from './harness/compare.ts';
import type { Figures, Opened, Skipped, Subject, Work } from './harness/comparison.ts';
import { findBun, findPeer } from './harness/peers.ts';
import { type BenchProcess, type ProcessOptions, startProcess } from './harness/process.ts';

const SIZE = 100;
/** Nothing more has come for so long: it is lost, ms. */
const QUIET = 300;

const BURSTS: Load = { burst: 10, every: 20, size: SIZE };
const SINGLE: Load = { burst: 1, every: 2, size: SIZE };
/** As many deliveries a second as to 100. */
const WIDE: Load = { burst: 10, every: 400, size: SIZE };

/** How a peer is started. */
interface Start {
  readonly script: string;
  readonly args?: readonly string[];
  readonly clients: 'raw' | 'socket.io' | 'spillway';
  /** The runtime, or why the peer is not to be had. */
  options?(): Promise<ProcessOptions | Skipped>;
}

const PEERS: Readonly<Record<string, Start>> = {
  ws: { script: 'server-ws.ts', clients: 'raw' },
  'spillway reliable': { script: 'server-spillway.ts', args: ['reliable'], clients: 'spillway' },
  'spillway unreliable': { script: 'server-spillway.ts', args: ['unreliable'], clients: 'spillway' },
  bun: { script: 'server-bun.ts', clients: 'raw', options: bun },
  'socket.io': { script: 'server-socketio.ts', clients: 'socket.io', options: socketIo },
};

async function bun(): Promise<ProcessOptions | Skipped> {
  const found = await findBun();
  return found.found ? { runtime: found.path } : { skipped: found.reason };
}

async function socketIo(): Promise<ProcessOptions | Skipped> {
  const found = await findPeer('socket.io');
  return found.found ? {} : { skipped: found.reason };
}

/** A server and its subscribers. */
class FanOut implements Opened {
  readonly #server: BenchProcess;
  readonly #clients: BenchProcess;
  readonly #subscribers: number;
  readonly #load: Load;

  constructor(server: BenchProcess, clients: BenchProcess, subscribers: number, load: Load) {
    this.#server = server;
    this.#clients = clients;
    this.#subscribers = subscribers;
    this.#load = load;
  }

  async measure(seconds: number): Promise<Figures> {
    const before = await this.#clients.ask<number>('received');
    await this.#clients.ask('latency');
    const start = await this.#server.cost();
    await this.#server.ask('start', this.#load);
    await wait(seconds * 1000);
    const published = await this.#server.ask<number>('stop');
    const due = published * this.#subscribers;
    const received = (await this.#settled(before + due)) - before;
    const end = await this.#server.cost();
    const [p50, p99] = await this.#clients.ask<[number, number]>('latency');
    return {
      cpu: (end.cpu - start.cpu) / received,
      rate: received / ((end.at - start.at) / 1000),
      p50,
      p99,
      lost: (100 * (due - received)) / due,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }

  /** Waits until all has come, or nothing comes any more. */
  async #settled(due: number): Promise<number> {
    let received = 0;
    for (let quiet = 0; quiet < QUIET; quiet += 10) {
      const now = await this.#clients.ask<number>('received');
      if (now >= due) return now;
      if (now > received) quiet = 0;
      received = now;
      await wait(10);
    }
    return received;
  }
}

function subject(peer: string, subscribers: number, load: Load): Subject {
  const { script, args = [], clients, options } = PEERS[peer]!;
  return {
    peer,
    async open() {
      const how = (await options?.()) ?? {};
      if ('skipped' in how) return how;
      const folder = new URL('fanout/', import.meta.url);
      const server = startProcess(new URL(script, folder), args, how);
      const load_ = startProcess(new URL('clients.ts', folder), [clients]);
      const url = await server.ask<string>('listen');
      await load_.ask('connect', { url, count: subscribers });
      return new FanOut(server, load_, subscribers, load);
    },
  };
}

function work(id: string, label: string, subscribers: number, load: Load): Work {
  return { id, label, subjects: Object.keys(PEERS).map((peer) => subject(peer, subscribers, load)) };
}

const OURS = ['spillway reliable', 'spillway unreliable'] as const;

await compare({
  name: 'fanout',
  about: 'one message of 100 bytes to many WebSocket subscribers',
  metrics: [
    { id: 'cpu', label: 'server CPU per delivered', unit: 'us', digits: 2 },
    { id: 'rate', label: 'delivered', unit: '/s', digits: 0 },
    { id: 'p50', label: 'latency p50', unit: 'ms', digits: 2 },
    { id: 'p99', label: 'latency p99', unit: 'ms', digits: 2 },
    { id: 'lost', label: 'not delivered', unit: '%', digits: 2 },
  ],
  works: [
    work('bursts', '100 subscribers, bursts of 10', 100, BURSTS),
    work('single', '100 subscribers, one message per turn', 100, SINGLE),
    work('wide', '2 000 subscribers, bursts of 10', 2_000, WIDE),
  ],
  goals: OURS.flatMap((peer) => [
    { metric: 'cpu', work: 'bursts', peer, to: { peer: 'ws' }, atMost: 0.1 },
    { metric: 'cpu', work: 'bursts', peer, to: { peer: 'bun' }, atMost: 1, stretch: true },
    { metric: 'cpu', work: 'single', peer, to: { peer: 'ws' }, atMost: 1 },
    { metric: 'cpu', work: 'wide', peer, to: { peer, work: 'bursts' }, atMost: 1.2 },
  ]),
  seconds: 4,
  rounds: 5,
});
