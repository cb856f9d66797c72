// Sessions in a storm: `npm run bench -- chaos`, or `node e2e/chaos/chaos.ts --help`.
import { parseArgs } from 'node:util';
import { shapedNetworkMissing } from '../network/shaped-network.ts';
import { loopbackRoad } from './loopback.ts';
import { flow, report } from './report.ts';
import { shapedRoad } from './road.ts';
import { KINDS } from './storm.ts';
import { runTrial } from './trial.ts';

const HELP = `Usage: npm run bench -- chaos [flags]

Three clients, one on any transport and one on each alone, exchange numbered messages with a gateway while the network
between them is cut at random (${KINDS.join(', ')}). Fails when a reliable message is lost, comes twice or out
of order, when a key of latest does not end on its last value, or when anything tells of a gap or an error.

  --cuts N       how often (100)
  --messages N   numbered messages of each client each way, at least (20000)
  --rate N       of them a second (100)
  --seed N       which cuts, and when (a random one; printed)
  --loopback     without network namespaces, as where there are none`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    cuts: { type: 'string', default: '100' },
    messages: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    loopback: { type: 'boolean', default: false },
  },
});

let told = 0;
if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const [seed, cuts, messages, rate] = [values.seed, values.cuts, values.messages, values.rate].map(
    Number,
  ) as [number, number, number, number];
  const missing = values.loopback ? undefined : await shapedNetworkMissing();
  if (missing !== undefined)
    console.log(`note: no network namespaces (${missing}): a relay on loopback instead`);
  await using road = values.loopback || missing !== undefined ? await loopbackRoad() : await shapedRoad(seed);
  console.log(`chaos: ${cuts} cuts, seed ${seed}, ${road.name}`);
  console.log(`${flow(rate)}\n`);
  const trial = await runTrial(road, { seed, cuts, messages, rate, progress });
  clear();
  for (const line of report(trial)) console.log(line);
  if (trial.faults.length > 0) console.log(`Again: npm run bench -- chaos --seed ${seed} --cuts ${cuts}`);
  return trial.faults.length > 0 ? 1 : 0;
}

/** One line that changes on a terminal; elsewhere one in ten. */
function progress(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K  ${line}`);
  else if (++told % 10 === 0) console.log(`  ${line}`);
}

function clear(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  else console.log();
}
