import type { Comparison, Figures, Findings, Opened, Row, Work } from './comparison.ts';

/** How long and what. */
export interface Extent {
  readonly rounds: number;
  readonly seconds: number;
  /** Are they wanted? */
  work(id: string): boolean;
  peer(name: string): boolean;
}

/** Seconds of work before the first round counts. */
const WARM_UP = 2;

type Skip = Findings['skipped'][number];

/** One peer at one work. */
interface Run {
  readonly work: Work;
  readonly peer: string;
  readonly subject: Opened;
  readonly rounds: Figures[];
}

/** Hears how far it is. */
export type OnProgress = (text: string) => void;

/**
 * Does every work of a comparison: all its peers are opened, each is warmed up, and then they are measured in turns
 * (A B C A B C …), so that what else the machine does meets all of them alike.
 */
export async function interleave(
  { works, warmUp = true, together = false }: Comparison,
  extent: Extent,
  progress: OnProgress,
): Promise<Findings> {
  const wanted = works.filter(({ id }) => extent.work(id));
  const groups = together ? [wanted] : wanted.map((work) => [work]);
  const rows: Row[] = [];
  const skipped: Skip[] = [];
  for (const group of groups) {
    await using stack = new AsyncDisposableStack();
    const runs = await openAll(group, extent, stack, skipped, progress);
    for (const { work, peer, subject } of warmUp ? runs : []) {
      progress(`${work.label}: warming up ${peer}`);
      await subject.measure(Math.min(WARM_UP, extent.seconds));
    }
    for (let round = 1; round <= extent.rounds; round++) {
      for (const { work, peer, subject, rounds } of runs) {
        progress(`${work.label}: round ${round} of ${extent.rounds}, ${peer}`);
        rounds.push(await subject.measure(extent.seconds));
      }
    }
    rows.push(...runs.map(({ work, peer, rounds }) => ({ work: work.id, peer, figures: columns(rounds) })));
  }
  return { rows, skipped };
}

async function openAll(
  works: readonly Work[],
  extent: Extent,
  stack: AsyncDisposableStack,
  skipped: Skip[],
  progress: OnProgress,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (const work of works) {
    for (const { peer, open } of work.subjects) {
      if (!extent.peer(peer)) continue;
      progress(`${work.label}: opening ${peer}`);
      const subject = await open();
      if ('skipped' in subject) skipped.push({ work: work.id, peer, reason: subject.skipped });
      else runs.push({ work, peer, subject: stack.use(subject), rounds: [] });
    }
  }
  return runs;
}

function columns(rounds: readonly Figures[]): Row['figures'] {
  const ids = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(ids.map((id) => [id, rounds.map((figures) => figures[id]!)]));
}
