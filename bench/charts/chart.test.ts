import { expect, test } from 'vitest';
import type { Results } from '../harness/results.ts';
import { drawChart } from './chart.ts';
import { figure, mark, ticks } from './svg.ts';

const results: Results = {
  name: 'test',
  about: 'a < b & c',
  command: '',
  date: '',
  rounds: 2,
  seconds: 1,
  machine: { cpu: '', cores: 2, memory: '', system: '', load: 0, versions: {} },
  metrics: [{ id: 'cpu', label: 'CPU', unit: 'us', digits: 1 }],
  works: [
    { id: 'small', label: 'few' },
    { id: 'large', label: 'many' },
  ],
  rows: [
    { work: 'small', peer: 'ws', figures: { cpu: [4, 4] } },
    { work: 'small', peer: 'spillway', figures: { cpu: [1, 3] } },
    { work: 'large', peer: 'spillway', figures: { cpu: [2, 2] } },
  ],
  skipped: [],
  goals: [
    {
      metric: 'cpu',
      work: 'small',
      peer: 'spillway',
      to: { peer: 'ws' },
      atMost: 0.5,
      ratios: [],
      median: 0,
      met: true,
    },
  ],
  chart: { kind: 'bars', panels: [{ metric: 'cpu', work: 'small' }] },
};

test('bars are as long as their medians, with the spread and the goal in the same measure', () => {
  const svg = drawChart(results);
  const widths = [...svg.matchAll(/<rect class="(\w+)".* width="([\d.]+)"/g)].map(([, kind, w]) => [
    kind,
    Number(w),
  ]);
  const [[, theirs], [, ours]] = widths as [[string, number], [string, number]];
  expect(widths.map(([kind]) => kind)).toEqual(['theirs', 'ours']);
  expect(ours / theirs).toBeCloseTo(0.5, 2);
  const [, goal] = /class="goal" x1="([\d.]+)"/.exec(svg)!;
  const [, left] = /<rect class="ours" x="([\d.]+)"/.exec(svg)!;
  expect((Number(goal) - Number(left)) / theirs).toBeCloseTo(0.5, 2);
  expect(svg).toContain('CPU, us');
  expect(svg).toContain('aria-label="a &#60; b &#38; c"');
});

test('curves go through the medians over the size', () => {
  const points = [
    { size: 10, work: 'small' },
    { size: 1000, work: 'large' },
  ];
  const panels = [{ title: 'size', metric: 'cpu', axis: 'sessions', points }];
  const svg = drawChart({ ...results, rows: results.rows.slice(1), chart: { kind: 'curves', panels } });
  expect([...svg.matchAll(/<circle .* cx="([\d.]+)" cy="([\d.]+)"/g)]).toHaveLength(2);
  expect(svg).toContain('>1 000<');
  expect(svg).toContain('>sessions<');
});

test('the steps of an axis are round and reach the largest value', () => {
  expect(ticks(7.3, 5)).toEqual([0, 2, 4, 6, 8]);
  expect(ticks(0.042, 4).at(-1)).toBeCloseTo(0.06);
  expect(ticks(100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
});

test('figures have as many digits as say something', () => {
  expect([0, 0.01, 5.68, 153.2, 12345].map(figure)).toEqual(['0', '0.010', '5.7', '153', '12 345']);
  expect([0, 0.5, 20, 5000].map(mark)).toEqual(['0', '0.5', '20', '5 000']);
});
