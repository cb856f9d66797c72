import { expect, test } from 'vitest';
import { Ages } from './ages.ts';

test('the age grows between arrivals: a steady stream is between one way and one way plus one interval old', () => {
  const ages = new Ages();
  for (let born = 0; born < 10_000; born += 10) ages.arrive(born, born + 25);
  const { p50, p99, max, arrived, stale } = ages.finish(10_025);
  expect(p50).toBeCloseTo(30, 1);
  expect(p99).toBeCloseTo(34.9, 1);
  expect(max).toBe(35);
  expect([arrived, stale]).toEqual([1000, 0]);
});

test('a pause counts for as long as it lasts, its end included', () => {
  const ages = new Ages();
  ages.arrive(0, 10);
  ages.arrive(90, 100);
  expect(ages.finish(400)).toMatchObject({ max: 310, p99: expect.closeTo(306.1, 1) });
});

test('a state that comes after a newer one changes nothing', () => {
  const ages = new Ages();
  ages.arrive(20, 30);
  ages.arrive(10, 35);
  expect(ages.finish(40)).toMatchObject({ max: 20, arrived: 2, stale: 1 });
});

test('without a state there is no age', () => {
  expect(() => new Ages().finish(1)).toThrow('no state has arrived');
});
