import { expect, it } from 'vitest';
import type { Peer } from '../../e2e/network/age/peer.ts';
import { type Case, cases, floor } from './cases.ts';
import { chart } from './chart.ts';
import { goals } from './goals.ts';
import { excess, type Row } from './results.ts';
import { report } from './table.ts';

const [lossy] = cases('2 % 50 ms') as [Case];
const [narrow] = cases('80 kbit/s') as [Case];

function row(of: Case, peer: Peer, p99: number): Row {
  return { of, peer, p50: p99 / 2, p99, max: p99 * 2, rate: 60 };
}

function rows(datagrams: number, pipe: number, age: number): Row[] {
  return [
    row(lossy, 'ws', 102),
    row(lossy, 'rwebtransport', 51),
    row(lossy, 'spillway-webtransport', datagrams),
    row(lossy, 'spillway-websocket', pipe),
    row(narrow, 'ws', 5000),
    row(narrow, 'spillway-webtransport', age),
    row(narrow, 'spillway-websocket', 100),
  ];
}

it('measures twelve lossy networks and three narrow ones', () => {
  expect(cases().filter(({ kind }) => kind === 'lossy')).toHaveLength(12);
  expect(cases('kbit').map(({ name }) => name)).toEqual([
    '80 kbit/s 60 Hz',
    '200 kbit/s 60 Hz',
    '200 kbit/s 120 Hz',
  ]);
});

it('counts what lies above one way and one interval', () => {
  expect(floor(lossy)).toBeCloseTo(25 + 1000 / 60);
  expect(excess(row(lossy, 'ws', 102), 'p99')).toBeCloseTo(60.3, 1);
  expect(excess(row(lossy, 'ws', 20), 'p99')).toBe(0);
});

it('says that the goals are met when all are', () => {
  expect(goals(rows(52, 103, 180)).map(({ met }) => met)).toEqual([true, true, true, true, true]);
});

it('says which goal is not met', () => {
  expect(goals(rows(60, 103, 180)).map(({ met }) => met)).toEqual([false, false, true, true, true]);
  expect(goals(rows(52, 140, 180)).map(({ met }) => met)).toEqual([true, true, false, true, true]);
  expect(goals(rows(52, 103, 201)).map(({ met }) => met)).toEqual([true, true, true, false, true]);
});

it('has each peer of each network in the table and in the chart', () => {
  const all = rows(52, 103, 180);
  const text = report(all, { command: 'npm run bench -- loss', about: 'a test.' });
  expect(text).toContain('| 2 % 50 ms | 42 | 60 / 162 |  | 9 / 60 |');
  expect(text).toContain('| 80 kbit/s 60 Hz | 42 | 2500 / 5000 |  |  | 50 / 100 | 90 / 180 |');
  expect(chart(all).match(/<circle/g)).toHaveLength(4);
  expect(chart(all).match(/<rect x=/g)).toHaveLength(3);
});
