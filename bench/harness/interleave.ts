import type { Comparison, Figures, Findings, Opened, Row, Work } from './comparison.ts';

/** How long and what. */
export interface Extent {
  readonly rounds: number;
  readonly seconds: number;
  /** Are they wanted? */
  work(id: string): boolean;
  peer(name: string): boolean;
}

/** Hears how far it is. */
export type OnProgress = (text: string) => void;

/**
 * Does every work of a comparison: all its peers are opened, each is warmed up, and then they are measured in turns
 * (A B C A B C …), so that what else the machine does meets all of them alike.
 */
export async function interleave(
  { works }: Comparison,
  extent: Extent,
  progress: OnProgress,
): Promise<Findings> {
  const rows: Row[] = [];
  const skipped: { work: string; peer: string; reason: string }[] = [];
  for (const work of works) {
    if (!extent.work(work.id)) continue;
    const found = await one(work, extent, progress);
    rows.push(...found.rows);
    skipped.push(...found.skipped);
  }
  return { rows, skipped };
}

async function one(work: Work, extent: Extent, progress: OnProgress): Promise<Findings> {
  const skipped: { work: string; peer: string; reason: string }[] = [];
  await using stack = new AsyncDisposableStack();
  const opened: { readonly peer: string; readonly subject: Opened; readonly rounds: Figures[] }[] = [];
  for (const { peer, open } of work.subjects) {
    if (!extent.peer(peer)) continue;
    progress(`${work.label}: opening ${peer}`);
    const subject = await open();
    if ('skipped' in subject) {
      skipped.push({ work: work.id, peer, reason: subject.skipped });
      continue;
    }
    stack.use(subject);
    opened.push({ peer, subject, rounds: [] });
  }
  for (const { peer, subject } of opened) {
    progress(`${work.label}: warming up ${peer}`);
    await subject.measure(Math.min(2, extent.seconds));
  }
  for (let round = 1; round <= extent.rounds; round++) {
    for (const { peer, subject, rounds } of opened) {
      progress(`${work.label}: round ${round} of ${extent.rounds}, ${peer}`);
      rounds.push(await subject.measure(extent.seconds));
    }
  }
  const rows = opened.map(({ peer, rounds }) => ({ work: work.id, peer, figures: columns(rounds) }));
  return { rows, skipped };
}

function columns(rounds: readonly Figures[]): Row['figures'] {
  const ids = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(ids.map((id) => [id, rounds.map((figures) => figures[id]!)]));
}
