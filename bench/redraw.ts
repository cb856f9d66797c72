// Charts and README once more from the results that are there: `npx node bench/redraw.ts`, after a change to either.
import { readdir, readFile } from 'node:fs/promises';
import { RESULTS, type Results, showResults } from './harness/results.ts';

for (const file of await readdir(RESULTS)) {
  if (!file.endsWith('.json')) continue;
  const results = JSON.parse(await readFile(new URL(file, RESULTS), 'utf8')) as Partial<Results>;
  // Other benches may keep results of another form here.
  if (results.chart !== undefined) await showResults(results as Results);
}
