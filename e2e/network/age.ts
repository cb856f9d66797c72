// How old the newest state at a client is, over a bad network: `npm run bench -- age`.
import { parseArgs } from 'node:util';
import { measureAge } from './age/measure.ts';
import { PEERS, type Peer } from './age/peer.ts';
import type { Shape } from './shape.ts';
import { openShapedNetwork, shapedNetworkMissing } from './shaped-network.ts';

/** What `npm ci` brings. */
const INSTALLED = PEERS.filter((peer) => peer !== 'socket.io');

const HELP = `Usage: npm run bench -- age [flags]

Sends states from one network namespace to another and prints how old the newest one at the client was: the median,
the age that was exceeded 1 % of the time, and the oldest. Needs Linux, root, ip, perl and /dev/net/tun.

  --peers LIST     of ${PEERS.join(',')}
                   (all but socket.io, which the bench loss installs)
  --seconds N      for each peer (20)
  --hz N           states a second (60)
  --size N         bytes of a state (200)
The link, the same in both directions:
  --delay MS       each way (25)
  --jitter MS      up to this much more (0)
  --loss PERCENT   at random (0)
  --rate N         bits per second; 0: unlimited (80000)
  --buffer BYTES   before the rate (65536)
  --seed N         which packets are lost (1)`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    peers: { type: 'string', default: INSTALLED.join(',') },
    seconds: { type: 'string', default: '20' },
    hz: { type: 'string', default: '60' },
    size: { type: 'string', default: '200' },
    delay: { type: 'string', default: '25' },
    jitter: { type: 'string', default: '0' },
    loss: { type: 'string', default: '0' },
    rate: { type: 'string', default: '80000' },
    buffer: { type: 'string', default: '65536' },
    seed: { type: 'string', default: '1' },
  },
});

if (values.help) {
  console.log(HELP);
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  const peers = values.peers.split(',') as Peer[];
  const unknown = peers.filter((peer) => !PEERS.includes(peer));
  if (unknown.length > 0) {
    console.error(`age: there is no ${unknown.join(', ')}; the peers are ${PEERS.join(', ')}`);
    return 2;
  }
  const missing = await shapedNetworkMissing();
  if (missing !== undefined) {
    console.error(`age: not measured, there is no network to be had (${missing})`);
    return 1;
  }
  let failed = 0;
  console.log(describe());
  console.log(row('peer', 'p50 ms', 'p99 ms', 'max ms', 'states/s', 'stale', 'lost', 'overflow'));
  for (const peer of peers) if (!(await measured(peer))) failed += 1;
  return failed > 0 ? 1 : 0;
}

async function measured(peer: Peer): Promise<boolean> {
  const seconds = Number(values.seconds);
  await using network = await openShapedNetwork({ seed: Number(values.seed) });
  const shape = link();
  await network.shape({ up: shape, down: shape });
  try {
    const stream = { rate: Number(values.hz), size: Number(values.size), seconds };
    const { p50, p99, max, arrived, stale } = await measureAge(network, peer, stream);
    const { down } = await network.traffic();
    const ages = [p50, p99, max].map((age) => age.toFixed(0));
    console.log(row(peer, ...ages, (arrived / seconds).toFixed(1), stale, down.lost, down.overflowed));
    return true;
  } catch (error) {
    console.log(row(peer, `failed: ${error instanceof Error ? error.message : error}`));
    return false;
  }
}

function link(): Shape {
  const { delay, jitter, loss, rate, buffer } = values;
  return {
    delay: Number(delay),
    jitter: Number(jitter),
    loss: Number(loss) / 100,
    ...(rate === '0' ? {} : { rate: Number(rate) }),
    buffer: Number(buffer),
  };
}

function describe(): string {
  const { hz, size, delay, jitter, loss, rate, buffer, seconds } = values;
  const width = rate === '0' ? 'no rate' : `${rate} bit/s behind ${buffer} bytes`;
  const way = `${delay} ms each way${jitter === '0' ? '' : ` and up to ${jitter} more`}`;
  const floor = Number(delay) + 1000 / Number(hz);
  return `${size} bytes at ${hz} Hz for ${seconds} s, ${way}, ${loss} % loss, ${width}; floor ${floor.toFixed(0)} ms`;
}

function row(first: string, ...rest: readonly (string | number)[]): string {
  return [first.padEnd(22), ...rest.map((cell) => String(cell).padStart(8))].join('  ');
}
