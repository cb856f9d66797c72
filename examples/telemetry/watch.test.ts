import { expect, test } from 'vitest';
import { SENSORS } from './catalogue.ts';
import { type AlarmReport, Watch } from './watch.ts';

const sensor = SENSORS[0]!;
const { usual, high } = sensor.quantity;
const beyond = high + (high - usual) * 0.1;
const farBeyond = high + (high - usual) * 0.9;

function feed(watch: Watch, value: number, samples: number): AlarmReport[] {
  const reports: AlarmReport[] = [];
  for (let taken = 0; taken < samples; taken += 1) {
    const report = watch.read(value, taken * 10);
    if (report) reports.push(report);
  }
  return reports;
}

function newWatch(): Watch {
  let alarms = 0;
  return new Watch(sensor, () => {
    alarms += 1;
    return `a${alarms}`;
  });
}

test('four readings past the limit are a stray, five are a warning, reported once', () => {
  const watch = newWatch();
  expect(feed(watch, beyond, 4)).toEqual([]);
  expect(feed(watch, usual, 1)).toEqual([]);
  expect(feed(watch, beyond, 200)).toMatchObject([
    { id: 'a1', level: 'warning', side: 'high', active: true, sensor: 0 },
  ]);
});

test('a warning that gets worse is reported again as critical, under the same id', () => {
  const watch = newWatch();
  feed(watch, beyond, 5);
  expect(feed(watch, farBeyond, 50)).toMatchObject([{ id: 'a1', level: 'critical', peak: farBeyond }]);
});

test('an alarm ends after a second well inside the limit, with its peak; just inside is not enough', () => {
  const watch = newWatch();
  feed(watch, beyond, 5);
  expect(feed(watch, high - (high - usual) * 0.05, 500)).toEqual([]);
  expect(feed(watch, usual, 99)).toEqual([]);
  expect(feed(watch, usual, 1)).toMatchObject([{ id: 'a1', active: false, peak: beyond, clearedAt: 0 }]);
});

test('the next alarm of the same sensor has an id of its own', () => {
  const watch = newWatch();
  feed(watch, beyond, 5);
  feed(watch, usual, 100);
  expect(feed(watch, beyond, 5)).toMatchObject([{ id: 'a2' }]);
});
