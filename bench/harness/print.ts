import type { Comparison, Findings, Metric, Verdict, Work } from './comparison.ts';
import { spread } from './stats.ts';

/** The findings as tables for a terminal, one for each work, then the goals. */
export function printFindings(comparison: Comparison, findings: Findings, results: readonly Verdict[]): void {
  for (const work of comparison.works) {
    const rows = findings.rows.filter((row) => row.work === work.id);
    if (rows.length === 0) continue;
    const metrics = comparison.metrics.filter(({ id }) => rows.some(({ figures }) => figures[id]));
    console.log(`\n${work.label}`);
    printTable([
      ['', ...metrics.map(({ label, unit }) => (unit === '' ? label : `${label}, ${unit}`))],
      ...rows.map(({ peer, figures }) => [
        peer,
        ...metrics.map((metric) => describeSpread(metric, figures[metric.id])),
      ]),
    ]);
  }
  if (results.length > 0) {
    console.log('\ngoals (median of the ratios of each round, smallest-largest)');
    printTable(
      results.map((verdict) => [
        `  ${verdict.met ? 'met' : verdict.stretch ? 'not yet' : 'MISSED'}`,
        ...describeVerdict(comparison, verdict),
      ]),
    );
  }
  for (const { peer, reason } of distinct(findings.skipped))
    console.log(`\nNOT MEASURED: ${peer}: ${reason}`);
}

/** Median (smallest-largest); empty where there is none. */
export function describeSpread({ digits }: Metric, values: readonly number[] | undefined): string {
  if (values === undefined) return '';
  const { median, min, max } = spread(values);
  if (values.length === 1) return median.toFixed(digits);
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}

/** What was compared, the bound, and the ratio. */
export function describeVerdict(
  { works, metrics }: Pick<Comparison, 'metrics'> & { readonly works: readonly Pick<Work, 'id' | 'label'>[] },
  verdict: Verdict,
): [what: string, bound: string, ratio: string] {
  const label = (id: string): string => works.find((work) => work.id === id)?.label ?? id;
  const metric = metrics.find(({ id }) => id === verdict.metric)?.label ?? verdict.metric;
  const to =
    verdict.to.work === undefined ? verdict.to.peer : `${verdict.to.peer}, ${label(verdict.to.work)}`;
  const { median, min, max } = spread(verdict.ratios);
  return [
    `${label(verdict.work)}: ${metric}, ${verdict.peer}`,
    `${describeBound(verdict)} ${to}${verdict.stretch ? ' (stretch)' : ''}`,
    `${median.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`,
  ];
}

function describeBound({ atMost, more }: Verdict): string {
  if (more !== undefined) return `at most ${more} more than`;
  return `at most ${Number(atMost?.toFixed(3))} x`;
}

/** A skipped peer is told of once, whatever it was skipped at. */
export function distinct(skipped: Findings['skipped']): { readonly peer: string; readonly reason: string }[] {
  return [...new Map(skipped.map(({ peer, reason }) => [`${peer}\n${reason}`, { peer, reason }])).values()];
}

/** Columns as wide as their longest cell. */
function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    console.log(`  ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd());
  }
}
