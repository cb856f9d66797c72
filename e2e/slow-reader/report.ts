import type { Class } from './flood.ts';
import type { Measured, Slow } from './measure.ts';

const MIB = 1024 * 1024;
/** The gateway's default `sendBudgetHard`, bytes. */
const HARD_BUDGET = MIB;
/** Beside the budget: share of what there was. */
const GROWTH = 0.1;
/** What p99 of the others may differ by for no reason on a busy machine: this factor, and this many ms. */
const NOISE = { factor: 1.5, ms: 25 };

/** Breaches of the promise; empty where it holds. `slow` readers had stopped. */
export function judge({ before, during, ended, back }: Measured, slow: number): string[] {
  const faults: string[] = [];
  const more = during.memory.used - before.memory.used;
  const allowed = slow * HARD_BUDGET + GROWTH * before.memory.used;
  if (more > allowed) faults.push(`the memory grew by ${mib(more)} MiB, ${mib(allowed)} are allowed`);
  const [was, is] = [before.delays.p99, during.delays.p99];
  if (!(is <= was * NOISE.factor + NOISE.ms))
    faults.push(`p99 of the others was ${ms(was)} ms and became ${ms(is)}`);
  if (ended.length > slow) faults.push(`${ended.length - slow} sessions ended that read`);
  if (back === undefined) faults.push('a reader that went on got nothing new');
  return faults;
}

export const HEADER = [
  row('class', 'reader', 'memory MiB', '', '', 'RSS', 'p50 ms', '', 'p99 ms', '', 'back s', '  its session'),
  row('', '', 'before', 'most', 'more', 'more', 'before', 'during', 'before', 'during', ''),
].join('\n');

/** One case as a line of the table. */
export function line(kind: Class, slow: Slow, { before, during, ended, back }: Measured): string {
  const fate = ended.find(({ at }) => at > 0);
  return row(
    kind,
    `${slow.rung} ${slow.how}`,
    mib(before.memory.used),
    mib(during.memory.used),
    mib(during.memory.used - before.memory.used),
    mib(during.memory.rss - before.memory.rss),
    ms(before.delays.p50),
    ms(during.delays.p50),
    ms(before.delays.p99),
    ms(during.delays.p99),
    back === undefined ? '-' : back.toFixed(1),
    fate === undefined ? '  kept' : `  ${fate.code} after ${fate.at.toFixed(1)} s`,
  );
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function ms(time: number): string {
  return time.toFixed(1);
}

function row(first: string, second: string, ...rest: readonly string[]): string {
  const cells = rest.map((cell) => (cell.startsWith('  ') ? cell : cell.padStart(10)));
  return [first.padEnd(10), second.padEnd(20), ...cells].join(' ').trimEnd();
}
