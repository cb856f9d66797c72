import type { Results } from '../harness/results.ts';
import { median, spread } from '../harness/stats.ts';
import { drawing, figure, line, rect, text, ticks, WIDTH } from './svg.ts';

/** One figure at one work, a bar for each peer. */
export interface BarPanel {
  readonly metric: string;
  readonly work: string;
}

const LEFT = 190;
/** For the value behind the longest bar. */
const RIGHT = 70;
const ROW = 26;
const BAR = 16;
/** Title above, axis and its name below. */
const HEAD = 30;
const FOOT = 52;

interface Bar {
  readonly peer: string;
  readonly values: readonly number[];
  /** Where a goal puts the end of this bar at the latest. */
  readonly goal: number | undefined;
}

/** Panels one above the other: the median of the rounds, a thin line from the least to the most, and the goals. */
export function drawBars(results: Results, panels: readonly BarPanel[]): string {
  const content: string[] = [];
  let y = 0;
  for (const panel of panels) {
    const bars = barsOf(results, panel);
    if (bars.length === 0) continue;
    content.push(...drawPanel(results, panel, bars, y));
    y += HEAD + bars.length * ROW + FOOT;
  }
  return drawing(y, results.about, content);
}

function drawPanel(
  results: Results,
  { metric, work }: BarPanel,
  bars: readonly Bar[],
  top: number,
): string[] {
  const { label, unit } = results.metrics.find(({ id }) => id === metric)!;
  const title = results.works.find(({ id }) => id === work)!.label;
  const marks = ticks(Math.max(...bars.flatMap(({ values, goal = 0 }) => [...values, goal])), 5);
  const scale = (WIDTH - LEFT - RIGHT) / marks.at(-1)!;
  const bottom = top + HEAD + bars.length * ROW;
  return [
    text(0, top + 16, title, 'title'),
    ...marks.flatMap((mark) => [
      line('grid', LEFT + mark * scale, top + HEAD - 4, LEFT + mark * scale, bottom),
      text(LEFT + mark * scale, bottom + 16, figure(mark), 'quiet middle'),
    ]),
    text(
      LEFT + ((WIDTH - LEFT - RIGHT) * 1) / 2,
      bottom + 34,
      unit === '' ? label : `${label}, ${unit}`,
      'quiet middle',
    ),
    ...bars.flatMap((bar, i) => drawBar(bar, top + HEAD + i * ROW, scale)),
  ];
}

function drawBar({ peer, values, goal }: Bar, y: number, scale: number): string[] {
  const { median, min, max } = spread(values);
  const middle = y + BAR / 2;
  const shapes = [
    text(LEFT - 10, middle + 4, peer, 'end'),
    rect(peer.startsWith('spillway') ? 'ours' : 'theirs', LEFT, y, median * scale, BAR),
    line('spread', LEFT + min * scale, middle, LEFT + max * scale, middle),
    text(LEFT + Math.max(max, goal ?? 0) * scale + 8, middle + 4, figure(median)),
  ];
  if (goal !== undefined) {
    const x = LEFT + goal * scale;
    shapes.push(line('goal', x, y - 4, x, y + BAR + 4));
  }
  return shapes;
}

function barsOf({ rows, goals }: Results, { metric, work }: BarPanel): Bar[] {
  return rows
    .filter((row) => row.work === work && row.figures[metric] !== undefined)
    .map(({ peer, figures }) => {
      const goal = goals.find(
        (goal) =>
          goal.metric === metric &&
          goal.work === work &&
          goal.peer === peer &&
          !goal.stretch &&
          goal.atLeast === undefined,
      );
      const to = rows.find((row) => row.work === (goal?.to.work ?? work) && row.peer === goal?.to.peer);
      const compared = to?.figures[metric];
      return {
        peer,
        values: figures[metric]!,
        goal:
          goal === undefined || compared === undefined
            ? undefined
            : goal.more === undefined
              ? median(compared) * goal.atMost!
              : median(compared) + goal.more,
      };
    });
}
