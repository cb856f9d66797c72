import { expect, test } from 'vitest';
import { RULES } from './rules.ts';
import {
  cleanName,
  decodeInput,
  decodeState,
  encodeInput,
  encodeState,
  isNewer,
  stateBytes,
} from './wire.ts';

const craft = { id: 7, x: 1599.5, y: 0.0625, vx: -400, vy: 296, score: 31 };

test('a state comes back as it was packed', () => {
  const state = { left: 1187, crafts: [craft, { ...craft, id: 8, vx: 0, vy: 0 }] };
  expect(decodeState(encodeState(state))).toEqual(state);
});

test('a state of a full arena fits a datagram with room to spare', () => {
  expect(stateBytes(RULES.maxCrafts)).toBeLessThan(1000);
});

test('a state that is cut short, or longer than it says, is no state', () => {
  const bytes = encodeState({ left: 1, crafts: [craft] });
  for (let length = 0; length < bytes.length; length += 1)
    expect(decodeState(bytes.subarray(0, length))).toBeUndefined();
  expect(decodeState(new Uint8Array([...bytes, 0]))).toBeUndefined();
});

test('a score past 16 bits stays at the largest one instead of wrapping round', () => {
  const state = decodeState(encodeState({ left: 0, crafts: [{ ...craft, score: 70_000 }] }));
  expect(state?.crafts[0]?.score).toBe(65_535);
});

test('an input is read from a view into a larger buffer', () => {
  const bytes = new Uint8Array([9, 9, ...encodeInput({ counter: 65_535, dx: -1, dy: 0 }), 9]);
  expect(decodeInput(bytes.subarray(2, 6))).toEqual({ counter: 65_535, dx: -1, dy: 0 });
});

test('a forged direction gives no more thrust than a full stick', () => {
  const input = decodeInput(new Uint8Array([0, 1, 0x80, 0x80]));
  expect(Math.hypot(input?.dx ?? 0, input?.dy ?? 0)).toBeCloseTo(1);
});

test('an input of another length is no input', () => {
  expect(decodeInput(new Uint8Array(3))).toBeUndefined();
  expect(decodeInput(new Uint8Array(5))).toBeUndefined();
});

test('an input counter is newer than the one before it, also across the wrap', () => {
  expect(isNewer(1, 0)).toBe(true);
  expect(isNewer(0, 65_535)).toBe(true);
  expect(isNewer(65_535, 0)).toBe(false);
  expect(isNewer(5, 5)).toBe(false);
});

test('a name keeps letters of any script and loses control characters and length', () => {
  expect(cleanName('  Ada \u0000\u202e\n Lovelace  ')).toBe('Ada Lovelace');
  expect(cleanName('Zoë 水')).toBe('Zoë 水');
  expect([...cleanName('x'.repeat(99))]).toHaveLength(RULES.maxNameLength);
  expect(cleanName(' \u200b\t ')).toBe('');
});
