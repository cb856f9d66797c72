import { expect, test } from 'vitest';
import { fitReason } from './reason.ts';

const bytes = (text: string): number => new TextEncoder().encode(text).length;

test('a reason that fits is left alone', () => {
  expect(fitReason('slow consumer', 123)).toBe('slow consumer');
  expect(fitReason('x'.repeat(123), 123)).toBe('x'.repeat(123));
  expect(fitReason('é'.repeat(61), 123)).toBe('é'.repeat(61));
  expect(fitReason('', 0)).toBe('');
});

test('a longer one ends at a whole character', () => {
  expect(fitReason('x'.repeat(124), 123)).toBe('x'.repeat(123));
  expect(fitReason('é'.repeat(80), 123)).toBe('é'.repeat(61));
  expect(fitReason('x😀', 4)).toBe('x');
  expect(fitReason('x😀', 5)).toBe('x😀');
  expect(bytes(fitReason('😀'.repeat(100), 123))).toBe(120);
});
