import type { Comparison, Findings, Goal, Verdict } from './comparison.ts';
import { median } from './stats.ts';

/** What the goals have come to, as far as both sides were measured: the median of the ratios of each round counts. */
export function verdicts({ goals }: Comparison, findings: Findings): Verdict[] {
  return goals.flatMap((goal) => {
    const ratios = ratiosOf(goal, findings);
    if (ratios === undefined) return [];
    const middle = median(ratios);
    const met = middle <= (goal.atMost ?? goal.more ?? Number.POSITIVE_INFINITY);
    return [{ ...goal, ratios, median: middle, met }];
  });
}

function ratiosOf({ metric, work, peer, to, more }: Goal, { rows }: Findings): number[] | undefined {
  const figures = (work: string, peer: string): readonly number[] | undefined =>
    rows.find((row) => row.work === work && row.peer === peer)?.figures[metric];
  const ours = figures(work, peer);
  const theirs = figures(to.work ?? work, to.peer);
  if (ours === undefined || theirs === undefined) return undefined;
  const rounds = Math.min(ours.length, theirs.length);
  return Array.from({ length: rounds }, (_, i) =>
    more === undefined ? ours[i]! / theirs[i]! : ours[i]! - theirs[i]!,
  );
}
