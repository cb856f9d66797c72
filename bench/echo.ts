/** There and back over one WebSocket: `npm run bench -- echo`. */
import { setTimeout as wait } from 'node:timers/promises';
import { compare } from './harness/compare.ts';
import type { Opened, Subject } from './harness/comparison.ts';
import type { Percentiles } from './harness/latencies.ts';
import { startProcess } from './harness/process.ts';
import { serve, type WebSocketPeer } from './websocket/peers.ts';

function subject(name: string, peer: WebSocketPeer, way = ''): Subject {
  return {
    peer: name,
    async open() {
      const serving = await serve(peer, 'echo');
      if ('skipped' in serving) return serving;
      const { server, url, dialect } = serving;
      const client = startProcess(new URL('echo/client.ts', import.meta.url), [dialect, way]);
      await client.ask('open', url);
      return {
        async measure(seconds) {
          const before = await server.cost();
          await client.ask('start');
          await wait(seconds * 1000);
          const { p50, p99, count } = await client.ask<Percentiles>('stop');
          const after = await server.cost();
          return { cpu: (after.cpu - before.cpu) / count, p50, p99, rate: count / seconds };
        },
        async [Symbol.asyncDispose]() {
          await client[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        },
      } satisfies Opened;
    },
  };
}

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
        subject('ws', 'ws'),
        subject('spillway channel', 'spillway reliable', 'channel'),
        subject('spillway request', 'spillway reliable', 'request'),
        subject('bun', 'bun'),
        subject('socket.io', 'socket.io'),
      ],
    },
  ],
  goals: OURS.flatMap((peer) => [
    { metric: 'p50', work: 'echo', peer, to: { peer: 'ws' }, atMost: 1.15 },
    { metric: 'cpu', work: 'echo', peer, to: { peer: 'ws' }, atMost: 1.25 },
  ]),
  chart: { kind: 'bars', panels: ['cpu', 'p50'].map((metric) => ({ metric, work: 'echo' })) },
  seconds: 3,
  rounds: 7,
});
