import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Chart, drawChart } from '../charts/chart.ts';
import type { Comparison, Findings, Verdict } from './comparison.ts';
import { describeMachine, type Machine } from './machine.ts';
import { updateReadme } from './readme.ts';

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
  readonly chart: Chart;
  readonly goals: readonly Verdict[];
}

/** Where results are kept. */
export const RESULTS = new URL('../results/', import.meta.url);

/** Writes the file of results, the chart, and the section of the README. Gives the path of the first. */
export async function saveResults(
  { name, about, metrics, works, chart }: Comparison,
  findings: Findings,
  goals: readonly Verdict[],
  run: Pick<Results, 'command' | 'rounds' | 'seconds'>,
): Promise<string> {
  const results: Results = {
    name,
    about,
    command: run.command,
    date: new Date().toISOString(),
    rounds: run.rounds,
    seconds: run.seconds,
    machine: await describeMachine(),
    metrics,
    works: works.map(({ id, label }) => ({ id, label })),
    chart,
    goals,
    ...findings,
  };
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
  const text = JSON.stringify(results, rounded, 2).replace(
    /\[\s+(-?[\d.,\se+-]+?)\s+\]/g,
    (_all, list: string) => `[${list.replace(/\s+/g, ' ')}]`,
  );
  await writeFile(path(name, 'json'), `${text}\n`);
  await showResults(results);
  return `bench/results/${name}.json`;
}

/** Draws the chart and writes the section of the README. */
export async function showResults(results: Results): Promise<void> {
  await writeFile(path(results.name, 'svg'), drawChart(results));
  await updateReadme(results);
}

function path(name: string, ending: string): string {
  return fileURLToPath(new URL(`${name}.${ending}`, RESULTS));
}
