/** One message to many WebSockets: `npm run bench -- fanout`. */
import { fanOut, LOADS } from './fanout/subject.ts';
import type { Load } from './harness/bursts.ts';
import { compare } from './harness/compare.ts';
import type { Work } from './harness/comparison.ts';
import { PAIR_METRICS } from './harness/pair.ts';

const PEERS = ['ws', 'spillway reliable', 'spillway unreliable', 'bun', 'socket.io'] as const;

function work(id: string, label: string, subscribers: number, load: Load): Work {
  return { id, label, subjects: PEERS.map((peer) => fanOut(peer, subscribers, load)) };
}

const OURS = ['spillway reliable', 'spillway unreliable'] as const;

await compare({
  name: 'fanout',
  about: 'one message of 100 bytes to many WebSocket subscribers',
  metrics: [
    { id: 'cpu', label: 'server CPU per delivered', unit: 'us', digits: 2 },
    { id: 'writes', label: 'writes per delivered', unit: '', digits: 2 },
    ...PAIR_METRICS,
  ],
  works: [
    work('bursts', '100 subscribers, bursts of 10', 100, LOADS.bursts),
    work('single', '100 subscribers, one message per turn', 100, LOADS.single),
    work('wide', '2 000 subscribers, bursts of 10', 2_000, LOADS.wide),
  ],
  goals: OURS.flatMap((peer) => [
    { metric: 'cpu', work: 'bursts', peer, to: { peer: 'ws' }, atMost: 0.1 },
    { metric: 'cpu', work: 'bursts', peer, to: { peer: 'bun' }, atMost: 1, stretch: true },
    { metric: 'cpu', work: 'single', peer, to: { peer: 'ws' }, atMost: 1 },
    { metric: 'cpu', work: 'wide', peer, to: { peer, work: 'bursts' }, atMost: 1.2 },
  ]),
  together: true,
  peers: true,
  chart: {
    kind: 'bars',
    panels: ['bursts', 'single', 'wide'].map((work) => ({ metric: 'cpu', work })),
  },
  seconds: 4,
  rounds: 5,
});
