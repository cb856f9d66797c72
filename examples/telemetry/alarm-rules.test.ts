import type { SeriesRollup } from '@spillway/gateway/telemetry';
import { expect, test } from 'vitest';
import { type AlarmReport, AlarmRules } from './alarm-rules.ts';
import { SENSORS, WINDOW } from './catalogue.ts';

const sensor = SENSORS[0]!;
const { usual, low, high } = sensor.quantity;
const beyond = high + (high - usual) * 0.1;
const farBeyond = high + (high - usual) * 0.9;

function newRules() {
  const reports: AlarmReport[] = [];
  let alarms = 0;
  let windows = 0;
  const rules = new AlarmRules(
    (report) => reports.push(report),
    () => `a${++alarms}`,
  );
  const feed = (value: number, count: number, change: Partial<SeriesRollup> = {}): void => {
    for (let fed = 0; fed < count; fed += 1) {
      const figures = {
        min: value,
        max: value,
        mean: value,
        last: value,
        count: 20,
        missing: 0,
        amended: false,
      };
      const { series: name } = sensor;
      const series = { id: 1, name, unit: '', mode: 'live', encoding: 'scaled', decimals: 1 } as const;
      rules.take({
        channel: 'plant/main',
        series,
        window: WINDOW,
        start: windows * WINDOW,
        ...figures,
        ...change,
      });
      windows += 1;
    }
  };
  return { reports, feed };
}

test('four windows past the limit are a stray, five are a warning, told once', () => {
  const { reports, feed } = newRules();
  feed(beyond, 4);
  feed(usual, 1);
  expect(reports).toEqual([]);
  feed(beyond, 100);
  expect(reports).toMatchObject([{ id: 'a1', sensor: 0, level: 'warning', side: 'high', active: true }]);
});

test('a warning that gets worse is told again as critical, under the same id', () => {
  const { reports, feed } = newRules();
  feed(beyond, 5);
  feed(farBeyond, 50);
  expect(reports.slice(1)).toMatchObject([{ id: 'a1', level: 'critical', active: true, peak: farBeyond }]);
});

test('an alarm ends half a second after it is well inside the limit, with its peak; just inside is not enough', () => {
  const { reports, feed } = newRules();
  feed(beyond, 5);
  feed(high - (high - usual) * 0.05, 50);
  feed(usual, 4);
  expect(reports).toHaveLength(1);
  feed(usual, 1);
  expect(reports.at(-1)).toMatchObject({ id: 'a1', active: false, peak: beyond, clearedAt: 60 * WINDOW });
});

test('each alarm has an id of its own, and either side is watched', () => {
  const { reports, feed } = newRules();
  feed(beyond, 5);
  feed(usual, 5);
  feed(low - 1, 5);
  expect(reports.at(-1)).toMatchObject({ id: 'a2', side: 'low', level: 'warning' });
});

test('windows without readings, of another length or of no sensor here change nothing', () => {
  const { reports, feed } = newRules();
  feed(beyond, 50, { count: 0 });
  feed(beyond, 50, { window: 1000 });
  feed(beyond, 50, { series: { id: 2, name: 'x', unit: '', mode: 'live', encoding: 'scaled', decimals: 0 } });
  expect(reports).toEqual([]);
});
