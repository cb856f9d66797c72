import { expect, test } from 'vitest';
import { RandomIds } from './random-ids.ts';

test('ids have the size that was asked for, and never come twice, over many pools', () => {
  const ids = new RandomIds();
  const seen = new Set<string>();
  for (let n = 0; n < 2_000; n++) {
    const token = ids.next(32);
    const id = ids.next(12);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(Buffer.from(id, 'base64url')).toHaveLength(12);
    seen.add(token).add(id);
  }
  expect(seen.size).toBe(4_000);
});

test('no id holds bytes of the one before it, nor zeros of a place that was used', () => {
  const ids = new RandomIds();
  const all = Array.from({ length: 512 }, () => ids.next(32));
  const quarters = all.flatMap((id) => {
    const bytes = Buffer.from(id, 'base64url');
    return [0, 8, 16, 24].map((at) => bytes.toString('hex', at, at + 8));
  });
  expect(new Set(quarters).size).toBe(quarters.length);
});

test('two gateways draw from pools of their own', () => {
  expect(new RandomIds().next(32)).not.toBe(new RandomIds().next(32));
});
