/** One message to many WebSockets: `npm run bench -- fanout`. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Load } from './harness/bursts.ts';
import { compare } from './harness/compare.ts';
import type { Figures, Opened, Subject, Work } from './harness/comparison.ts';
import type { Percentiles } from './harness/latencies.ts';
import { type BenchProcess, startProcess } from './harness/process.ts';
import { settled } from './harness/settle.ts';
import { serve, type WebSocketPeer } from './websocket/peers.ts';

const SIZE = 100;

const BURSTS: Load = { burst: 10, every: 20, size: SIZE };
const SINGLE: Load = { burst: 1, every: 2, size: SIZE };
/** As many deliveries a second as to 100. */
const WIDE: Load = { burst: 10, every: 400, size: SIZE };

const PEERS = ['ws', 'spillway reliable', 'spillway unreliable', 'bun', 'socket.io'] as const;

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
    await this.#clients.ask('latencies');
    const start = await this.#server.cost();
    await this.#server.ask('start', this.#load);
    await wait(seconds * 1000);
    const published = await this.#server.ask<number>('stop');
    const due = published * this.#subscribers;
    const received = (await settled(() => this.#clients.ask('received'), before + due)) - before;
    const end = await this.#server.cost();
    const { p50, p99 } = await this.#clients.ask<Percentiles>('latencies');
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
}

function subject(peer: WebSocketPeer, subscribers: number, load: Load): Subject {
  return {
    peer,
    async open() {
      const serving = await serve(peer, 'fan-out');
      if ('skipped' in serving) return serving;
      const { server, url, dialect } = serving;
      const clients = startProcess(new URL('fanout/clients.ts', import.meta.url), [dialect]);
      await clients.ask('connect', { url, count: subscribers });
      return new FanOut(server, clients, subscribers, load);
    },
  };
}

function work(id: string, label: string, subscribers: number, load: Load): Work {
  return { id, label, subjects: PEERS.map((peer) => subject(peer, subscribers, load)) };
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
  together: true,
  chart: {
    kind: 'bars',
    panels: ['bursts', 'single', 'wide'].map((work) => ({ metric: 'cpu', work })),
  },
  seconds: 4,
  rounds: 5,
});
