/** What a session weighs that does nothing: `npm run bench -- idle`. */
import { setTimeout as wait } from 'node:timers/promises';
import { compare } from './harness/compare.ts';
import type { Figures, Opened, Skipped, Subject } from './harness/comparison.ts';
import { type BenchProcess, startProcess } from './harness/process.ts';
import * as websocket from './websocket/peers.ts';
import * as webtransport from './webtransport/peers.ts';
import type { Place } from './webtransport/place.ts';

/** Connections that come first, so that what is loaded and compiled once does not count, and those that are weighed. */
const FIRST = 100;
const SESSIONS = 2_000;
/** Connections of one process of clients; over WebTransport each is a thread. */
const EACH = 500;
/** What connecting needed is given back meanwhile, ms. */
const REST = 1_500;

interface Server {
  readonly server: BenchProcess;
  readonly place: Place;
  readonly dialect: string;
}

/** Every measurement takes a new server: one that had its clients does not give all of it back. */
function subject(
  peer: string,
  transport: 'websocket' | 'webtransport',
  count: number,
  start: () => Promise<Server | Skipped>,
): Subject {
  return {
    peer,
    async open() {
      const first = await start();
      if ('skipped' in first) return first;
      await first.server[Symbol.asyncDispose]();
      return {
        async measure() {
          const serving = await start();
          if ('skipped' in serving) throw new Error(serving.skipped);
          return weigh(serving, transport, count);
        },
        async [Symbol.asyncDispose]() {},
      } satisfies Opened;
    },
  };
}

async function weigh({ server, place, dialect }: Server, transport: string, count: number): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  stack.use(server);
  const connect = async (count: number): Promise<void> => {
    const clients = stack.use(
      startProcess(new URL('idle/clients.ts', import.meta.url), [transport, dialect]),
    );
    await clients.ask('connect', { place, count });
  };
  await connect(FIRST);
  await wait(REST);
  const before = await server.memory();
  for (let left = count; left > 0; left -= EACH) await connect(Math.min(EACH, left));
  await wait(REST);
  const after = await server.memory();
  return { rss: (after - before) / count / 1024 };
}

function overWebSocket(name: string, peer: websocket.WebSocketPeer): Subject {
  return subject(name, 'websocket', SESSIONS, async () => {
    const serving = await websocket.serve(peer, 'echo');
    return 'skipped' in serving ? serving : { ...serving, place: { url: serving.url, hash: '' } };
  });
}

function overWebTransport(peer: webtransport.WebTransportPeer): Subject {
  return subject(peer, 'webtransport', SESSIONS, () => webtransport.serve(peer, 'echo'));
}

await compare({
  name: 'idle',
  about: 'memory of sessions that do nothing',
  metrics: [{ id: 'rss', label: 'resident memory per session', unit: 'KiB', digits: 1 }],
  works: [
    {
      id: 'websocket',
      label: `${SESSIONS} sessions over WebSocket`,
      subjects: [
        overWebSocket('ws', 'ws'),
        overWebSocket('spillway websocket', 'spillway reliable'),
        overWebSocket('bun', 'bun'),
        overWebSocket('socket.io', 'socket.io'),
      ],
    },
    {
      id: 'webtransport',
      label: `${SESSIONS} sessions over WebTransport`,
      subjects: [
        overWebTransport('rwebtransport'),
        overWebTransport('spillway webtransport'),
        overWebTransport('fails-components'),
      ],
    },
  ],
  goals: [
    { metric: 'rss', work: 'websocket', peer: 'spillway websocket', to: { peer: 'ws' }, atMost: 2 },
    {
      metric: 'rss',
      work: 'webtransport',
      peer: 'spillway webtransport',
      to: { peer: 'rwebtransport' },
      atMost: 1.3,
    },
  ],
  warmUp: false,
  peers: true,
  chart: { kind: 'bars', panels: ['websocket', 'webtransport'].map((work) => ({ metric: 'rss', work })) },
  seconds: 1,
  rounds: 3,
});
