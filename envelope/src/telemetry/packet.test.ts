import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { PacketReader } from './packet-reader.ts';
import { PacketWriter } from './packet-writer.ts';
import type { SeriesDefinition, ValueEncoding } from './series.ts';
import { defined, pack, START, unpack } from './test-readings.ts';

const ENCODINGS: readonly ValueEncoding[] = ['scaled', 'float32', 'float64'];

function of(encoding: ValueEncoding, change: Partial<SeriesDefinition> = {}): SeriesDefinition {
  return defined({ encoding, decimals: encoding === 'scaled' ? 1 : 0, ...change });
}

/** Values as a series of this encoding may have them. */
function valuesOf(encoding: ValueEncoding): fc.Arbitrary<number> {
  const wide = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  if (encoding === 'float64') return wide;
  if (encoding === 'float32') return fc.float({ noNaN: true, noDefaultInfinity: true });
  return fc.oneof(
    fc.integer({ min: -200, max: 200 }).map((value) => value / 10),
    fc.maxSafeInteger().map((value) => Math.round(value / 4) / 10),
  );
}

/** Equal as numbers are: 0 and -0 are the same reading. */
function sameNumbers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

describe.each(ENCODINGS)('%s readings', (encoding) => {
  test('come back as they were, whatever they are, over as many packets as it takes', () => {
    const reading = fc.record({
      gap: fc.oneof(
        fc.constant(5),
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: 0, max: 2 ** 39 }),
      ),
      value: valuesOf(encoding),
    });
    fc.assert(
      fc.property(
        fc.array(reading, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 256, max: 2000 }),
        fc.constantFrom('ms' as const, 'us' as const),
        (readings, size, resolution) => {
          let time = START;
          const times = readings.map(({ gap }) => {
            time = Math.min(2 ** 42 - 1, Math.max(0, time + gap));
            return resolution === 'us' ? Math.round(time * 1000 + gap) / 1000 : time;
          });
          const sane = times.map((at) => Math.min(2 ** 42 - 1, Math.max(0, at)));
          const values = readings.map(({ value }) => value);
          const { packets } = pack(of(encoding, { resolution }), sane, values, { size, seq: 2 ** 40 });
          const back = unpack(packets);
          expect(packets.every(({ length }) => length <= size)).toBe(true);
          expect(back.seqs).toEqual(values.map((_, index) => 2 ** 40 + index));
          expect(sameNumbers(back.values, values)).toBe(true);
          expect(sameNumbers(back.times, sane)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('are cut short nowhere without an error', () => {
    const times = Array.from({ length: 70 }, (_, index) => START + index * 5 + (index % 3));
    const values = times.map((_, index) => Math.round(Math.sin(index) * 100) / 10);
    const [bytes] = pack(of(encoding), times, values).packets;
    for (let length = 0; length < bytes!.length; length++) {
      // Before the first block there is a packet without any.
      if (length === 12) continue;
      expect(() => unpack([bytes!.subarray(0, length)]), `${length} bytes`).toThrow(ProtocolError);
    }
  });
});

test('a value with as many digits as its series is the same double afterwards', () => {
  for (const decimals of [0, 1, 2, 3, 6, 9]) {
    const values = Array.from({ length: 2000 }, (_, index) =>
      Number(((index - 1000) * 1.234567891).toFixed(decimals)),
    );
    const times = values.map((_, index) => START + index);
    expect(unpack(pack(defined({ decimals }), times, values).packets).values).toEqual(
      values.map((value) => value + 0),
    );
  }
});

test('one block takes what its frames can tell; a reading too far off begins another', () => {
  const times = Array.from({ length: 100 }, (_, index) => START + index * 5);
  const values = times.map(() => 20);
  expect(pack(defined(), times, values).blocks).toBe(1);
  const late = times.map((time, index) => (index < 50 ? time : time + 2 ** 33));
  const jump = values.map((value, index) => (index < 50 ? value : 1e9));
  expect(pack(defined(), late, values).blocks).toBe(2);
  expect(pack(defined(), times, jump).blocks).toBe(2);
  expect(unpack(pack(defined(), late, jump).packets)).toMatchObject({ times: late, values: jump });
});

test('a value past what its encoding can carry goes as a double', () => {
  const values = [1, 1e300, -1e300, 2, 3];
  const times = values.map((_, index) => START + index);
  for (const encoding of ['scaled', 'float32'] as const)
    expect(unpack(pack(of(encoding), times, values).packets).values).toEqual(values);
});

test('equal readings at a steady rate take next to nothing', () => {
  const times = Array.from({ length: 4000 }, (_, index) => START + index * 5);
  for (const encoding of ENCODINGS) {
    const { packets, blocks } = pack(
      of(encoding),
      times,
      times.map(() => 64.5),
    );
    expect(blocks).toBe(1);
    expect(packets[0]!.length).toBeLessThan(430);
  }
});

test.each(ENCODINGS)('packets of %s noise are full and never over their size', (encoding) => {
  let state = 1;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const times = Array.from({ length: 3000 }, (_, index) => START + index * 5 + Math.floor(random() * 3));
  const values = times.map(() =>
    encoding === 'scaled' ? Math.floor(random() * 1e6) / 10 : Math.fround(random()),
  );
  for (const size of [256, 500, 960, 1100, 1101]) {
    const { packets } = pack(of(encoding), times, values, { size });
    expect(packets.every(({ length }) => length <= size)).toBe(true);
    const sizes = packets.slice(0, -1).map(({ length }) => length);
    expect(Math.min(...sizes)).toBeGreaterThan(size - 64);
    expect(unpack(packets).values).toEqual(values);
  }
});

test('a packet holds 65 536 readings at most, however few bytes they take', () => {
  const writer = new PacketWriter(16_384);
  const times = Float64Array.from({ length: 4096 }, (_, index) => START + index);
  const values = new Float64Array(4096);
  writer.begin(1, START);
  for (let block = 0; block < 16; block++)
    expect(writer.add(defined(), block * 4096, times, values, 0, 4096)).toBe(4096);
  expect(writer.add(defined(), 0, times, values, 0, 1)).toBe(0);
  expect(writer.readings).toBe(65_536);
  const full = writer.done();
  const reader = new PacketReader();
  reader.open(full);
  let read = 0;
  while (reader.next()) read += reader.count;
  expect(read).toBe(65_536);
  writer.begin(1, START);
  writer.add(defined(), 0, times, values, 0, 1);
  reader.open(Uint8Array.from([...full, ...writer.done().subarray(12)]));
  expect(() => {
    while (reader.next());
  }).toThrow(expect.objectContaining({ code: 'bad-value' }));
});

test('definitions come back, before the first block', () => {
  const definitions = [
    defined({ series: 0 }),
    defined({ series: 2 ** 24 - 1, name: 'ü'.repeat(64), unit: '', mode: 'complete', decimals: 9 }),
    defined({ series: 5, encoding: 'float64', decimals: 0, resolution: 'us' }),
  ];
  const writer = new PacketWriter(1000);
  writer.begin(2 ** 32 - 1, START);
  for (const definition of definitions) expect(writer.define(definition)).toBe(true);
  const reader = new PacketReader();
  reader.open(writer.done());
  expect(reader.definitions).toEqual(definitions);
  expect(reader.producer).toBe(2 ** 32 - 1);
  expect(reader.next()).toBe(false);
});

test('what the wire cannot say is no definition', () => {
  const writer = new PacketWriter(1000);
  writer.begin(1, START);
  for (const wrong of [
    { name: '' },
    { name: 'x'.repeat(129) },
    { name: '\ud800' },
    { unit: 'x'.repeat(33) },
    { series: 2 ** 24 },
    { series: -1 },
    { decimals: 10 },
    { decimals: 0.5 },
    { encoding: 'float64' as const, decimals: 1 },
  ])
    expect(() => writer.define(defined(wrong)), JSON.stringify(wrong)).toThrow(ProtocolError);
});

test('a definition or a skip that has no room is left out, and what is in stays', () => {
  const writer = new PacketWriter(256);
  writer.begin(1, START);
  let defines = 0;
  while (writer.define(defined({ series: defines, name: 'n'.repeat(60) }))) defines += 1;
  let skips = 0;
  while (writer.skip(1, 10, 3, 'overflow')) skips += 1;
  expect(writer.add(defined(), 0, Float64Array.of(START), Float64Array.of(1), 0, 1)).toBe(0);
  const bytes = writer.done();
  expect(bytes.length).toBeLessThanOrEqual(256);
  const reader = new PacketReader();
  reader.open(bytes);
  expect(reader.definitions).toHaveLength(defines);
  let read = 0;
  for (; reader.next(); read++) expect(reader).toMatchObject({ skip: 'overflow', seq: 10, count: 3 });
  expect([defines, read]).toEqual([3, skips]);
});

test('a skip of nothing says where a series is, and is nothing else', () => {
  const writer = new PacketWriter(256);
  writer.begin(1, START);
  writer.skip(9, 77, 0, 'none');
  const reader = new PacketReader();
  reader.open(writer.done());
  expect(reader.next()).toBe(true);
  expect(reader).toMatchObject({ series: 9, seq: 77, count: 0, skip: 'none' });
  expect(() => writer.skip(9, 77, 1, 'none')).toThrow(ProtocolError);
  expect(() => writer.skip(9, 77, 0, 'invalid')).toThrow(ProtocolError);
});

test('the columns of a reader are the same ones from block to block', () => {
  const reader = new PacketReader();
  const { times, values } = reader;
  for (const packet of pack(defined(), [START, START + 1], [1, 2]).packets) {
    reader.open(packet);
    while (reader.next()) expect([reader.times, reader.values]).toEqual([times, values]);
  }
  expect(reader.times).toBe(times);
});
