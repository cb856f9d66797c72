/** There and back over one WebSocket: `npm run bench -- echo`. */
import { echo } from './echo/subject.ts';
import { compare } from './harness/compare.ts';

const OURS = ['spillway channel', 'spillway request'] as const;

await compare({
  name: 'echo',
  about: '100 bytes there and back over one WebSocket, one in flight',
  metrics: [
    { id: 'cpu', label: 'server CPU per echo', unit: 'us', digits: 1 },
    { id: 'p50', label: 'round trip p50', unit: 'ms', digits: 3 },
    { id: 'p99', label: 'round trip p99', unit: 'ms', digits: 3 },
    { id: 'rate', label: 'echoes', unit: '/s', digits: 0 },
  ],
  works: [
    {
      id: 'echo',
      label: 'one client, one message in flight',
      subjects: [
        echo('ws', 'ws'),
        echo('spillway channel', 'spillway reliable', 'channel'),
        echo('spillway request', 'spillway reliable', 'request'),
        echo('bun', 'bun'),
        echo('socket.io', 'socket.io'),
      ],
    },
  ],
  goals: OURS.flatMap((peer) => [
    { metric: 'p50', work: 'echo', peer, to: { peer: 'ws' }, atMost: 1.15 },
    { metric: 'cpu', work: 'echo', peer, to: { peer: 'ws' }, atMost: 1.25 },
  ]),
  peers: true,
  chart: { kind: 'bars', panels: ['cpu', 'p50'].map((metric) => ({ metric, work: 'echo' })) },
  seconds: 3,
  rounds: 7,
});
