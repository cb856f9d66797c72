import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { type Rollup, RollupReader, RollupWriter } from './rollup.ts';

const START = 1_795_000_000_000;

function rollupOf(values: readonly number[], missing = 0): Rollup {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return {
    count: values.length,
    missing,
    min,
    max,
    mean: Math.min(max, Math.max(min, mean)),
    last: values.at(-1)!,
  };
}

test('least, most and last are exact at the decimals of the series, the mean to a part of the range', () => {
  const digits = fc.integer({ min: 0, max: 9 });
  const tenths = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(digits, tenths, fc.nat(1000), (decimals, integers, missing) => {
      const rollup = rollupOf(
        integers.map((value) => value / 10 ** decimals),
        missing,
      );
      const writer = new RollupWriter(128);
      writer.begin(1, 100, START);
      expect(writer.add(9, decimals, rollup)).toBe(true);
      const reader = new RollupReader();
      reader.open(writer.done());
      expect(reader.next()).toBe(true);
      const { count, min, max, last } = rollup;
      expect(reader).toMatchObject({ series: 9, count, missing });
      expect([reader.min, reader.max, reader.last]).toEqual([min + 0, max + 0, last + 0]);
      expect(Math.abs(reader.mean - rollup.mean)).toBeLessThanOrEqual((max - min) / 65_535);
    }),
  );
});

test('without decimals, or past what they can carry, all four are doubles', () => {
  const rollup = rollupOf([1e300, -1 / 3, Math.PI]);
  const writer = new RollupWriter(256);
  writer.begin(1, 100, START);
  writer.add(1, undefined, rollup);
  writer.add(2, 3, rollup);
  const reader = new RollupReader();
  reader.open(writer.done());
  for (const series of [1, 2]) {
    expect(reader.next()).toBe(true);
    expect(reader).toMatchObject({ ...rollup, series });
  }
});

test('what has no room is left out, and what is in stays', () => {
  const writer = new RollupWriter(1000);
  writer.begin(1, 1000, START);
  let added = 0;
  while (writer.add(added, 1, rollupOf([20.1, 20.4, 19.9]))) added += 1;
  const bytes = writer.done();
  expect(bytes.length).toBeLessThanOrEqual(1000);
  expect(added).toBeGreaterThan(90);
  const reader = new RollupReader();
  reader.open(bytes);
  let read = 0;
  while (reader.next()) {
    expect(reader.series).toBe(read);
    read += 1;
  }
  expect(read).toBe(added);
});

test('a packet cut short, or of random bytes, is an error and nothing else', () => {
  const reader = new RollupReader();
  const read = (bytes: Uint8Array): void => {
    reader.open(bytes);
    while (reader.next())
      expect(reader.count === 0 || (reader.min <= reader.last && reader.last <= reader.max)).toBe(true);
  };
  const writer = new RollupWriter(128);
  writer.begin(1, 100, START);
  const first = writer.size;
  writer.add(1, 1, rollupOf([1, 2.5], 3));
  const bytes = writer.done();
  for (let length = 0; length < bytes.length; length++) {
    if (length === first) continue;
    expect(() => read(bytes.subarray(0, length))).toThrow(ProtocolError);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (random, headed) => {
      try {
        read(headed ? Uint8Array.from([...bytes.subarray(0, first), ...random]) : random);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 5000 },
  );
});
