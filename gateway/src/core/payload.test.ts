import { expect, test } from 'vitest';
import { type CborCodec, Payloads } from './payload.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (content: string) => new TextEncoder().encode(content);

/** Not CBOR, but as far from JSON as this needs. */
const reversed: CborCodec = {
  encode: (value) => bytes([...JSON.stringify(value)].reverse().join('')),
  decode: (payload) => JSON.parse([...text(payload)].reverse().join('')),
};

test('bytes stay bytes and anything else becomes JSON', () => {
  const payloads = new Payloads(100);
  const raw = new Uint8Array([1, 2, 3]);
  expect(payloads.write(raw)).toEqual({ codec: 'bytes', payload: raw });
  expect(payloads.write(raw).payload).toBe(raw);
  const { codec, payload } = payloads.write({ x: 1 });
  expect([codec, text(payload)]).toEqual(['json', '{"x":1}']);
});

test('nothing is a payload of no bytes, and comes back as nothing', () => {
  const payloads = new Payloads(100);
  const { codec, payload } = payloads.write(undefined);
  expect([codec, payload.length]).toEqual(['json', 0]);
  expect(payloads.read(payload, codec)).toBeUndefined();
});

test('what is read is what was written, with each codec', () => {
  const payloads = new Payloads(100, reversed);
  for (const codec of ['json', 'cbor'] as const) {
    const written = payloads.write({ list: [1, 'two', null] }, codec);
    expect(written.codec).toBe(codec);
    expect(payloads.read(written.payload, codec)).toEqual({ list: [1, 'two', null] });
  }
  const raw = bytes('raw');
  expect(payloads.read(raw, 'bytes')).toBe(raw);
});

test('without a cbor codec its bytes pass as they are', () => {
  const payloads = new Payloads(100);
  const raw = bytes('whatever');
  expect(payloads.write(raw, 'cbor')).toEqual({ codec: 'cbor', payload: raw });
  expect(payloads.read(raw, 'cbor')).toBe(raw);
  expect(() => payloads.write({}, 'cbor')).toThrow(expect.objectContaining({ code: 'bad-payload' }));
});

test('a value that its codec cannot hold is a bad payload', () => {
  const payloads = new Payloads(100, reversed);
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const badPayload = expect.objectContaining({ name: 'SpillwayError', code: 'bad-payload' });
  expect(() => payloads.write('text', 'bytes')).toThrow(badPayload);
  expect(() => payloads.write(cycle)).toThrow(badPayload);
  expect(() => payloads.write(10n)).toThrow(badPayload);
  expect(() => payloads.write(cycle, 'cbor')).toThrow(badPayload);
});

test('bytes that are not what their codec says are a bad payload', () => {
  const payloads = new Payloads(100, reversed);
  const badPayload = expect.objectContaining({ name: 'SpillwayError', code: 'bad-payload' });
  expect(() => payloads.read(bytes('{"x":'), 'json')).toThrow(badPayload);
  expect(() => payloads.read(new Uint8Array([0xff]), 'json')).toThrow(badPayload);
  expect(() => payloads.read(bytes('{"x":'), 'cbor')).toThrow(badPayload);
});

test('a payload over the largest size is refused whatever its codec', () => {
  const payloads = new Payloads(10, reversed);
  const tooLarge = expect.objectContaining({ name: 'SpillwayError', code: 'message-too-large' });
  expect(payloads.write(new Uint8Array(10)).payload.length).toBe(10);
  expect(() => payloads.write(new Uint8Array(11))).toThrow(tooLarge);
  expect(() => payloads.write('123456789')).toThrow(tooLarge);
  expect(() => payloads.write('123456789', 'cbor')).toThrow(tooLarge);
});
