import { expect, test } from 'vitest';
import { AlarmBook } from './alarm-book.ts';
import type { AlarmReport } from './alarm-rules.ts';

function report(id: string, change: Partial<AlarmReport> = {}): AlarmReport {
  return { id, sensor: 3, level: 'warning', side: 'high', active: true, peak: 81, raisedAt: 1000, ...change };
}

test('an acknowledgement survives what is reported later', () => {
  const book = new AlarmBook();
  book.take(report('a'));
  book.acknowledge('a', 'ada');
  expect(book.take(report('a', { level: 'critical' }))).toMatchObject({
    level: 'critical',
    acknowledgedBy: 'ada',
  });
});

test('each change to an alarm raises its revision', () => {
  const book = new AlarmBook();
  const revisions = [
    book.take(report('a')),
    book.acknowledge('a', 'ada'),
    book.take(report('a', { active: false })),
  ].map((alarm) => alarm?.revision);
  expect(revisions).toEqual([1, 2, 3]);
});

test('whoever acknowledges first is remembered', () => {
  const book = new AlarmBook();
  book.take(report('a'));
  book.acknowledge('a', 'ada');
  expect(book.acknowledge('a', 'bob')?.acknowledgedBy).toBe('ada');
  expect(book.acknowledge('b', 'bob')).toBeUndefined();
});

test('the book holds a hundred alarms and keeps those that are still active', () => {
  const book = new AlarmBook();
  book.take(report('first'));
  for (let index = 0; index < 300; index += 1) book.take(report(`a${index}`, { active: false }));
  expect(book.list()).toHaveLength(100);
  expect(book.list()[0]?.id).toBe('first');
  for (let index = 0; index < 300; index += 1) book.take(report(`b${index}`));
  expect(book.list()).toHaveLength(100);
});
