import { expect, test } from 'vitest';
import { seededRandom } from '../shared/random.ts';
import { type AlarmReport, AlarmRules } from './alarm-rules.ts';
import { PLANT_CHANNEL, QUANTITIES, SAMPLE_RATE, SENSORS, WINDOW } from './catalogue.ts';
import { Plant } from './plant.ts';
import { Signal, step } from './signal.ts';

const START = 1_795_000_000_000;

function run(plant: Plant, seconds: number, each?: (values: Float64Array) => void): void {
  for (let taken = 0; taken < seconds * SAMPLE_RATE; taken += 1) {
    const values = plant.sample();
    each?.(values);
  }
}

/** What the rules tell about such a plant in so many seconds: its readings are rolled up as the gateway does it. */
function alarmsOf(seed: number, seconds: number): AlarmReport[] {
  const reports: AlarmReport[] = [];
  let ids = 0;
  const rules = new AlarmRules(
    (report) => reports.push(report),
    () => `a${++ids}`,
  );
  const perWindow = (SAMPLE_RATE * WINDOW) / 1000;
  const sums = new Float64Array(SENSORS.length);
  let taken = 0;
  run(new Plant(seededRandom(seed), START), seconds, (values) => {
    for (const [sensor, value] of values.entries()) sums[sensor]! += value;
    taken += 1;
    if (taken % perWindow > 0) return;
    const start = START + (taken / perWindow - 1) * WINDOW;
    for (const { index, series: name, quantity } of SENSORS) {
      const { unit, decimals } = quantity;
      const mean = sums[index]! / perWindow;
      const figures = {
        min: mean,
        max: mean,
        mean,
        last: mean,
        count: perWindow,
        missing: 0,
        amended: false,
      };
      const series = { id: index, name, unit, mode: 'live', encoding: 'scaled', decimals } as const;
      rules.take({ channel: PLANT_CHANNEL, series, window: WINDOW, start, ...figures });
    }
    sums.fill(0);
  });
  return reports;
}

test('a plant reads five hundred sensors two hundred times a second', () => {
  const plant = new Plant(seededRandom(1), START);
  run(plant, 1, (values) => expect(values).toHaveLength(500));
  expect(plant.due).toBe(START + 1000);
});

test('over three minutes an alarm is raised every ten to twenty seconds, first within fifteen', () => {
  const reports = alarmsOf(2, 180);
  const raised = [...new Map(reports.map(({ id, raisedAt }) => [id, (raisedAt - START) / 1000])).values()];
  expect(raised[0]).toBeLessThan(15);
  const gaps = raised.slice(1).map((at, index) => at - raised[index]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  expect(mean).toBeGreaterThan(8);
  expect(mean).toBeLessThan(20);
  expect(Math.max(...gaps)).toBeLessThan(45);
});

test('every alarm ends, and says so once', () => {
  const settled = alarmsOf(3, 120).filter(({ raisedAt }) => raisedAt < START + 90_000);
  const open = new Set<string>();
  for (const { id, active } of settled) {
    if (active) open.add(id);
    else expect(open.delete(id)).toBe(true);
  }
  expect(open.size).toBe(0);
  expect(settled.length).toBeGreaterThan(8);
});

test('no sensor reads what cannot be: less than nothing, or a level over 100 %', () => {
  const level = QUANTITIES.find(({ unit }) => unit === '%')!;
  const read = (height: number): number[] => {
    const signal = new Signal(level, seededRandom(2));
    signal.disturb(step(height), 0);
    return Array.from({ length: 400 }, (_, index) => signal.read(index / 100, 1 / 100));
  };
  expect(Math.max(...read(9))).toBe(100);
  expect(Math.min(...read(-9))).toBe(0);
});

test('sensors stay near where they belong between alarms', () => {
  const plant = new Plant(seededRandom(4), START);
  let inside = 0;
  let all = 0;
  run(plant, 30, (values) => {
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
  plant.skipTo(START + 61_003);
  expect(plant.due).toBe(START + 61_000);
  plant.skipTo(START + 10_000);
  expect(plant.due).toBe(START + 61_000);
});
