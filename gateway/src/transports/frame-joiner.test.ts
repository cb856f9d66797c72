import { expect, test } from 'vitest';
import { BINARY, FrameJoiner, frameSize, TEXT } from './frame-joiner.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

test('a message is an unmasked frame of its own, with the length in one byte, in two or in eight', () => {
  const joiner = new FrameJoiner();
  const joined = joiner.join([bytes(1, 2), bytes()], BINARY);
  expect([...joined]).toEqual([0x82, 2, 1, 2, 0x82, 0]);
  expect([...joiner.join([bytes(0x7b, 0x7d)], TEXT)]).toEqual([0x81, 2, 0x7b, 0x7d]);
  const cases: [number, number[]][] = [
    [125, [0x82, 125]],
    [126, [0x82, 126, 0, 126]],
    [0xffff, [0x82, 126, 0xff, 0xff]],
    [0x10000, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ];
  for (const [length, head] of cases) {
    const frame = joiner.join([new Uint8Array(length).fill(7)], BINARY);
    expect(frame.length).toBe(frameSize(length));
    expect([...frame.subarray(0, head.length)]).toEqual(head);
    expect(frame.subarray(head.length).every((byte) => byte === 7)).toBe(true);
    expect(frame.length - head.length).toBe(length);
  }
});

test('the same messages in one turn are one and the same buffer', () => {
  const joiner = new FrameJoiner();
  const [a, b, c] = [bytes(1), bytes(2), bytes(3)];
  const joined = joiner.join([a, b], BINARY);
  expect(joiner.join([a, c], BINARY)).not.toBe(joined);
  expect(joiner.join([a, b], BINARY)).toBe(joined);
  joiner.forget();
  expect(joiner.join([a, b], BINARY)).not.toBe(joined);
  expect(joiner.join([a, b], TEXT)[0]).toBe(0x81);
});

test('messages that only look alike are written as what they are', () => {
  const joiner = new FrameJoiner();
  const last = bytes(9);
  joiner.join([bytes(1), last], BINARY);
  expect([...joiner.join([bytes(2), last], BINARY)]).toEqual([0x82, 1, 2, 0x82, 1, 9]);
  expect([...joiner.join([last], BINARY)]).toEqual([0x82, 1, 9]);
});
