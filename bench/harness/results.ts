import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Comparison, Findings, Verdict } from './comparison.ts';
import { describeMachine, type Machine } from './machine.ts';

/** What stands in `bench/results/<name>.json`. */
export interface Results extends Findings {
  readonly name: string;
  readonly about: string;
  readonly command: string;
  readonly date: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: Machine;
  readonly metrics: Comparison['metrics'];
  readonly works: readonly { readonly id: string; readonly label: string }[];
  readonly goals: readonly Verdict[];
}

/** Where results are kept. */
export const RESULTS = new URL('../results/', import.meta.url);

/** Writes the file of results. Gives its path in the repository. */
export async function saveResults(
  { name, about, metrics, works }: Comparison,
  findings: Findings,
  goals: readonly Verdict[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<string> {
  const results: Results = {
    name,
    about,
    command: `npm run bench -- ${name}`,
    date: new Date().toISOString(),
    rounds,
    seconds,
    machine: await describeMachine(),
    metrics,
    works: works.map(({ id, label }) => ({ id, label })),
    goals,
    ...findings,
  };
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
  const text = JSON.stringify(results, rounded, 2).replace(
    /\[\s+(-?[\d.,\se+-]+?)\s+\]/g,
    (_all, list: string) => `[${list.replace(/\s+/g, ' ')}]`,
  );
  await writeFile(fileURLToPath(new URL(`${name}.json`, RESULTS)), `${text}\n`);
  return `bench/results/${name}.json`;
}
