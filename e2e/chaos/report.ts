import { KINDS } from './storm.ts';
import { CHANNELS, KEYS } from './talker.ts';
import type { ClientResult, Direction, Resumption, Trial } from './trial.ts';

/** What a trial showed, as lines. */
export function report({ seconds, resumptions, clients, faults }: Trial): string[] {
  const names = Object.keys(clients);
  const lines = [
    row(
      'client',
      'direction',
      'reliable',
      'lost',
      'twice',
      'disorder',
      'unordered',
      'latest',
      'requests',
      'resumes',
      '  transports',
    ),
    ...Object.entries(clients).flatMap(([name, result]) => clientRows(name, result)),
    '',
    'From a cut to the first reliable message that was made after it, the slower direction, ms:',
    row('cut', 'client', 'times', 'p50', 'p90', 'p99', 'max', 'cut again'),
  ];
  for (const kind of KINDS) {
    for (const name of names) {
      const some = resumptions.filter((each) => each.kind === kind && each.client === name);
      if (some.length > 0) lines.push(row(kind, name, ...distribution(some)));
    }
  }
  const again = resumptions.filter((each) => each.again).map(({ took }) => took);
  lines.push(row('all', 'all', ...distribution(resumptions)));
  if (again.length > 0)
    lines.push(
      `Cut again before that, and not in these figures: ${again.length} times, at most ${Math.max(...again).toFixed(0)} ms.`,
    );
  lines.push('', ...faults.slice(0, 20).map((fault) => `FAULT ${fault}`));
  lines.push(`${faults.length === 0 ? 'no fault' : `${faults.length} faults`} in ${seconds.toFixed(0)} s`);
  return lines;
}

/** The same in a line. */
export function summary({ seconds, resumptions, clients }: Trial): string {
  const came = Object.values(clients)
    .flatMap(({ up, down }) => [...up.heard.reliable, ...down.heard.reliable])
    .reduce((sum, balance) => sum + balance.came, 0);
  const [times, p50, p90, , max] = distribution(resumptions);
  return `${came} reliable messages in ${seconds.toFixed(0)} s; went on ${times} times after p50 ${p50}, p90 ${p90}, at most ${max} ms`;
}

/** What flows, for the head of the report. */
export function flow(rate: number): string {
  return `each client each way: ${rate} numbered messages a second on ${CHANNELS} channels, ${KEYS.length} keys of latest at 60 Hz`;
}

function clientRows(name: string, { up, down, tally }: ClientResult): string[] {
  const { requests, resumes, transports } = tally;
  const used = Object.entries(transports).map(([rung, count]) => `${rung} ${count}`);
  return [
    row(name, 'up', ...counts(up), `${requests.answered}/${requests.asked}`, resumes, `  ${used.join(', ')}`),
    row('', 'down', ...counts(down)),
  ];
}

function counts({ sent, heard }: Direction): (string | number)[] {
  const sum = (name: 'came' | 'lost' | 'duplicated' | 'disordered'): number =>
    heard.reliable.reduce((total, balance) => total + balance[name], 0);
  const current = Object.entries(sent.latest).filter(([key, number]) => heard.latest[key] === number).length;
  const { came } = heard.unordered;
  return [
    sum('came'),
    sum('lost'),
    sum('duplicated'),
    sum('disordered'),
    `${came}/${sent.unordered}`,
    `${current}/${KEYS.length}`,
  ];
}

/** Of those that were left alone meanwhile. */
function distribution(resumptions: readonly Resumption[]): (string | number)[] {
  const alone = resumptions.filter(({ again }) => !again);
  const sorted = alone.map(({ took }) => took).sort((a, b) => a - b);
  const at = (share: number): string => sorted[Math.ceil(sorted.length * share) - 1]?.toFixed(0) ?? '-';
  return [sorted.length, at(0.5), at(0.9), at(0.99), at(1), resumptions.length - alone.length];
}

function row(...cells: readonly (string | number)[]): string {
  const [first = '', second = '', ...rest] = cells.map(String);
  return [
    first.padEnd(12),
    second.padEnd(12),
    ...rest.map((cell) => (cell.startsWith('  ') ? cell : cell.padStart(9))),
  ]
    .join(' ')
    .trimEnd();
}
