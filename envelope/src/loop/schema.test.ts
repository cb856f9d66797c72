import { describe, expect, test } from 'vitest';
import { angle, boolean, defineState, integer, oneOf, quantized, type StateField, text } from './index.ts';

const tally = { clamped: 0 };
const code = (name: string) => expect.objectContaining({ name: 'StateError', code: name });

function round<Value>(field: StateField<Value>, value: unknown): Value {
  return field.value(field.level(value, tally));
}

describe('a field', () => {
  test('of a quantised number is at most half a step off', () => {
    const x = quantized({ min: -10, max: 10, step: 0.25 });
    for (let value = -10; value <= 10; value += 0.013) {
      expect(Math.abs(round(x, value) - value)).toBeLessThanOrEqual(0.125);
    }
    expect([x.bits, x.top]).toEqual([7, 80]);
  });

  test('of a number clamps what lies outside, and counts it', () => {
    const count = { clamped: 0 };
    const x = quantized({ min: 0, max: 10, step: 1 });
    expect([-3, 0, 10, 11, Number.POSITIVE_INFINITY].map((value) => x.level(value, count))).toEqual([
      0, 0, 10, 10, 10,
    ]);
    expect(count.clamped).toBe(3);
  });

  test('of an angle comes back within a turn, whichever turn it was', () => {
    const heading = angle(12);
    for (const value of [0, 3, -3, Math.PI, 7, -100]) {
      const back = round(heading, value);
      expect(back).toBeGreaterThanOrEqual(-Math.PI);
      expect(back).toBeLessThan(Math.PI);
      expect(Math.cos(back - value)).toBeGreaterThan(0.999_99);
    }
  });

  test('of a word, a truth and a whole number comes back as it was', () => {
    expect(round(oneOf('idle', 'run'), 'run')).toBe('run');
    expect(round(boolean(), true)).toBe(true);
    expect(round(integer({ min: -5, max: 5 }), -4)).toBe(-4);
  });

  test.each<[string, StateField<unknown>, unknown]>([
    ['NaN', quantized({ min: 0, max: 1, step: 0.1 }), Number.NaN],
    ['a number as text', integer({ min: 0, max: 1 }), '1'],
    ['an endless angle', angle(), Number.POSITIVE_INFINITY],
    ['1 for true', boolean(), 1],
    ['an unknown word', oneOf('a', 'b'), 'c'],
    ['a text that is too long in bytes', text(3), 'ñña'],
    ['half a surrogate pair', text(9), '\ud800'],
  ])('refuses %s', (_, field, value) => {
    expect(() => field.level(value, tally)).toThrow(code('bad-value'));
  });
});

describe('a schema', () => {
  test.each<[string, () => unknown]>([
    ['no kinds', () => defineState({})],
    ['a kind without fields', () => defineState({ a: {} })],
    ['a field called kind', () => defineState({ a: { kind: boolean() } })],
    [
      '32 fields',
      () =>
        defineState({ a: Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`f${at}`, boolean()])) }),
    ],
    ['a range the wrong way round', () => quantized({ min: 1, max: 0, step: 1 })],
    ['a step of nothing', () => quantized({ min: 0, max: 1, step: 0 })],
    ['more than 2^31 steps', () => quantized({ min: 0, max: 2 ** 31, step: 1 })],
    ['half numbers as limits', () => integer({ min: 0.5, max: 2 })],
    ['an angle of 17 bits', () => angle(17)],
    ['the same word twice', () => oneOf('a', 'a')],
    ['a text of 256 bytes', () => text(256)],
  ])('cannot have %s', (_, make) => {
    expect(make).toThrow(code('bad-schema'));
  });

  test('is told from another by its fingerprint: kinds, fields, ranges and their order', () => {
    const fingerprint = (kinds: Parameters<typeof defineState>[0]) => defineState(kinds).fingerprint;
    const [x, y] = [integer({ min: 0, max: 9 }), boolean()];
    const all = [
      fingerprint({ a: { x, y } }),
      fingerprint({ a: { y, x } }),
      fingerprint({ b: { x, y } }),
      fingerprint({ a: { x: integer({ min: 0, max: 8 }), y } }),
      fingerprint({ a: { x, y }, b: { x } }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(fingerprint({ a: { x, y } })).toBe(all[0]);
  });

  test('does not know a kind that it does not have', () => {
    expect(() => defineState({ a: { x: boolean() } }).plan('b')).toThrow(code('unknown-kind'));
  });
});
