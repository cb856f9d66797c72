import { describe, expect, test } from 'vitest';
import { decode, type Envelope, type Event, encode, NameTable, ProtocolError } from './index.ts';

const CLOCK = 1_764_000_000_000;

const hot: Event = {
  kind: 'event',
  channel: 'arena/7',
  type: 'STATE',
  delivery: 'latest',
  codec: 'bytes',
  seq: 91,
  ts: CLOCK,
  key: 'p1',
  payload: new Uint8Array(40).fill(7),
};

function tableOf(route: number, key: number, clock = CLOCK): NameTable {
  const table = new NameTable(10);
  table.define({
    kind: 'names',
    routes: [{ number: route, channel: hot.channel, type: hot.type }],
    keys: [{ number: key, key: 'p1' }],
  });
  table.clock = clock;
  return table;
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : String(error);
  }
  return undefined;
}

describe('the header of a hot state message', () => {
  test('is at most 12 bytes for 16 384 routes, 2 million messages and 16 384 keys', () => {
    const event = { ...hot, seq: 2 ** 21 - 1 };
    const bytes = encode(event, 'binary', { route: 16383, key: 16383 });
    expect(bytes.length - event.payload.length).toBe(12);
    expect(decode(bytes, tableOf(16383, 16383))).toEqual(event);
  });

  test('is 8 bytes in a small game', () => {
    const bytes = encode(hot, 'binary', { route: 3, key: 12 });
    expect(bytes.length - hot.payload.length).toBe(8);
    expect(decode(bytes, tableOf(3, 12))).toEqual(hot);
  });

  test('is self-contained before the names are known', () => {
    const bytes = encode(hot);
    expect(bytes.length - hot.payload.length).toBe(2 + 8 + 6 + 1 + 6 + 3);
    expect(decode(bytes)).toEqual(hot);
  });
});

test('a decoded payload is a view of the bytes that came', () => {
  const buffer = new Uint8Array(100);
  const bytes = encode(hot);
  buffer.set(bytes, 20);
  const event = decode(buffer.subarray(20, 20 + bytes.length)) as Event;
  expect(event.payload.buffer).toBe(buffer.buffer);
  expect(event.payload.byteOffset).toBe(20 + bytes.length - 40);
  expect(event.payload).toEqual(hot.payload);
});

test('a compact time is right up to 2.3 hours from the clock, to either side, and with a fraction in it', () => {
  const bytes = encode(hot, 'binary', { route: 0, key: 0 });
  for (const offset of [0, 0.7, 1, -1, 3_600_000.5, -3_600_000.5, 2 ** 23, -(2 ** 23) + 1]) {
    expect(decode(bytes, tableOf(0, 0, CLOCK + offset)), `clock off by ${offset}`).toEqual(hot);
  }
  expect(decode(bytes, tableOf(0, 0, CLOCK + 2 ** 23 + 1))).not.toEqual(hot);
});

test('a compact time is whole, whatever fractions the clock has', () => {
  for (let clock = 0.1; clock < 2 ** 40; clock = clock * 1.7 + 0.1) {
    const ts = Math.round(clock);
    const bytes = encode({ ...hot, ts }, 'binary', { route: 0, key: 0 });
    expect(decode(bytes, tableOf(0, 0, clock))).toMatchObject({ ts });
  }
});

test('a compact time stays within what a time can be', () => {
  const first = encode({ ...hot, ts: 2 ** 24 - 1 }, 'binary', { route: 0, key: 0 });
  expect(decode(first, tableOf(0, 0, 0))).toMatchObject({ ts: 2 ** 24 - 1 });
  const last = encode({ ...hot, ts: 2 ** 48 - 2 ** 24 }, 'binary', { route: 0, key: 0 });
  expect(decode(last, tableOf(0, 0, 2 ** 48 - 1))).toMatchObject({ ts: 2 ** 48 - 2 ** 24 });
});

test('numbers for names are used in events only', () => {
  const request: Envelope = {
    kind: 'request',
    id: '1',
    channel: 'a',
    type: 'T',
    codec: 'bytes',
    payload: new Uint8Array(0),
  };
  expect(encode(request, 'binary', { route: 1 })).toEqual(encode(request));
  expect(encode(hot, 'json', { route: 1 })).toEqual(encode(hot, 'json'));
});

describe('what is out of range is not written', () => {
  const bad: [name: string, change: Record<string, unknown>, code?: string][] = [
    ['a channel that is none', { channel: 'a//b' }],
    ['a channel of 256 bytes', { channel: 'c'.repeat(256) }],
    ['no type', { type: '' }],
    ['a type of 65 bytes', { type: 'T'.repeat(65) }],
    ['a type of 33 two-byte characters', { type: 'ß'.repeat(33) }],
    ['a key of 129 bytes', { key: 'k'.repeat(129) }],
    ['an empty id', { id: '' }],
    ['half of a surrogate pair', { key: '\ud83c' }, 'bad-utf8'],
    ['a seq without a ts', { ts: undefined }],
    ['a ts without a seq', { seq: undefined }],
    ['a negative seq', { seq: -1 }],
    ['a seq with a fraction', { seq: 1.5 }],
    ['a seq past 2^53 - 1', { seq: 2 ** 53 }],
    ['a ts past 2^48 - 1', { ts: 2 ** 48 }],
    ['a ts that is not a number', { ts: Number.NaN }],
    ['a delivery that is none', { delivery: 'maybe' }],
    ['a codec that is none', { codec: 'xml' }],
    ['a payload that is no bytes', { payload: 'text' }],
    ['a kind that is none', { kind: 'toString' }, 'unknown-kind'],
  ];
  test.each(bad)('%s', (_name, change, code = 'bad-value') => {
    const event = { ...hot, ...change } as Event;
    expect(codeOf(() => encode(event))).toBe(code);
    expect(codeOf(() => encode(event, 'json'))).toBe(code);
  });

  test('a route number past 2^53 - 1', () => {
    expect(codeOf(() => encode(hot, 'binary', { route: 2 ** 53, key: 0 }))).toBe('bad-value');
  });

  test('a compact event with a key but no number for it', () => {
    expect(codeOf(() => encode(hot, 'binary', { route: 1 }))).toBe('bad-value');
  });
});
