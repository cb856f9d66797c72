import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Verdict } from './comparison.ts';
import { describeSpread, describeVerdict, distinct } from './print.ts';
import type { Results } from './results.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));

/** Puts the results of a bench between its markers, `<!-- results of NAME -->` and `<!-- end of NAME -->`. */
export async function updateReadme(results: Results): Promise<void> {
  const before = await readFile(README, 'utf8');
  await writeFile(README, replaceSection(before, results.name, describeResults(results)));
}

/** Throws where `text` has no such section. */
export function replaceSection(text: string, name: string, content: string): string {
  const open = `<!-- results of ${name} -->`;
  const close = `<!-- end of ${name} -->`;
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`bench/README.md has no place for the results of ${name}`);
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`;
}

/** Tables and the chart as Markdown. */
export function describeResults(results: Results): string {
  const { name, command, date, machine, rounds, seconds, goals, skipped } = results;
  const versions = Object.entries(machine.versions).map(([package_, version]) => `${package_} ${version}`);
  const parts = [
    `\`${command}\`, ${date.slice(0, 10)}, ${rounds} rounds of ${seconds} s: ${machine.cpu}, ${machine.cores} cores, ${machine.system}; ${versions.join(', ')}. Load average after it: ${machine.load}. [All figures](results/${name}.json).`,
    `![${results.about}](results/${name}.svg)`,
    ...describeRows(results),
  ];
  if (goals.length > 0) parts.push(describeGoals(results, goals));
  for (const { peer, reason } of distinct(skipped)) parts.push(`**Not measured:** ${peer}, ${reason}.`);
  return parts.join('\n\n');
}

/** One table for works of several peers; works with one peer each are the rows of a single table. */
function describeRows(results: Results): string[] {
  const { works, rows, metrics } = results;
  const used = metrics.filter(({ id }) => rows.some(({ figures }) => figures[id] !== undefined));
  const head = used.map(({ label, unit }) => (unit === '' ? label : `${label}, ${unit}`));
  const cells = (figures: (typeof rows)[number]['figures']): string[] =>
    used.map((metric) => describeSpread(metric, figures[metric.id]));
  const label = (id: string): string => works.find((work) => work.id === id)?.label ?? id;
  if (new Set(rows.map(({ work }) => work)).size === rows.length) {
    return [
      table(
        ['', ...head],
        rows.map(({ work, figures }) => [label(work), ...cells(figures)]),
      ),
    ];
  }
  return works.flatMap(({ id }) => {
    const own = rows.filter(({ work }) => work === id);
    if (own.length === 0) return [];
    return [
      table(
        [label(id), ...head],
        own.map(({ peer, figures }) => [peer, ...cells(figures)]),
      ),
    ];
  });
}

function describeGoals(results: Results, goals: readonly Verdict[]): string {
  const mark = ({ met, stretch }: Verdict): string => (met ? 'yes' : stretch ? 'not yet' : '**no**');
  return table(
    ['goal', 'bound', 'measured', 'met'],
    goals.map((verdict) => [...describeVerdict(results, verdict), mark(verdict)]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(row)].join('\n');
}
