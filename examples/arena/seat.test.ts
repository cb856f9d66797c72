import { expect, test } from 'vitest';
import { INPUT_RATE } from './rules.ts';
import { Seat } from './seat.ts';
import { World } from './world.ts';

function newSeat(): Seat {
  return new Seat(new World(Math.random).join()!, 'Ada', 0);
}

test('a minute of honest input at 60 Hz is taken whole', () => {
  const seat = newSeat();
  let taken = 0;
  for (let sent = 0; sent < 60 * INPUT_RATE; sent += 1) {
    if (seat.take({ counter: sent & 0xffff, dx: 0, dy: 0 }, (sent * 1000) / INPUT_RATE)) taken += 1;
  }
  expect(taken).toBe(60 * INPUT_RATE);
});

test('an input that a newer one overtook is dropped', () => {
  const seat = newSeat();
  expect(seat.take({ counter: 10, dx: 0, dy: 0 }, 0)).toBe(true);
  expect(seat.take({ counter: 12, dx: 0, dy: 0 }, 1)).toBe(true);
  expect(seat.take({ counter: 11, dx: 1, dy: 0 }, 2)).toBe(false);
});

test('a flood of inputs is cut to twice the honest rate', () => {
  const seat = newSeat();
  let taken = 0;
  for (let sent = 0; sent < 10_000; sent += 1) {
    if (seat.take({ counter: sent & 0xffff, dx: 0, dy: 0 }, sent / 10)) taken += 1;
  }
  expect(taken).toBeLessThanOrEqual(INPUT_RATE * 2 + INPUT_RATE / 2 + 1);
  expect(taken).toBeGreaterThan(INPUT_RATE * 2 - 1);
});
