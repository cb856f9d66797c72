import { expect, test } from 'vitest';
import { Ledger } from './ledger.ts';

function ledger(...numbers: readonly number[]): Ledger {
  const book = new Ledger();
  for (const number of numbers) book.take(number);
  return book;
}

test('every number once and in order balances', () => {
  expect(ledger(1, 2, 3).balance(3)).toEqual({ came: 3, lost: 0, duplicated: 0, disordered: 0 });
});

test('a number that never came is lost, within and at the end', () => {
  expect(ledger(1, 3).balance(4)).toEqual({ came: 2, lost: 2, duplicated: 0, disordered: 0 });
});

test('a number that comes again is a duplicate', () => {
  expect(ledger(1, 2, 2, 1).balance(2)).toEqual({ came: 2, lost: 0, duplicated: 2, disordered: 0 });
});

test('a number behind a higher one is out of order, and a duplicate when it comes once more', () => {
  expect(ledger(2, 1, 3, 1).balance(3)).toEqual({ came: 3, lost: 0, duplicated: 1, disordered: 1 });
});
