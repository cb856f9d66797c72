import { expect, test } from 'vitest';
import type { Comparison, Findings, Goal } from './comparison.ts';
import { verdicts } from './verdicts.ts';

const findings: Findings = {
  rows: [
    { work: 'one', peer: 'ws', figures: { cpu: [10, 20, 10] } },
    { work: 'one', peer: 'ours', figures: { cpu: [1, 4, 5] } },
    { work: 'many', peer: 'ours', figures: { cpu: [2, 4, 5] } },
  ],
  skipped: [],
};

function judge(goal: Goal) {
  const comparison: Comparison = {
    name: 'test',
    about: '',
    metrics: [],
    works: [],
    goals: [goal],
    chart: { kind: 'bars', panels: [] },
    rounds: 3,
    seconds: 1,
  };
  return verdicts(comparison, findings);
}

test('the median of the ratios of each round counts, not the ratio of the medians', () => {
  const [verdict] = judge({ metric: 'cpu', work: 'one', peer: 'ours', to: { peer: 'ws' }, atMost: 0.2 });
  expect(verdict).toMatchObject({ ratios: [0.1, 0.2, 0.5], median: 0.2, met: true });
});

test('a ratio above its bound does not meet it', () => {
  const [verdict] = judge({ metric: 'cpu', work: 'one', peer: 'ours', to: { peer: 'ws' }, atMost: 0.19 });
  expect(verdict).toMatchObject({ met: false });
});

test('a goal may compare two works', () => {
  const to = { peer: 'ours', work: 'one' };
  const [verdict] = judge({ metric: 'cpu', work: 'many', peer: 'ours', to, atMost: 1.2 });
  expect(verdict).toMatchObject({ ratios: [2, 1, 1], median: 1, met: true });
});

test('a goal may be a difference', () => {
  const to = { peer: 'ours', work: 'one' };
  const [verdict] = judge({ metric: 'cpu', work: 'many', peer: 'ours', to, more: 0.5 });
  expect(verdict).toMatchObject({ ratios: [1, 0, 0], median: 0, met: true });
});

test('what was not measured is neither met nor missed', () => {
  expect(judge({ metric: 'cpu', work: 'one', peer: 'ours', to: { peer: 'bun' }, atMost: 1 })).toEqual([]);
});
