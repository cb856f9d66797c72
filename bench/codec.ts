/** The envelope against other codecs: `npm run bench -- codec`. */
import { compare } from './harness/compare.ts';
import type { Figures, Opened, Subject } from './harness/comparison.ts';
import { findPeer } from './harness/peers.ts';
import { startProcess } from './harness/process.ts';

function subject(peer: string, isPackage: boolean): Subject {
  return {
    peer,
    async open() {
      const found = isPackage ? await findPeer(peer) : undefined;
      if (found?.found === false) return { skipped: found.reason };
      const worker = startProcess(new URL('codec/worker.ts', import.meta.url), [peer]);
      return {
        measure: (seconds) => worker.ask<Figures>('run', seconds),
        [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
      } satisfies Opened;
    },
  };
}

await compare({
  name: 'codec',
  about: 'one hot state message encoded and decoded: channel, type, seq, time, key and 32 bytes of payload',
  metrics: [
    { id: 'cpu', label: 'CPU per encode and decode', unit: 'ns', digits: 0 },
    { id: 'bytes', label: 'size', unit: 'bytes', digits: 0 },
  ],
  works: [
    {
      id: 'state',
      label: 'state message, names known to both ends',
      subjects: [
        subject('spillway', false),
        subject('json', false),
        subject('msgpackr', true),
        subject('protobufjs', true),
      ],
    },
  ],
  goals: [
    { metric: 'cpu', work: 'state', peer: 'spillway', to: { peer: 'json' }, atMost: 1 / 4 },
    { metric: 'cpu', work: 'state', peer: 'spillway', to: { peer: 'msgpackr' }, atMost: 1 / 1.5 },
    { metric: 'cpu', work: 'state', peer: 'spillway', to: { peer: 'json' }, atMost: 1 / 8, stretch: true },
    {
      metric: 'cpu',
      work: 'state',
      peer: 'spillway',
      to: { peer: 'msgpackr' },
      atMost: 1 / 2,
      stretch: true,
    },
  ],
  peers: true,
  chart: { kind: 'bars', panels: ['cpu', 'bytes'].map((metric) => ({ metric, work: 'state' })) },
  seconds: 2,
  rounds: 7,
});
