import { expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

test('a timer fires once, unless it is undone', () => {
  vi.useFakeTimers();
  const fired: string[] = [];
  systemClock.after(10, () => fired.push('kept'));
  systemClock.after(10, () => fired.push('undone'))();
  vi.advanceTimersByTime(100);
  expect(fired).toEqual(['kept']);
  vi.useRealTimers();
});

test.each([Number.POSITIVE_INFINITY, 2 ** 40])(
  'a wait of %s ms is as good as for ever, and no timer',
  (ms) => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const undo = systemClock.after(ms, () => {});
    expect(timers).not.toHaveBeenCalled();
    undo();
    timers.mockRestore();
  },
);
