import type { Results } from '../harness/results.ts';
import { median, spread } from '../harness/stats.ts';
import { drawing, figure, line, mark, rect, text, ticks, WIDTH } from './svg.ts';

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
const LEGEND = 20;

interface Bar {
  readonly peer: string;
  readonly values: readonly number[];
  /** Where goals put the end of this bar at the latest. */
  readonly goals: readonly number[];
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
  content.push(
    line('spread', LEFT, y + 4, LEFT + 24, y + 4),
    text(LEFT + 32, y + 8, 'from the least to the most of the rounds', 'quiet'),
    line('goal', LEFT + 290, y - 3, LEFT + 290, y + 11),
    text(LEFT + 300, y + 8, 'goal: no longer than this', 'quiet'),
  );
  return drawing(y + LEGEND, results.about, content);
}

function drawPanel(
  results: Results,
  { metric, work }: BarPanel,
  bars: readonly Bar[],
  top: number,
): string[] {
  const { label, unit } = results.metrics.find(({ id }) => id === metric)!;
  const title = results.works.find(({ id }) => id === work)!.label;
  const marks = ticks(Math.max(...bars.flatMap(({ values, goals }) => [...values, ...goals])), 5);
  const scale = (WIDTH - LEFT - RIGHT) / marks.at(-1)!;
  const bottom = top + HEAD + bars.length * ROW;
  return [
    text(0, top + 16, title, 'title'),
    ...marks.flatMap((at) => [
      line('grid', LEFT + at * scale, top + HEAD - 4, LEFT + at * scale, bottom),
      text(LEFT + at * scale, bottom + 16, mark(at), 'quiet middle'),
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

function drawBar({ peer, values, goals }: Bar, y: number, scale: number): string[] {
  const { median, min, max } = spread(values);
  const middle = y + BAR / 2;
  return [
    text(LEFT - 10, middle + 4, peer, 'end'),
    rect(peer.startsWith('spillway') ? 'ours' : 'theirs', LEFT, y, median * scale, BAR),
    line('spread', LEFT + min * scale, middle, LEFT + max * scale, middle),
    ...goals.map((goal) => line('goal', LEFT + goal * scale, y - 4, LEFT + goal * scale, y + BAR + 4)),
    text(LEFT + Math.max(max, ...goals) * scale + 8, middle + 4, figure(median)),
  ];
}

function barsOf({ rows, goals }: Results, { metric, work }: BarPanel): Bar[] {
  return rows
    .filter((row) => row.work === work && row.figures[metric] !== undefined)
    .map(({ peer, figures }) => ({
      peer,
      values: figures[metric]!,
      goals: goals
        .filter((goal) => goal.metric === metric && goal.work === work && goal.peer === peer && !goal.stretch)
        .flatMap(({ to, atMost, more }) => {
          const row = rows.find((row) => row.work === (to.work ?? work) && row.peer === to.peer);
          if (row === undefined) return [];
          const compared = median(row.figures[metric]!);
          return [more === undefined ? compared * atMost! : compared + more];
        }),
    }));
}
