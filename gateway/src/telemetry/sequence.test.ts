import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Hole, Sequence } from './sequence.ts';

/** Remembers the holes that are open. */
class Holes {
  readonly open = new Set<Hole>();

  opened(hole: Hole): void {
    this.open.add(hole);
  }

  closed(hole: Hole): void {
    expect(this.open.delete(hole)).toBe(true);
  }

  get missing(): number {
    return [...this.open].reduce((sum, { from, to }) => sum + to - from, 0);
  }
}

function setup() {
  const holes = new Holes();
  return { holes, sequence: new Sequence(holes) };
}

/** Times of readings that come every 10 ms. */
function times(seq: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, index) => (seq + index) * 10);
}

function take(sequence: Sequence, seq: number, count: number) {
  return sequence.take(seq, count, times(seq, count), Number.MAX_VALUE);
}

test('what follows on is all new', () => {
  const { holes, sequence } = setup();
  expect(take(sequence, 5, 3)).toBeUndefined();
  expect(take(sequence, 8, 2)).toBeUndefined();
  expect(sequence).toMatchObject({ next: 10, received: 5, missing: 0, duplicates: 0 });
  expect(holes.open.size).toBe(0);
});

test('a gap is a hole between the readings around it', () => {
  const { holes, sequence } = setup();
  take(sequence, 0, 2);
  take(sequence, 6, 1);
  expect([...holes.open]).toEqual([{ from: 2, to: 6, after: 10, before: 60 }]);
  expect(sequence.missing).toBe(4);
});

test('what comes late closes its part of the hole', () => {
  const { holes, sequence } = setup();
  take(sequence, 0, 2);
  take(sequence, 6, 1);
  expect(take(sequence, 3, 2)).toEqual([{ from: 0, to: 2 }]);
  expect([...holes.open]).toEqual([
    { from: 2, to: 3, after: 10, before: 30 },
    { from: 5, to: 6, after: 40, before: 60 },
  ]);
  expect(sequence).toMatchObject({ missing: 2, received: 5, duplicates: 0 });
});

test('what was sent before the first that came is new', () => {
  const { holes, sequence } = setup();
  take(sequence, 20, 5);
  expect(take(sequence, 10, 5)).toEqual([{ from: 0, to: 5 }]);
  expect([...holes.open]).toEqual([{ from: 15, to: 20, after: 140, before: 200 }]);
  expect(take(sequence, 13, 10)).toEqual([{ from: 2, to: 7 }]);
  expect(take(sequence, 0, 12)).toEqual([{ from: 0, to: 10 }]);
  expect(sequence).toMatchObject({ received: 25, missing: 0, duplicates: 7 });
});

test('no hole reaches past the ceiling of times', () => {
  const { holes, sequence } = setup();
  const far = Float64Array.of(1e12);
  sequence.take(20, 1, far, 500);
  sequence.take(10, 1, far, 600);
  sequence.take(30, 1, far, 700);
  for (const { after, before } of holes.open) {
    expect(after).toBeLessThanOrEqual(700);
    expect(before).toBeLessThanOrEqual(700);
  }
  expect(holes.missing).toBe(18);
});

test('what has come is not taken again', () => {
  const { sequence } = setup();
  take(sequence, 0, 4);
  expect(take(sequence, 1, 2)).toEqual([]);
  expect(take(sequence, 2, 4)).toEqual([{ from: 2, to: 4 }]);
  expect(sequence).toMatchObject({ received: 6, duplicates: 4, missing: 0 });
});

test('what the producer says never comes stays missing', () => {
  const { holes, sequence } = setup();
  take(sequence, 0, 2);
  take(sequence, 8, 1);
  expect(sequence.skip(4, 2, 100)).toBe(2);
  expect(sequence.missing).toBe(6);
  expect(take(sequence, 2, 6)).toEqual([
    { from: 0, to: 2 },
    { from: 4, to: 6 },
  ]);
  expect(sequence).toMatchObject({ missing: 2, received: 7, duplicates: 2 });
  expect(holes.missing).toBe(2);
});

test('a word of where the series is shows that the last readings are missing', () => {
  const { sequence } = setup();
  take(sequence, 0, 2);
  expect(sequence.skip(5, 0, 100)).toBe(0);
  expect(sequence).toMatchObject({ next: 5, missing: 3 });
  take(sequence, 2, 3);
  expect(sequence).toMatchObject({ next: 5, missing: 0, received: 5 });
});

test('a skip may come before anything else', () => {
  const { sequence } = setup();
  expect(sequence.skip(0, 10, 100)).toBe(10);
  expect(take(sequence, 10, 1)).toBeUndefined();
  expect(sequence).toMatchObject({ missing: 10, received: 1 });
});

test('of more holes than are remembered the oldest stay missing', () => {
  const { sequence } = setup();
  for (let seq = 0; seq < 1_000; seq += 2) take(sequence, seq, 1);
  expect(sequence.missing).toBe(499);
  expect(take(sequence, 1, 1)).toEqual([]);
  expect(sequence).toMatchObject({ missing: 499, forgotten: 1, duplicates: 0 });
  expect(take(sequence, 997, 1)).toEqual([{ from: 0, to: 1 }]);
  expect(sequence.missing).toBe(498);
});

test('whatever comes in whatever order, each reading counts once and the rest is missing', () => {
  const pieces = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 12 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(pieces, (columns) => {
      const { holes, sequence } = setup();
      const seen = new Set<number>();
      for (const [seq, count] of columns) {
        const spans = take(sequence, seq, count) ?? [{ from: 0, to: count }];
        const fresh = spans.flatMap(({ from, to }) =>
          Array.from({ length: to - from }, (_, i) => seq + from + i),
        );
        for (const one of fresh) {
          expect(seen.has(one)).toBe(false);
          seen.add(one);
        }
        for (let one = seq; one < seq + count; one++) expect(seen.has(one)).toBe(true);
      }
      expect(sequence.received).toBe(seen.size);
      expect(sequence.missing).toBe(sequence.next! - Math.min(...seen) - seen.size);
      expect(holes.missing).toBe(sequence.missing);
      expect(sequence.duplicates).toBe(columns.reduce((sum, [, count]) => sum + count, 0) - seen.size);
    }),
  );
});
