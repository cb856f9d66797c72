import { expect, test } from 'vitest';
import { type Flight, fly, inside, REST } from './flight.ts';
import { RULES, TICK_RATE } from './rules.ts';

const middle: Flight = { x: 800, y: 500, vx: 0, vy: 0 };

test('a step leaves the flight that it began with as it was, and is the same each time', () => {
  const before = Object.freeze({ ...middle, vx: 10 });
  const after = fly(before, { dx: 1, dy: 0 }, 1 / TICK_RATE);
  expect(after).toEqual(fly(before, { dx: 1, dy: 0 }, 1 / TICK_RATE));
  expect(after.x).toBeGreaterThan(before.x);
});

test('without a stick a craft coasts to a stop', () => {
  let flight: Flight = { ...middle, vx: 300 };
  for (let tick = 0; tick < 5 * TICK_RATE; tick += 1) flight = fly(flight, REST, 1 / TICK_RATE);
  expect(Math.hypot(flight.vx, flight.vy)).toBeLessThan(0.01);
});

test('a wall keeps a craft inside and throws it back slower', () => {
  const bounced = inside({ x: RULES.width + 5, y: 500, vx: 200, vy: 30 });
  expect(bounced).toEqual({ x: RULES.width - RULES.craftRadius, y: 500, vx: -80, vy: 30 });
});

test('a forged direction gives no more thrust than a full stick', () => {
  const honest = fly(middle, { dx: Math.SQRT1_2, dy: Math.SQRT1_2 }, 1 / TICK_RATE);
  expect(fly(middle, { dx: 1, dy: 1 }, 1 / TICK_RATE).vx).toBeCloseTo(honest.vx);
});
