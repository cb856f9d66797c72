import { expect, test } from 'vitest';
import { type Alarm, type AlarmRule, Alarms } from './alarms.ts';
import type { SeriesRollup } from './rollups.ts';

const series = { id: 3, name: 'temp', unit: 'degC', mode: 'live', encoding: 'float64', decimals: 0 } as const;

/** A window of one value, or of a least and a most. */
function rollup(start: number, min: number, max = min, change: Partial<SeriesRollup> = {}): SeriesRollup {
  const figures = { count: 5, min, max, mean: (min + max) / 2, last: max, missing: 0, amended: false };
  return { channel: 'plant/7', series, window: 100, start, ...figures, ...change };
}

function setup(rule: Partial<AlarmRule>) {
  const heard: Alarm[] = [];
  const alarms = new Alarms({ window: 100, ...rule }, (alarm) => heard.push(alarm));
  return {
    alarms,
    heard,
    take: (values: number[]) => values.forEach((v, i) => void alarms.take(rollup(i * 100, v))),
  };
}

test('an alarm is raised past its threshold and cleared when the figure has come back far enough', () => {
  const { alarms, heard, take } = setup({ above: 80, hysteresis: 5 });
  take([70, 81, 90, 78, 76, 75, 70]);
  expect(heard).toEqual([
    { channel: 'plant/7', series, side: 'high', active: true, at: 100, value: 81, peak: 81 },
    { channel: 'plant/7', series, side: 'high', active: false, at: 500, value: 75, peak: 90 },
  ]);
  expect(alarms.active).toBe(0);
});

test('a rule has two sides, each with the figure that shows it', () => {
  const { alarms, heard } = setup({ above: 80, below: 10 });
  alarms.take(rollup(0, 5, 85));
  expect(heard.map(({ side, value }) => [side, value])).toEqual([
    ['high', 85],
    ['low', 5],
  ]);
  expect(alarms.active).toBe(2);
});

test('it may take several windows in a row', () => {
  const { heard, take } = setup({ above: 80, windows: 3 });
  take([81, 82, 70, 81, 82, 83, 70, 70, 84, 70, 70, 70]);
  expect(heard.map(({ active, at }) => [active, at])).toEqual([
    [true, 500],
    [false, 1_100],
  ]);
});

test('late readings may raise an alarm, and clear none that later ones have raised', () => {
  const { alarms, heard } = setup({ above: 80 });
  alarms.take(rollup(300, 70));
  alarms.take(rollup(200, 90, 90, { amended: true }));
  expect(heard).toMatchObject([{ active: true, at: 200, value: 90 }]);
  alarms.take(rollup(400, 85));
  alarms.take(rollup(100, 60, 60, { amended: true }));
  expect(heard).toHaveLength(1);
  alarms.take(rollup(500, 60));
  expect(heard[1]).toMatchObject({ active: false, at: 500, peak: 90 });
});

test('a window that is told again is not another one in a row', () => {
  const { alarms, heard } = setup({ above: 80, windows: 2 });
  alarms.take(rollup(0, 90));
  alarms.take(rollup(0, 91, 91, { amended: true }));
  expect(heard).toEqual([]);
  alarms.take(rollup(100, 90));
  expect(heard).toHaveLength(1);
});

test('other windows, other series and windows without readings are none of its business', () => {
  const { alarms, heard } = setup({ above: 80, series: 'temp', figure: 'mean' });
  alarms.take(rollup(0, 90, 90, { window: 1_000 }));
  alarms.take(rollup(0, 90, 90, { count: 0 }));
  alarms.take(rollup(0, 90, 90, { series: { ...series, id: 4, name: 'level' } }));
  alarms.take(rollup(0, 60, 95));
  expect(heard).toEqual([]);
  alarms.take(rollup(100, 75, 95));
  expect(heard).toMatchObject([{ value: 85 }]);
});

test('each series has its own alarm', () => {
  const { alarms, heard } = setup({ above: 80, series: ({ unit }) => unit === 'degC' });
  alarms.take(rollup(0, 90));
  alarms.take(rollup(0, 90, 90, { series: { ...series, id: 4, name: 'other' } }));
  alarms.take(rollup(0, 90, 90, { series: { ...series, id: 5, name: 'level', unit: 'm' } }));
  alarms.take(rollup(0, 90, 90, { channel: 'plant/8' }));
  expect(heard.map((alarm) => [alarm.channel, alarm.series.name])).toEqual([
    ['plant/7', 'temp'],
    ['plant/7', 'other'],
    ['plant/8', 'temp'],
  ]);
});

test('a rule that is none is refused', () => {
  for (const rule of [{}, { above: Number.NaN }, { above: 1, hysteresis: -1 }, { above: 1, windows: 0 }])
    expect(() => setup(rule), JSON.stringify(rule)).toThrow(RangeError);
});
