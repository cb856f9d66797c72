import type { Results } from '../harness/results.ts';
import { spread } from '../harness/stats.ts';
import { drawing, figure, line, mark, round, text, ticks, WIDTH } from './svg.ts';

/** One figure over a size. */
export interface CurvePanel {
  readonly title: string;
  readonly metric: string;
  /** What the size counts. */
  readonly axis: string;
  readonly points: readonly { readonly size: number; readonly work: string }[];
}

const LEFT = 60;
const RIGHT = 40;
const HEAD = 30;
const PLOT = 150;
const FOOT = 56;

/** Panels one above the other: the median of the rounds over a logarithmic size, in a band from the least to the most. */
export function drawCurves(results: Results, panels: readonly CurvePanel[]): string {
  const height = HEAD + PLOT + FOOT;
  return drawing(
    panels.length * height,
    results.about,
    panels.flatMap((panel, i) => drawPanel(results, panel, i * height)),
  );
}

function drawPanel(results: Results, { title, metric, axis, points }: CurvePanel, top: number): string[] {
  const { label, unit } = results.metrics.find(({ id }) => id === metric)!;
  const measured = points.flatMap(({ size, work }) => {
    const values = results.rows.find((row) => row.work === work)?.figures[metric];
    return values === undefined ? [] : [{ size, ...spread(values) }];
  });
  if (measured.length === 0) return [];
  const marks = ticks(Math.max(...measured.map(({ max }) => max)), 4);
  const [first, last] = [Math.log10(measured[0]!.size), Math.log10(measured.at(-1)!.size)];
  const x = (size: number): number =>
    LEFT + ((Math.log10(size) - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const bottom = top + HEAD + PLOT;
  const y = (value: number): number => bottom - (value / marks.at(-1)!) * PLOT;
  const path = (list: readonly [number, number][]): string =>
    list.map(([a, b]) => `${round(a)},${round(b)}`).join(' ');
  const upper = measured.map(({ size, max }) => [x(size), y(max)] as [number, number]);
  const lower = measured.map(({ size, min }) => [x(size), y(min)] as [number, number]);
  return [
    text(0, top + 16, `${title}: ${label}, ${unit}`, 'title'),
    ...marks.flatMap((at) => [
      line('grid', LEFT, y(at), WIDTH - RIGHT, y(at)),
      text(LEFT - 8, y(at) + 4, mark(at), 'quiet end'),
    ]),
    `<polygon class="band" points="${path([...upper, ...lower.reverse()])}"/>`,
    `<polyline class="line" points="${path(measured.map(({ size, median }) => [x(size), y(median)]))}"/>`,
    ...measured.flatMap(({ size, median }) => [
      `<circle class="ours" cx="${round(x(size))}" cy="${round(y(median))}" r="3.5"/>`,
      text(x(size), y(median) - 10, figure(median), 'middle'),
      text(x(size), bottom + 18, mark(size), 'quiet middle'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 38, axis, 'quiet middle'),
  ];
}
