import { expect, test } from 'vitest';
import { nobody, nothing, owned, ownedSet } from './nothing.ts';

test('what all share is empty, and nobody can put anything into it', () => {
  const table = nothing<string, number>();
  const set = nobody<string>();
  expect(() => table.set('a', 1)).toThrow(TypeError);
  expect(() => set.add('a')).toThrow(TypeError);
  expect(table.delete('a')).toBe(false);
  table.clear();
  set.clear();
  expect([table.size, set.size, nothing().size, nobody().size]).toEqual([0, 0, 0, 0]);
});

test('a table is made once, when it is first written to', () => {
  const table = owned(nothing<string, number>());
  table.set('a', 1);
  expect(owned(table)).toBe(table);
  expect(owned(nothing<string, number>())).not.toBe(table);
  const set = ownedSet(nobody<string>());
  set.add('a');
  expect(ownedSet(set)).toBe(set);
  expect([nothing().size, nobody().size]).toEqual([0, 0]);
});
