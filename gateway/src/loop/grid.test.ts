import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Grid } from './grid.ts';

function found(ask: (visit: (id: number) => void) => void): number[] {
  const ids: number[] = [];
  ask((id) => ids.push(id));
  return ids.sort((one, two) => one - two);
}

// Quarters, so that edges are met exactly.
const place = fc.integer({ min: -2000, max: 2000 }).map((quarters) => quarters / 4);
const change = fc.record({ id: fc.nat(60), x: place, y: place, remove: fc.boolean() });

test('a grid finds exactly what a look at every entity finds, each once', () => {
  const asked = fc.record({ x: place, y: place, width: fc.nat(400), height: fc.nat(400) });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 200 }),
      asked,
      fc.double({ min: 1, max: 300, noNaN: true }),
      (changes, { x, y, width, height }, cellSize) => {
        const grid = new Grid({ cellSize });
        const places = new Map<number, [number, number]>();
        for (const { id, remove, ...at } of changes) {
          if (remove) expect(grid.remove(id)).toBe(places.delete(id));
          else {
            grid.set(id, at.x, at.y);
            places.set(id, [at.x, at.y]);
          }
        }
        const scan = (inside: (px: number, py: number) => boolean) =>
          [...places]
            .filter(([, [px, py]]) => inside(px, py))
            .map(([id]) => id)
            .sort((one, two) => one - two);
        expect(found((visit) => grid.circle(x, y, width, visit))).toEqual(
          scan((px, py) => (px - x) ** 2 + (py - y) ** 2 <= width ** 2),
        );
        expect(found((visit) => grid.rectangle(x, y, x + width, y + height, visit))).toEqual(
          scan((px, py) => px >= x && px <= x + width && py >= y && py <= y + height),
        );
        expect(grid.size).toBe(places.size);
        for (let id = 0; id <= 60; id++) expect(grid.has(id)).toBe(places.has(id));
      },
    ),
    { numRuns: 300 },
  );
});

test('a grid finds everything where the rectangle has no end', () => {
  const grid = new Grid({ cellSize: 1 });
  for (let id = 0; id < 5; id++) grid.set(id, id * 1e6, -id);
  const endless = Number.POSITIVE_INFINITY;
  expect(found((visit) => grid.rectangle(-endless, -endless, endless, endless, visit))).toHaveLength(5);
});

test('a grid refuses what is no id, no place, no cell', () => {
  const grid = new Grid({ cellSize: 1 });
  expect(() => grid.set(-1, 0, 0)).toThrow(RangeError);
  expect(() => grid.set(0.5, 0, 0)).toThrow(RangeError);
  expect(() => grid.set(0, Number.NaN, 0)).toThrow(RangeError);
  expect(() => new Grid({ cellSize: 0 })).toThrow(RangeError);
  expect(grid.has(-1)).toBe(false);
});
