import { expect, test } from 'vitest';
import { REST } from './flight.ts';
import { RULES } from './rules.ts';
import { ARENA_INPUT, cleanName } from './wire.ts';

test('a stick is two bytes, and one at rest stays exactly at rest', () => {
  expect(ARENA_INPUT.encode({ dx: 0.3, dy: -1 })).toHaveLength(2);
  expect(ARENA_INPUT.decode(ARENA_INPUT.encode(REST))).toEqual(REST);
  expect(ARENA_INPUT.decode(ARENA_INPUT.encode({ dx: -1, dy: 1 }))).toEqual({ dx: -1, dy: 1 });
});

test('a name keeps letters of any script and loses control characters and length', () => {
  expect(cleanName('  Ada \u0000\u202e\n Lovelace  ')).toBe('Ada Lovelace');
  expect(cleanName('Zoë 水')).toBe('Zoë 水');
  expect([...cleanName('x'.repeat(99))]).toHaveLength(RULES.maxNameLength);
  expect(cleanName(' \u200b\t ')).toBe('');
});
