import { expect, test } from 'vitest';
import { formatBytesPerSecond, formatCount, formatMs, Rates } from './figures.ts';

test('figures read the same width for width', () => {
  expect([undefined, 0.42, 9.96, 41.7].map(formatMs)).toEqual(['–', '0.4 ms', '10.0 ms', '42 ms']);
  expect([0, 950, 12_345, 3_400_000].map(formatBytesPerSecond)).toEqual([
    '0 B/s',
    '950 B/s',
    '12.3 kB/s',
    '3.4 MB/s',
  ]);
  expect([7, 1234, 1_234_567].map(formatCount)).toEqual(['7', '1\u202f234', '1\u202f234\u202f567']);
});

test('rates look back a few seconds and start afresh with a new session', () => {
  const rates = new Rates();
  const at = (seconds: number, messages: number) =>
    rates.take(
      { messagesIn: messages, messagesOut: messages * 2, bytesIn: messages * 100, bytesOut: 0 },
      seconds * 1000,
    );
  expect(at(0, 0).messagesIn).toBe(0);
  expect(at(1, 30)).toEqual({ messagesIn: 30, messagesOut: 60, bytesIn: 3000, bytesOut: 0 });
  for (let second = 2; second <= 20; second += 1) at(second, second * 30);
  expect(at(21, 21 * 30 + 270).messagesIn).toBeCloseTo(120, 0);
  expect(at(22, 0).messagesIn).toBe(0);
  expect(at(23, 10).messagesIn).toBe(10);
});
