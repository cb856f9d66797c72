import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import {
  decodeWanted,
  encodeWanted,
  PacketReader,
  PacketWriter,
  RollupReader,
  RollupWriter,
} from './index.ts';
import { defined } from './test-readings.ts';

// Worked out by hand from TELEMETRY.md, which shows the same bytes, so that code and page cannot agree on a mistake.
const READINGS = [
  '11 07000000 ac02 01', // producer 7, times from 300 ms on, one definition
  '01 10 01 74 01 43', // series 1: scaled, one decimal, live, ms; "t", "C"
  '01 10 05 0300 00 14 9003 02 08 02 0e', // series 1, reading 5: 20.0, 20.1, 19.9 at 300, 310, 321
  '01 23 08 04', // readings 8 to 11 of series 1 never come: overflow
  '02 01 00 0200 00 14 0000c03f 00 41 15 01', // series 2: 1.5 and 1.75 as float32 at 300 and 310
  '03 06 00 0200 e807 f403 000000000000f83f 00 41 12 01 00', // series 3: the same as float64 at 300.5 and 300.75
];

const ROLLUPS = [
  '12 07000000 64 ac02', // epoch 7, windows of 100 ms, from 300 ms on
  '01 14 14 02 8e03 02 01 ffff', // series 1: 20 readings, 2 missing, from 19.9 to 20.1, last 20.0, mean 20.1
  '02 0a 01 000000000000f83f 000000000000f83f 000000000000f83f 000000000000f83f', // series 2, amended: 1.5 once
  '03 06 00 03', // series 3: no reading, 3 missing
];

const WANTED = ['13 07000000 02 01 ac02']; // of producer 7 series 1 and 300

function bytesOf(...lines: string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(lines.join('').replaceAll(' ', ''), 'hex'));
}

test('readings are packed to the bytes of the page, and read from them', () => {
  const writer = new PacketWriter(256);
  writer.begin(7, 300);
  writer.define(defined({ name: 't', unit: 'C' }));
  const columns = (...numbers: number[]): Float64Array => Float64Array.from(numbers);
  writer.add(defined(), 5, columns(300, 310, 321), columns(20, 20.1, 19.9), 0, 3);
  writer.skip(1, 8, 4, 'overflow');
  const float32 = defined({ series: 2, encoding: 'float32', decimals: 0 });
  writer.add(float32, 0, columns(300, 310), columns(1.5, 1.75), 0, 2);
  const float64 = defined({ series: 3, encoding: 'float64', decimals: 0, resolution: 'us' });
  writer.add(float64, 0, columns(300.5, 300.75), columns(1.5, 1.75), 0, 2);
  expect(writer.done()).toEqual(bytesOf(...READINGS));

  const reader = new PacketReader();
  reader.open(bytesOf(...READINGS));
  expect(reader.producer).toBe(7);
  expect(reader.definitions).toEqual([defined({ name: 't', unit: 'C' })]);
  const blocks: unknown[] = [];
  while (reader.next()) {
    const { series, seq, count, skip, times, values } = reader;
    blocks.push(
      skip
        ? { series, seq, count, skip }
        : { series, seq, times: [...times.subarray(0, count)], values: [...values.subarray(0, count)] },
    );
  }
  expect(blocks).toEqual([
    { series: 1, seq: 5, times: [300, 310, 321], values: [20, 20.1, 19.9] },
    { series: 1, seq: 8, count: 4, skip: 'overflow' },
    { series: 2, seq: 0, times: [300, 310], values: [1.5, 1.75] },
    { series: 3, seq: 0, times: [300.5, 300.75], values: [1.5, 1.75] },
  ]);
});

test('roll-ups are packed to the bytes of the page, and read from them', () => {
  const writer = new RollupWriter(256);
  writer.begin(7, 100, 300);
  writer.add(1, 1, { count: 20, missing: 2, min: 19.9, max: 20.1, mean: 20.1, last: 20 });
  writer.add(2, undefined, { count: 1, missing: 0, min: 1.5, max: 1.5, mean: 1.5, last: 1.5 }, true);
  const none = Number.NaN;
  writer.add(3, 1, { count: 0, missing: 3, min: none, max: none, mean: none, last: none });
  expect(writer.done()).toEqual(bytesOf(...ROLLUPS));

  const reader = new RollupReader();
  reader.open(bytesOf(...ROLLUPS));
  expect(reader).toMatchObject({ epoch: 7, window: 100, start: 300 });
  expect(reader.next()).toBe(true);
  expect(reader).toMatchObject({ series: 1, amended: false, count: 20, missing: 2 });
  expect(reader).toMatchObject({ min: 19.9, max: 20.1, mean: 20.1, last: 20 });
  expect(reader.next()).toBe(true);
  expect(reader).toMatchObject({ series: 2, amended: true, count: 1, missing: 0, min: 1.5, last: 1.5 });
  expect(reader.next()).toBe(true);
  expect(reader).toMatchObject({ series: 3, amended: false, count: 0, missing: 3, min: Number.NaN });
  expect(reader.next()).toBe(false);
});

test('wanted series are packed to the bytes of the page, and read from them', () => {
  const wanted = { producer: 7, series: [1, 300] };
  expect(encodeWanted(wanted)).toEqual(bytesOf(...WANTED));
  expect(decodeWanted(bytesOf(...WANTED))).toEqual(wanted);
  for (let length = 0; length < 9; length++)
    expect(() => decodeWanted(bytesOf(...WANTED).subarray(0, length))).toThrow(ProtocolError);
  expect(() => encodeWanted({ producer: 7, series: [-1] })).toThrow(ProtocolError);
});

test.each([
  ['another version', '21 07000000 ac02 00', 'unknown-version'],
  ['another kind', '12 07000000 ac02 00', 'unknown-kind'],
  ['a varint that is longer than needed', '11 07000000 ac8200 00', 'bad-varint'],
  ['a base past the year 2109', '11 07000000 808080808080808001 00', 'bad-varint'],
  ['more definitions than a packet has', '11 07000000 00 8108', 'bad-value'],
  ['a definition without a name', '11 07000000 00 01 01 10 00 00', 'bad-value'],
  ['a definition of no known encoding', '11 07000000 00 01 01 13 01 74 00', 'bad-value'],
  ['a name that is not UTF-8', '11 07000000 00 01 01 10 01 ff 00', 'bad-utf8'],
  ['a block of nothing', '11 07000000 00 00 01 10 00 0000 00 00', 'bad-value'],
  ['a block past 4096', '11 07000000 00 00 01 10 00 0110 00 00 00', 'bad-value'],
  ['decimals of a float', '11 07000000 00 00 01 11 00 0100 00 0000c03f', 'bad-flags'],
  ['a reserved bit', '11 07000000 00 00 01 18 00 0100 00 00', 'bad-flags'],
  ['a time before the epoch', '11 07000000 00 00 01 10 00 0100 01 00', 'bad-value'],
  ['a value that is none', '11 07000000 00 00 01 01 00 0100 00 0000807f', 'bad-value'],
  ['a frame wider than 32 bits', '11 07000000 00 00 01 10 00 0200 00 00 00 21 0000000000', 'bad-value'],
  [
    'a frame with bits past its shift',
    '11 07000000 00 00 01 10 00 0200 00 00 00 60 01 00000000',
    'bad-value',
  ],
  ['a skip without a reason that is known', '11 07000000 00 00 01 f3 00 01', 'bad-flags'],
  ['a skip of nothing for a reason', '11 07000000 00 00 01 23 00 00', 'bad-flags'],
])('%s is refused', (_, hex, code) => {
  const reader = new PacketReader();
  expect(() => {
    reader.open(bytesOf(hex));
    while (reader.next());
  }).toThrow(expect.objectContaining({ code }));
});

test('the page shows these very bytes', () => {
  const page = readFileSync(new URL('../../TELEMETRY.md', import.meta.url), 'utf8').split('\n');
  const starts = (line: string): boolean => page.some((shown) => `${shown} `.startsWith(`${line} `));
  for (const line of [...READINGS, ...ROLLUPS, ...WANTED]) expect(starts(line), line).toBe(true);
});
