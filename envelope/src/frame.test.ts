import { expect, test } from 'vitest';
import { FrameReader, frame, ProtocolError } from './index.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Two short frames and one that needs two bytes of length. */
const FRAMES = [bytes(1, 2, 3), bytes(4), new Uint8Array(300).fill(5)];

function stream(): Uint8Array {
  return Uint8Array.from(FRAMES.flatMap((one) => [...frame(one)]));
}

function codeOf(run: () => void): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : String(error);
  }
  return undefined;
}

test('a frame is its length as a varint, then itself', () => {
  expect([...frame(bytes(7, 8))]).toEqual([2, 7, 8]);
  expect([...frame(new Uint8Array(300)).subarray(0, 2)]).toEqual([0xac, 0x02]);
  expect(() => frame(bytes())).toThrow(ProtocolError);
});

test('frames come out the same wherever the stream is cut in two', () => {
  const whole = stream();
  for (let cut = 0; cut <= whole.length; cut++) {
    const reader = new FrameReader(300);
    const found: Uint8Array[] = [];
    reader.push(whole.slice(0, cut), (one) => found.push(one));
    reader.push(whole.slice(cut), (one) => found.push(one));
    expect(found).toEqual(FRAMES);
    expect(reader.pending).toBe(0);
  }
});

test('frames come out the same byte by byte, and pending counts what is held', () => {
  const reader = new FrameReader(300);
  const found: Uint8Array[] = [];
  let held = 0;
  for (const byte of stream()) {
    const before = found.length;
    reader.push(bytes(byte), (one) => found.push(one));
    held = found.length > before ? 0 : held + 1;
    expect(reader.pending).toBe(held);
  }
  expect(found).toEqual(FRAMES);
});

test('a frame within one chunk is a view of the chunk', () => {
  const chunk = stream();
  new FrameReader(300).push(chunk, (one) => expect(one.buffer).toBe(chunk.buffer));
});

test('a frame across chunks is gathered in a buffer of its exact size', () => {
  const whole = stream();
  const reader = new FrameReader(300);
  const found: Uint8Array[] = [];
  reader.push(whole.slice(0, 2), (one) => found.push(one));
  reader.push(whole.slice(2), (one) => found.push(one));
  expect(found[0]?.buffer.byteLength).toBe(3);
});

test('a length past the limit is refused before a byte of the frame has come', () => {
  const reader = new FrameReader(299);
  // 300 in two bytes.
  expect(codeOf(() => reader.push(bytes(0xac, 0x02), () => {}))).toBe('too-large');
  expect(codeOf(() => new FrameReader(300).push(bytes(0xac, 0x02), () => {}))).toBe(undefined);
});

test('a length that cannot end within the limit is refused before its last byte', () => {
  expect(codeOf(() => new FrameReader(100).push(bytes(0xff), () => {}))).toBe('too-large');
});

test('a length of nine bytes is refused even where the limit lets everything pass', () => {
  const zeroes = bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01);
  expect(codeOf(() => new FrameReader(Number.MAX_SAFE_INTEGER).push(zeroes, () => {}))).toBe('bad-varint');
});

test('after an error the reader throws it again', () => {
  const reader = new FrameReader(10);
  expect(codeOf(() => reader.push(bytes(0x82, 0x00), () => {}))).toBe('bad-varint');
  expect(codeOf(() => reader.push(bytes(1, 1), () => {}))).toBe('bad-varint');
});

test('frames before the bad one are handed out', () => {
  const found: Uint8Array[] = [];
  expect(codeOf(() => new FrameReader(10).push(bytes(1, 9, 0), (one) => found.push(one)))).toBe('bad-value');
  expect(found).toEqual([bytes(9)]);
});
