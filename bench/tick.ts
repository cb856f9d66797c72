// How even a server's ticks are, and what they cost: `npm run bench -- tick`.
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FixedStep } from '@spillway/gateway/loop';
import { hurry } from '../e2e/network/priority.ts';

const HELP = `Usage: npm run bench -- tick [flags]

Runs FixedStep in this process, idle and with other work beside it, and prints how late its ticks began, what it
skipped, and the CPU that its waiting took: what the process used beyond the work that it was given.

  --seconds N      for each row (5)
  --rates LIST     ticks a second (20,60,128)`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    seconds: { type: 'string', default: '5' },
    rates: { type: 'string', default: '20,60,128' },
  },
});

/** What else the process does. */
interface Load {
  readonly name: string;
  /** Of a step, in each tick. */
  readonly work: number;
  /** Beside the ticks: jobs of so many ms, so often, ms. */
  readonly jobs?: { readonly take: number; readonly every: number };
}

const LOADS: readonly Load[] = [
  { name: 'idle', work: 0 },
  { name: 'work 30 %', work: 0.3 },
  { name: 'work 30 %, jobs of 2 ms', work: 0.3, jobs: { take: 2, every: 7 } },
  { name: 'work 30 %, stalls of 150 ms', work: 0.3, jobs: { take: 150, every: 1_000 } },
];

if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  // What other processes do is not what is measured.
  hurry();
  console.log(
    row('rate', 'precision', 'load', 'late p50', 'p99', 'max ms', 'ticks', 'missed', 'skipped', 'waiting'),
  );
  for (const rate of values.rates.split(',').map(Number)) {
    for (const precision of [0, 1.5]) {
      for (const load of LOADS) console.log(await measure(rate, precision, load));
    }
  }
}

async function measure(rate: number, precision: number, { name, work, jobs }: Load): Promise<string> {
  let given = 0;
  const busy = (ms: number): void => {
    const until = performance.now() + ms;
    while (performance.now() < until);
    given += ms;
  };
  const step = new FixedStep({ rate, precision }, () => busy((work * 1_000) / rate), console.error);
  const timer = jobs && setInterval(() => busy(jobs.take), jobs.every);
  // The first ticks are compiled.
  step.start();
  await wait(500);
  const before = { ticks: step.stats().ticks, skipped: step.stats().skipped, given, at: performance.now() };
  const cpu = process.cpuUsage();
  await wait(Number(values.seconds) * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  const took = performance.now() - before.at;
  const { ticks, skipped, late } = step.stats();
  step.stop();
  clearInterval(timer);
  const waiting = ((user + system) / 1_000 - (given - before.given)) / took;
  const ran = ticks - before.ticks;
  const skips = skipped - before.skipped;
  // Whether the schedule was kept: what the clock asks for, less what ran and what was skipped by name.
  const missed = Math.floor((took * rate) / 1_000) - ran - skips;
  const lates = [late.p50, late.p99, late.max].map((ms) => ms.toFixed(2));
  const cost = `${(Math.max(0, waiting) * 100).toFixed(1)} %`;
  return row(rate, precision, name, ...lates, ran, Math.max(0, missed), skips, cost);
}

function row(...cells: readonly (string | number)[]): string {
  const widths = [5, 9, 28, 9, 7, 8, 6, 7, 8, 8];
  return cells.map((cell, index) => String(cell).padStart(widths[index] ?? 8)).join(' ');
}
