/** From nothing to the first message: `npm run bench -- connect`. */
import { compare } from './harness/compare.ts';
import type { Opened, Skipped, Subject } from './harness/comparison.ts';
import { endAll } from './harness/pair.ts';
import { type BenchProcess, startProcess } from './harness/process.ts';
import * as websocket from './websocket/peers.ts';
import * as webtransport from './webtransport/peers.ts';
import type { Place } from './webtransport/place.ts';

/** Connections a second. */
const RATE = 250;
/** Over the relay, in each round; the shortest counts. */
const DISTANT = 5;
/** There and back over the relay, ms. */
const ROUND_TRIP = 50;

interface Server {
  readonly server: BenchProcess;
  readonly place: Place;
  readonly dialect: string;
}

function subject(
  peer: string,
  transport: 'websocket' | 'webtransport',
  start: () => Promise<Server | Skipped>,
): Subject {
  return {
    peer,
    async open() {
      const serving = await start();
      if ('skipped' in serving) return serving;
      const { server, place, dialect } = serving;
      const relay = startProcess(new URL('connect/relay.ts', import.meta.url), [
        transport === 'websocket' ? 'tcp' : 'udp',
      ]);
      const clients = startProcess(new URL('connect/clients.ts', import.meta.url), [transport, dialect]);
      const port = await relay.ask<number>('to', Number(new URL(place.url).port));
      const distant: Place = { ...place, url: place.url.replace(/:\d+/, `:${port}`) };
      return {
        async measure(seconds) {
          const start = await server.cost();
          const { count, first } = await clients.ask<{ count: number; first: number }>('during', {
            place,
            seconds,
            rate: RATE,
          });
          const end = await server.cost();
          const far = await clients.ask<number>('shortest', { place: distant, count: DISTANT });
          return {
            cpu: (end.cpu - start.cpu) / count,
            first,
            // What the machine itself takes is in both, and is no round trip.
            trips: Math.max(0, far - first) / ROUND_TRIP,
          };
        },
        [Symbol.asyncDispose]: () => endAll([clients, relay, server]),
      } satisfies Opened;
    },
  };
}

function overWebSocket(name: string, peer: websocket.WebSocketPeer): Subject {
  return subject(name, 'websocket', async () => {
    const serving = await websocket.serve(peer, 'greet');
    return 'skipped' in serving ? serving : { ...serving, place: { url: serving.url, hash: '' } };
  });
}

function overWebTransport(peer: webtransport.WebTransportPeer): Subject {
  return subject(peer, 'webtransport', () => webtransport.serve(peer, 'greet'));
}

await compare({
  name: 'connect',
  about: `from nothing to the first message of the server, ${RATE} connections a second`,
  metrics: [
    { id: 'cpu', label: 'server CPU per connection', unit: 'us', digits: 0 },
    { id: 'trips', label: 'round trips to the first message', unit: '', digits: 2 },
    { id: 'first', label: 'time to it on this machine', unit: 'ms', digits: 2 },
  ],
  works: [
    {
      id: 'websocket',
      label: 'WebSocket',
      subjects: [
        overWebSocket('ws', 'ws'),
        overWebSocket('spillway websocket', 'spillway reliable'),
        overWebSocket('bun', 'bun'),
        overWebSocket('socket.io', 'socket.io'),
      ],
    },
    {
      id: 'webtransport',
      label: 'WebTransport',
      subjects: [
        overWebTransport('rwebtransport'),
        overWebTransport('spillway webtransport'),
        overWebTransport('fails-components'),
      ],
    },
  ],
  goals: [
    { metric: 'cpu', work: 'websocket', peer: 'spillway websocket', to: { peer: 'ws' }, atMost: 1.3 },
    { metric: 'trips', work: 'websocket', peer: 'spillway websocket', to: { peer: 'ws' }, more: 1.1 },
    {
      metric: 'cpu',
      work: 'webtransport',
      peer: 'spillway webtransport',
      to: { peer: 'rwebtransport' },
      atMost: 1.3,
    },
    {
      metric: 'trips',
      work: 'webtransport',
      peer: 'spillway webtransport',
      to: { peer: 'rwebtransport' },
      more: 1.1,
    },
  ],
  peers: true,
  chart: {
    kind: 'bars',
    panels: ['websocket', 'webtransport'].flatMap((work) => [
      { metric: 'cpu', work },
      { metric: 'trips', work },
    ]),
  },
  seconds: 2,
  rounds: 5,
});
