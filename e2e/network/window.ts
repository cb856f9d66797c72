// What the window of a session costs and what it does not: `npm run bench -- window`.
import { parseArgs } from 'node:util';
import { type Loss, measureCost, measureFlood, measureLoss, measureRecovery } from './age/measure.ts';
import { PEERS, type Peer } from './age/peer.ts';
import type { Shape } from './shape.ts';
import { openShapedNetwork, type ShapedNetwork, shapedNetworkMissing } from './shaped-network.ts';

const HELP = `Usage: npm run bench -- window [flags]

What bounds the age of states (see the bench age) must cost nothing else. Measures, between two network namespaces, what
is lost on a wide link that loses packets, how soon the rate is back when a narrow link becomes wide, what the far end
sends to acknowledge, and how much an unreliable stream carries that is sent as fast as it is taken.

  --seconds N   for each line (10)
  --seed N      which packets are lost (1)`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});
const seconds = Number(values.seconds);

/** Each rung, and what it is without a window. */
const SPILLWAY: readonly Peer[] = ['spillway-websocket', 'spillway-webtransport'];
const PLAIN: Readonly<Partial<Record<Peer, string>>> = { ws: 'plain ws', rwebtransport: 'raw datagrams' };
const NARROW: Shape = { delay: 25, rate: 80_000 };
const WIDE: Shape = { delay: 25, rate: 10_000_000 };
const FAST: Shape = { delay: 10, rate: 20_000_000 };
/** Bytes of a state, which a second. */
const SMALL = 200;
const LARGE = 1000;
const HZ = 60;
/** Of large states: twice what the fast link carries. */
const FLOOD = 5000;

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const missing = await shapedNetworkMissing();
  if (missing !== undefined) {
    console.error(`window: not measured, there is no network to be had (${missing})`);
    return 1;
  }
  await losses();
  await recoveries();
  await costs();
  await floods();
  return 0;
}

async function losses(): Promise<void> {
  console.log(
    `2 % loss, 25 ms each way, 10 Mbit/s; ${SMALL} bytes at ${HZ} Hz and 20 reliable messages a second`,
  );
  console.log(row('', 'sent', 'came', 'link took', 'reliable'));
  const measure = async (peer: Peer, delivery: 'latest' | 'unreliable'): Promise<Loss> => {
    await using network = await open({ ...WIDE, loss: 0.02 });
    return await measureLoss(network, peer, { rate: HZ, size: SMALL, seconds, delivery });
  };
  const tell = (name: string, { sent, came, taken, reliable }: Loss): void => {
    console.log(row(name, sent, came, taken, reliable.sent > 0 ? `${reliable.came}/${reliable.sent}` : '-'));
  };
  tell(PLAIN.rwebtransport!, await measure('rwebtransport', 'unreliable'));
  for (const peer of SPILLWAY) {
    for (const delivery of ['unreliable', 'latest'] as const)
      tell(`${peer}, ${delivery}`, await measure(peer, delivery));
  }
}

async function recoveries(): Promise<void> {
  console.log(
    '\n80 kbit/s become 10 Mbit/s, 25 ms each way; latest, 10 keys, 1000 bytes at 60 Hz, 4.8 Mbit/s in all',
  );
  console.log(row('', 'narrow /s', 'wide /s', '90 % after'));
  for (const peer of SPILLWAY) {
    await using network = await open(NARROW);
    const stream = { rate: HZ, size: LARGE, keys: 10, seconds: 5 };
    const { narrow, wide, took } = await measureRecovery(network, peer, stream, [NARROW, WIDE]);
    console.log(row(peer, narrow.toFixed(0), wide.toFixed(0), took === undefined ? 'never' : `${took} ms`));
  }
}

async function costs(): Promise<void> {
  const most = 1000 / WIDE.delay!;
  console.log(
    `\nWhat the far end sends, 25 ms each way; latest, ${SMALL} bytes at ${HZ} Hz; at most ${most} acknowledgements a second`,
  );
  console.log(row('', 'busy /s', 'idle /s'));
  for (const peer of SPILLWAY) {
    await using network = await open(WIDE);
    const { busy, idle } = await measureCost(network, peer, { rate: HZ, size: SMALL, seconds });
    console.log(row(peer, busy.toFixed(1), idle.toFixed(1)));
  }
}

async function floods(): Promise<void> {
  console.log(`\nAs fast as it is taken, unreliable, ${LARGE} bytes; 20 Mbit/s, 10 ms each way`);
  console.log(row('', 'Mbit/s'));
  for (const peer of PEERS) {
    await using network = await open(FAST);
    const rate = await measureFlood(network, peer, { rate: FLOOD, size: LARGE, seconds });
    console.log(row(PLAIN[peer] ?? peer, ((rate * 8) / 1_000_000).toFixed(2)));
  }
}

async function open(shape: Shape): Promise<ShapedNetwork> {
  const network = await openShapedNetwork({ seed: Number(values.seed) });
  await network.shape({ up: shape, down: shape });
  return network;
}

function row(first: string, ...rest: readonly (string | number)[]): string {
  return [first.padEnd(34), ...rest.map((cell) => String(cell).padStart(10))].join(' ');
}
