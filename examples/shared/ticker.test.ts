import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Ticker } from './ticker.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('a 30 Hz ticker makes 300 ticks in ten seconds although 33.3 ms is not a whole number', () => {
  const tick = vi.fn();
  const ticker = new Ticker(30, tick);
  ticker.start();
  vi.advanceTimersByTime(10_010);
  ticker.stop();
  expect(tick.mock.calls.length).toBe(300);
});

test('after a long sleep a ticker catches up three ticks and forgets the rest', () => {
  const tick = vi.fn();
  const ticker = new Ticker(100, tick);
  ticker.start();
  vi.setSystemTime(Date.now() + 60_000);
  const now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => now + 60_000);
  vi.advanceTimersByTime(10);
  ticker.stop();
  expect(tick).toHaveBeenCalledTimes(3);
});

test('a ticker that is stopped inside its own tick stays stopped', () => {
  const ticker = new Ticker(30, () => ticker.stop());
  ticker.start();
  vi.advanceTimersByTime(100);
  expect(ticker.running).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});
