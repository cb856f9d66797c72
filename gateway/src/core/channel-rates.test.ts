import { expect, test } from 'vitest';
import { ChannelRates } from './channel-rates.ts';

/** How many of 100 are within the rate. */
function taken(rates: ChannelRates, channel: string, now: number, perSecond = 5): number {
  let count = 0;
  for (let n = 0; n < 100; n++) if (rates.take(channel, perSecond, now)) count++;
  return count;
}

test('twice the rate at once, then the rate, on each channel apart', () => {
  const rates = new ChannelRates();
  expect([taken(rates, 'a', 0), taken(rates, 'b', 0), taken(rates, 'a', 1_000)]).toEqual([10, 10, 5]);
});

test('a channel on which nothing is owed is forgotten, some at a time', () => {
  const rates = new ChannelRates();
  for (let n = 0; n < 600; n++) rates.take(`channel-${n}`, 5, 0);
  rates.sweep(0);
  expect(rates.size).toBe(600);
  for (let n = 0; n < 6; n++) rates.sweep(1_000);
  expect(rates.size).toBe(0);
  expect(taken(rates, 'channel-0', 1_000)).toBe(10);
});
