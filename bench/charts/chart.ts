import type { Results } from '../harness/results.ts';
import { type BarPanel, drawBars } from './bars.ts';
import { type CurvePanel, drawCurves } from './curves.ts';

/** How a bench wants its results drawn. */
export type Chart =
  | { readonly kind: 'bars'; readonly panels: readonly BarPanel[] }
  | { readonly kind: 'curves'; readonly panels: readonly CurvePanel[] };

/** The chart of a run as SVG. */
export function drawChart(results: Results): string {
  const { chart } = results;
  switch (chart.kind) {
    case 'bars':
      return drawBars(results, chart.panels);
    case 'curves':
      return drawCurves(results, chart.panels);
    default:
      return chart satisfies never;
  }
}
