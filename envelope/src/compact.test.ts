import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBinary, encodeBinary } from './binary.ts';
import { MAX_TS } from './bounds.ts';
import { decodeCompact, encodeCompact } from './compact.ts';
import { CODECS, type Compact, DELIVERIES, type Event } from './envelope.ts';
import { NameTable } from './names.ts';

const KEYS = [0, 1, 127, 128, 16_383, 16_384];
const ROUTES = [0, 1, 127, 128, 300];
const NOON = 1_764_000_000_000;

function table(): NameTable {
  const names = new NameTable(64);
  names.define({
    kind: 'names',
    routes: ROUTES.map((number) => ({ number, channel: `arena/${number}`, type: 'STATE' })),
    keys: KEYS.map((number) => ({ number, key: `p${number}` })),
  });
  names.clock = NOON;
  return names;
}

const hot = fc.record({
  route: fc.constantFrom(...ROUTES),
  key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
  seq: fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat()),
  ts: fc.integer({ min: NOON - 3_600_000, max: NOON + 3_600_000 }),
  delivery: fc.constantFrom(...DELIVERIES),
  codec: fc.constantFrom(...CODECS),
  payload: fc.uint8Array({ maxLength: 600 }),
});

function event(of: typeof hot extends fc.Arbitrary<infer T> ? T : never): [Event, Compact] {
  const { route, key, ...fields } = of;
  return [
    {
      kind: 'event',
      channel: `arena/${route}`,
      type: 'STATE',
      key: key === undefined ? undefined : `p${key}`,
      id: undefined,
      ...fields,
    },
    { route, key },
  ];
}

describe('the hot form of an event', () => {
  it('comes back as it went', () => {
    const names = table();
    fc.assert(
      fc.property(hot, (of) => {
        const [sent, compact] = event(of);
        const bytes = encodeCompact(sent, compact);
        expect(bytes).toBeDefined();
        expect(decodeBinary(bytes!, names)).toEqual(sent);
      }),
    );
  });

  it('is the same bytes as the general form, which an id makes it take', () => {
    fc.assert(
      fc.property(hot, (of) => {
        const [sent, compact] = event(of);
        const general = encodeBinary({ ...sent, id: 'x' }, compact);
        const bytes = encodeCompact(sent, compact)!;
        const head = bytes.length - sent.payload.length;
        expect(general[1]! & 0x7f).toBe(bytes[1]);
        expect(general.subarray(2, head)).toEqual(bytes.subarray(2, head));
        expect(general.subarray(head + 2)).toEqual(bytes.subarray(head));
      }),
    );
  });

  it('is left to the general form at every byte that is not just so', () => {
    const names = table();
    const [sent, compact] = event({
      route: 1,
      key: 128,
      seq: 70_000,
      ts: NOON,
      delivery: 'latest',
      codec: 'json',
      payload: new Uint8Array(20),
    });
    const bytes = encodeBinary(sent, compact);
    for (let at = 0; at < bytes.length - 20; at++) {
      for (let value = 0; value < 256; value++) {
        const changed = bytes.slice();
        changed[at] = value;
        const read = decodeCompact(changed, 0, changed.length, names);
        if (read === undefined) continue;
        // What it reads is what was written: there is no second way to write it.
        const key = KEYS.find((number) => `p${number}` === read.key);
        expect(encodeBinary(read, { route: Number(read.channel.slice('arena/'.length)), key })).toEqual(
          changed,
        );
      }
    }
    for (let length = 0; length < bytes.length - 20; length++)
      expect(decodeCompact(bytes, 0, length, names)).toBeUndefined();
  });

  it('reads no further than it is told', () => {
    const [sent, compact] = event({
      route: 1,
      key: 1,
      seq: 5,
      ts: NOON,
      delivery: 'unreliable',
      codec: 'bytes',
      payload: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]),
    });
    const bytes = encodeBinary(sent, compact);
    const among = new Uint8Array([9, ...bytes, 9, 9]);
    expect(decodeCompact(among, 1, 1 + bytes.length, table())).toEqual(sent);
  });

  it.each([
    { name: 'a negative position', change: { seq: -1 } },
    { name: 'no position', change: { seq: undefined } },
    { name: 'a time past the bound', change: { ts: MAX_TS + 1 } },
    { name: 'a codec of another name', change: { codec: 'xml' } },
    { name: 'a payload that is text', change: { payload: 'x' } },
    { name: 'an id', change: { id: 'x' } },
  ])('is none with $name', ({ change }) => {
    const [sent, compact] = event({
      route: 1,
      key: undefined,
      seq: 5,
      ts: NOON,
      delivery: 'latest',
      codec: 'bytes',
      payload: new Uint8Array(3),
    });
    expect(encodeCompact(sent, compact)).toBeDefined();
    expect(encodeCompact({ ...sent, ...change } as Event, compact)).toBeUndefined();
  });
});

it('small envelopes share memory, large ones have their own', () => {
  const bytes = (size: number): Uint8Array =>
    encodeBinary({
      kind: 'event',
      channel: 'a',
      type: 'B',
      delivery: 'latest',
      codec: 'bytes',
      payload: new Uint8Array(size),
    });
  expect(bytes(10).buffer.byteLength).toBeGreaterThan(bytes(10).length);
  expect(bytes(4000).buffer.byteLength).toBe(bytes(4000).length);
});
