/** What size costs: `npm run bench -- scale`. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Load } from './harness/bursts.ts';
import { compare } from './harness/compare.ts';
import type { Goal, Opened, Subject, Work } from './harness/comparison.ts';
import { endAll, settled } from './harness/pair.ts';
import { startProcess } from './harness/process.ts';
import { serve } from './websocket/peers.ts';

/** Everybody is subscribed; as many deliveries a second whatever their number. */
const SUBSCRIBERS = [10, 100, 1_000, 5_000];
/** Sessions that are not subscribed, beside ten that are. */
const STRANGERS = [10, 100, 1_000, 5_000];
/** Channels that others are subscribed to. */
const CHANNELS = [1, 100, 10_000];
/** Who is subscribed to the channels: a session may have 128. */
const OTHERS = 100;
const HOT = 10;
const DELIVERIES_PER_SECOND = 20_000;

interface Size {
  readonly subscribers: number;
  readonly others: number;
  readonly channels: number;
}

function subject({ subscribers, others, channels }: Size): Subject {
  const burst = 10;
  const load: Load = { burst, every: (burst * subscribers * 1000) / DELIVERIES_PER_SECOND, size: 100 };
  return {
    peer: 'spillway',
    async open() {
      const serving = await serve('spillway reliable', 'fan-out');
      if ('skipped' in serving) return serving;
      const { server, url } = serving;
      const clients = startProcess(new URL('scale/clients.ts', import.meta.url));
      await clients.ask('subscribers', { url, count: subscribers });
      if (others > 0) await clients.ask('others', { url, count: others, channels });
      return {
        async measure(seconds) {
          const rest = await server.cost();
          await wait(seconds * 500);
          const before = await clients.ask<number>('received');
          const start = await server.cost();
          await server.ask('start', load);
          // Of large fan-outs there are few in a second.
          await wait(Math.max(seconds * 1000, load.every * 2.5));
          const published = await server.ask<number>('stop');
          const due = published * subscribers;
          const received = (await settled(() => clients.ask('received'), before + due)) - before;
          const end = await server.cost();
          const idle = (start.cpu - rest.cpu) / (start.at - rest.at);
          const busy = end.cpu - start.cpu - idle * (end.at - start.at);
          return { cpu: busy / received, publish: busy / published, idle: idle * 1000 };
        },
        [Symbol.asyncDispose]: () => endAll([clients, server]),
      } satisfies Opened;
    },
  };
}

function work(id: string, label: string, size: Size): Work {
  return { id, label, subjects: [subject(size)] };
}

function bound(kind: string, metric: string, sizes: readonly number[], atMost: number): Goal[] {
  return sizes.slice(1).map((size) => ({
    metric,
    work: `${kind}-${size}`,
    peer: 'spillway',
    to: { peer: 'spillway', work: `${kind}-${sizes[0]}` },
    atMost,
  }));
}

await compare({
  name: 'scale',
  about:
    'what a publication costs one gateway over WebSocket as it grows; `reliable`, 100 bytes, bursts of 10',
  metrics: [
    { id: 'publish', label: 'server CPU per publication', unit: 'us', digits: 1 },
    { id: 'cpu', label: 'server CPU per delivered', unit: 'us', digits: 2 },
    { id: 'idle', label: 'CPU of the idle server', unit: 'us/s', digits: 0 },
  ],
  works: [
    ...SUBSCRIBERS.map((n) =>
      work(`subscribers-${n}`, `${n} sessions, all subscribed`, { subscribers: n, others: 0, channels: 0 }),
    ),
    ...STRANGERS.map((n) =>
      work(`strangers-${n}`, `${HOT} subscribers beside ${n} other sessions`, {
        subscribers: HOT,
        others: n,
        channels: 1,
      }),
    ),
    ...CHANNELS.map((n) =>
      work(`channels-${n}`, `${HOT} subscribers beside ${n} other channels`, {
        subscribers: HOT,
        others: OTHERS,
        channels: n,
      }),
    ),
  ],
  goals: [...bound('strangers', 'publish', STRANGERS, 1.2), ...bound('channels', 'publish', CHANNELS, 1.2)],
  together: true,
  chart: {
    kind: 'curves',
    panels: [
      {
        title: 'Everybody subscribed',
        metric: 'cpu',
        axis: 'sessions',
        points: SUBSCRIBERS.map((size) => ({ size, work: `subscribers-${size}` })),
      },
      {
        title: `${HOT} subscribed`,
        metric: 'publish',
        axis: 'other sessions',
        points: STRANGERS.map((size) => ({ size, work: `strangers-${size}` })),
      },
      {
        title: `${HOT} subscribed`,
        metric: 'publish',
        axis: 'other channels',
        points: CHANNELS.map((size) => ({ size, work: `channels-${size}` })),
      },
    ],
  },
  seconds: 3,
  rounds: 5,
});
