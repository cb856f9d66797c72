/** Datagrams there and back: `npm run bench -- datagrams`. */
import type { Sending } from './datagrams/clients.ts';
import { compare } from './harness/compare.ts';
import type { Subject, Work } from './harness/comparison.ts';
import { measurePair, PAIR_METRICS } from './harness/pair.ts';
import { startProcess } from './harness/process.ts';
import { serve, type WebTransportPeer } from './webtransport/peers.ts';

const SESSIONS = 50;
const SIZE = 64;
const OURS = 'spillway webtransport';
const PEERS = ['rwebtransport', OURS, 'fails-components'] as const;

function subject(peer: WebTransportPeer, sending: Sending): Subject {
  return {
    peer,
    async open() {
      const serving = await serve(peer, 'echo');
      if ('skipped' in serving) return serving;
      const { server, place, dialect } = serving;
      const clients = startProcess(new URL('datagrams/clients.ts', import.meta.url), [dialect]);
      await clients.ask('connect', { place, count: SESSIONS });
      return measurePair({
        server,
        clients,
        start: () => clients.ask('start', sending),
        stop: () => clients.ask<number>('stop'),
      });
    },
  };
}

function work(id: string, label: string, sending: Sending): Work {
  return { id, label, subjects: PEERS.map((peer) => subject(peer, sending)) };
}

await compare({
  name: 'datagrams',
  about: `${SIZE} bytes there and back in datagrams, ${SESSIONS} sessions`,
  metrics: [{ id: 'cpu', label: 'server CPU per echoed message', unit: 'us', digits: 1 }, ...PAIR_METRICS],
  works: [
    work('one', '100 Hz, one message at a time', { hz: 100, together: 1, size: SIZE }),
    work('eight', '25 Hz, eight messages in one turn', { hz: 25, together: 8, size: SIZE }),
  ],
  goals: [
    { metric: 'cpu', work: 'one', peer: OURS, to: { peer: 'rwebtransport' }, atMost: 1.15 },
    { metric: 'cpu', work: 'eight', peer: OURS, to: { peer: 'rwebtransport', work: 'one' }, atMost: 0.3 },
  ],
  together: true,
  chart: { kind: 'bars', panels: ['one', 'eight'].map((work) => ({ metric: 'cpu', work })) },
  seconds: 4,
  rounds: 5,
});
