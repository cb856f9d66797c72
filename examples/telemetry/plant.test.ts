import { expect, test } from 'vitest';
import { seededRandom } from '../shared/random.ts';
import { SAMPLE_RATE, SENSORS } from './catalogue.ts';
import { Plant } from './plant.ts';
import type { AlarmReport } from './watch.ts';

const START = 1_795_000_000_000;

function run(plant: Plant, seconds: number, each?: (values: Float32Array) => void): AlarmReport[] {
  const reports: AlarmReport[] = [];
  for (let taken = 0; taken < seconds * SAMPLE_RATE; taken += 1) {
    const values = plant.sample((report) => reports.push(report));
    each?.(values);
  }
  return reports;
}

test('a plant reads fifty sensors a hundred times a second', () => {
  const plant = new Plant(seededRandom(1), START);
  run(plant, 1, (values) => expect(values).toHaveLength(50));
  expect(plant.due).toBe(START + 1000);
});

test('over half an hour an alarm is raised every ten to twenty seconds, first within fifteen', () => {
  const reports = run(new Plant(seededRandom(2), START), 1800);
  const raised = [...new Map(reports.map(({ id, raisedAt }) => [id, (raisedAt - START) / 1000])).values()];
  expect(raised[0]).toBeLessThan(15);
  const gaps = raised.slice(1).map((at, index) => at - raised[index]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  expect(mean).toBeGreaterThan(10);
  expect(mean).toBeLessThan(20);
  expect(Math.max(...gaps)).toBeLessThan(40);
});

test('every alarm ends, and says so once', () => {
  const reports = run(new Plant(seededRandom(3), START), 600);
  const settled = reports.filter(({ raisedAt }) => raisedAt < START + 570_000);
  const open = new Set<string>();
  for (const { id, active } of settled) {
    if (active) open.add(id);
    else expect(open.delete(id)).toBe(true);
  }
  expect(open.size).toBe(0);
  expect(settled.length).toBeGreaterThan(40);
});

test('no sensor reads what cannot be: less than nothing, or a level over 100 %', () => {
  const plant = new Plant(seededRandom(2), START);
  const levels = SENSORS.filter(({ quantity }) => quantity.unit === '%');
  const [lowest, fullest]: [number[], number[]] = [[], []];
  run(plant, 600, (values) => {
    lowest.push(Math.min(...values));
    fullest.push(Math.max(...levels.map(({ index }) => values[index]!)));
  });
  expect(Math.min(...lowest)).toBe(0);
  expect(Math.max(...fullest)).toBe(100);
});

test('sensors stay near where they belong between alarms', () => {
  const plant = new Plant(seededRandom(4), START);
  let inside = 0;
  let all = 0;
  run(plant, 300, (values) => {
    for (const { index, quantity } of SENSORS) {
      all += 1;
      if (values[index]! > quantity.low && values[index]! < quantity.high) inside += 1;
    }
  });
  expect(inside / all).toBeGreaterThan(0.985);
});

test('a plant that was held up goes on at the present instead of repeating the past', () => {
  const plant = new Plant(seededRandom(5), START);
  run(plant, 1);
  plant.skipTo(START + 61_005);
  expect(plant.due).toBe(START + 61_000);
  plant.skipTo(START + 10_000);
  expect(plant.due).toBe(START + 61_000);
});
