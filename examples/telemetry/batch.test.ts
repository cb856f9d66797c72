import { expect, test } from 'vitest';
import { decodeBatch, encodeBatch } from './batch.ts';
import { BATCH_RATE, QUANTITIES, SAMPLE_RATE } from './catalogue.ts';

const SENSORS = QUANTITIES.length;
const batch = {
  start: 1_795_000_000_123,
  period: 10,
  samples: 4,
  values: Float32Array.from({ length: 4 * SENSORS }, (_, index) => index * 1.5 - 7),
};

test('a batch comes back as it was packed, also from a view into a larger buffer', () => {
  const bytes = new Uint8Array([1, 2, 3, ...encodeBatch(batch)]);
  expect(decodeBatch(bytes.subarray(3), SENSORS)).toEqual(batch);
});

test('a batch of three times the usual length still fits a datagram', () => {
  const samples = (3 * SAMPLE_RATE) / BATCH_RATE;
  const values = new Float32Array(samples * SENSORS);
  expect(encodeBatch({ ...batch, samples, values }).length).toBeLessThan(1000);
});

test('what is cut short, too long or without samples is no batch', () => {
  const bytes = encodeBatch(batch);
  for (let length = 0; length < bytes.length; length += 1)
    expect(decodeBatch(bytes.subarray(0, length), SENSORS)).toBeUndefined();
  expect(decodeBatch(new Uint8Array([...bytes, 0]), SENSORS)).toBeUndefined();
  expect(
    decodeBatch(encodeBatch({ ...batch, samples: 0, values: new Float32Array() }), SENSORS),
  ).toBeUndefined();
  expect(decodeBatch(encodeBatch({ ...batch, start: Number.NaN }), SENSORS)).toBeUndefined();
});
