/** A state for every player, 30 times a second: `npm run bench -- state-tick`. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Load } from './harness/bursts.ts';
import { compare } from './harness/compare.ts';
import type { Opened, Subject } from './harness/comparison.ts';
import type { Percentiles } from './harness/latencies.ts';
import { startProcess } from './harness/process.ts';
import { settled } from './harness/settle.ts';
import { serve, type WebTransportPeer } from './webtransport/peers.ts';

const PLAYERS = 200;
const TICK: Load = { burst: 1, every: 1000 / 30, size: 200 };
const OURS = 'spillway webtransport';

function subject(peer: WebTransportPeer): Subject {
  return {
    peer,
    async open() {
      const serving = await serve(peer, 'tick');
      if ('skipped' in serving) return serving;
      const { server, place, dialect } = serving;
      const clients = startProcess(new URL('datagrams/clients.ts', import.meta.url), [dialect]);
      await clients.ask('connect', { place, count: PLAYERS });
      return {
        async measure(seconds) {
          const before = await clients.ask<number>('received');
          await clients.ask('latencies');
          const start = await server.cost();
          await server.ask('start', TICK);
          await wait(seconds * 1000);
          const due = (await server.ask<number>('stop')) * PLAYERS;
          const received = (await settled(() => clients.ask('received'), before + due)) - before;
          const end = await server.cost();
          const { p50, p99 } = await clients.ask<Percentiles>('latencies');
          return {
            cpu: (end.cpu - start.cpu) / received,
            rate: received / seconds,
            p50,
            p99,
            lost: (100 * (due - received)) / due,
          };
        },
        async [Symbol.asyncDispose]() {
          await clients[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        },
      } satisfies Opened;
    },
  };
}

await compare({
  name: 'state-tick',
  about: `${PLAYERS} players over WebTransport, a state of ${TICK.size} bytes of its own for each, 30 times a second`,
  metrics: [
    { id: 'cpu', label: 'server CPU per delivered state', unit: 'us', digits: 1 },
    { id: 'rate', label: 'delivered', unit: '/s', digits: 0 },
    { id: 'p50', label: 'delay p50', unit: 'ms', digits: 2 },
    { id: 'p99', label: 'delay p99', unit: 'ms', digits: 2 },
    { id: 'lost', label: 'not delivered', unit: '%', digits: 2 },
  ],
  works: [
    {
      id: 'tick',
      label: `${PLAYERS} players, 30 Hz, \`latest\``,
      subjects: [subject('rwebtransport'), subject(OURS), subject('fails-components')],
    },
  ],
  goals: [
    { metric: 'cpu', work: 'tick', peer: OURS, to: { peer: 'rwebtransport' }, atMost: 1.15 },
    { metric: 'p99', work: 'tick', peer: OURS, to: { peer: 'rwebtransport' }, atMost: 1 },
  ],
  chart: { kind: 'bars', panels: ['cpu', 'p99'].map((metric) => ({ metric, work: 'tick' })) },
  seconds: 4,
  rounds: 5,
});
