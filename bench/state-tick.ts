/** A state for every player, 30 times a second: `npm run bench -- state-tick`. */
import type { Load } from './harness/bursts.ts';
import { compare } from './harness/compare.ts';
import type { Subject } from './harness/comparison.ts';
import { measurePair, PAIR_METRICS } from './harness/pair.ts';
import { startProcess } from './harness/process.ts';
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
      return measurePair({
        server,
        clients,
        start: () => server.ask('start', TICK),
        stop: async () => (await server.ask<number>('stop')) * PLAYERS,
      });
    },
  };
}

await compare({
  name: 'state-tick',
  about: `${PLAYERS} players over WebTransport, a state of ${TICK.size} bytes of its own for each, 30 times a second`,
  metrics: [{ id: 'cpu', label: 'server CPU per delivered state', unit: 'us', digits: 1 }, ...PAIR_METRICS],
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
