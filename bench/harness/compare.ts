import { parseArgs } from 'node:util';
import type { Comparison } from './comparison.ts';
import { interleave } from './interleave.ts';
import { installPeers } from './peers.ts';
import { printFindings } from './print.ts';
import { createProgress } from './progress.ts';
import { saveResults } from './results.ts';
import { verdicts } from './verdicts.ts';

/** Of a short run. */
const QUICK = { seconds: 1.5, rounds: 3 };

/** The program of a bench: flags, rounds, tables, and the file of results. */
export async function compare(comparison: Comparison): Promise<void> {
  const { name, about, works } = comparison;
  const peers = [...new Set(works.flatMap(({ subjects }) => subjects.map(({ peer }) => peer)))];
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      quick: { type: 'boolean' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      work: { type: 'string' },
      peers: { type: 'string' },
      'no-save': { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(`Usage: npm run bench -- ${name} [flags]

${about}

  --quick         short and rough, and nothing is saved
  --rounds N      (${comparison.rounds})
  --seconds N     of each round (${comparison.seconds})
  --work LIST     ${works.map(({ id }) => id).join(',')}
  --peers LIST    ${peers.join(',')}
  --no-save       leaves bench/results and bench/README.md as they are`);
    return;
  }
  const wanted = (list: string | undefined) => (one: string) => list?.split(',').includes(one) ?? true;
  const defaults = values.quick ? QUICK : comparison;
  const extent = {
    rounds: Number(values.rounds ?? defaults.rounds),
    seconds: Number(values.seconds ?? defaults.seconds),
    work: wanted(values.work),
    peer: wanted(values.peers),
  };
  console.log(`${name}: ${about}`);
  if (comparison.peers) await installPeers();
  const progress = createProgress(process.stdout);
  const findings = await interleave(comparison, extent, (text) => progress.show(text));
  progress.end();
  const results = verdicts(comparison, findings);
  printFindings(comparison, findings, results);
  // A part of it, or a rough one, must not stand where the whole belongs.
  if (values.quick || values.work || values.peers || values['no-save']) return;
  const flags = (['rounds', 'seconds'] as const).flatMap((flag) =>
    values[flag] === undefined ? [] : [`--${flag}`, values[flag]],
  );
  const command = ['npm run bench --', name, ...flags].join(' ');
  const path = await saveResults(comparison, findings, results, { ...extent, command });
  console.log(`\nsaved ${path} and bench/README.md`);
}
