import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import {
  angle,
  boolean,
  defineState,
  integer,
  type Levels,
  oneOf,
  quantized,
  readSnapshot,
  type SnapshotPart,
  SnapshotWriter,
  StateError,
  text,
} from './index.ts';

const schema = defineState({
  craft: {
    x: quantized({ min: 0, max: 100, step: 0.5 }),
    heading: angle(8),
    boost: boolean(),
    state: oneOf('idle', 'run', 'hit'),
    name: text(6),
  },
  shot: { x: integer({ min: -5, max: 5 }) },
});
const [craft, shot] = [schema.plan('craft'), schema.plan('shot')];
const HEAD = { tick: 300, time: 12.5, inputAck: 0, inputTick: 0 };
const utf8 = new TextEncoder();

function levels(numbers: readonly number[], name?: string): Levels {
  return {
    levels: Int32Array.from(numbers),
    texts: [undefined, undefined, undefined, undefined, name === undefined ? name : utf8.encode(name)],
  };
}

function part(write: (writer: SnapshotWriter) => void, head = HEAD, from = 0, to = 65_535, partial = false) {
  const writer = new SnapshotWriter(schema, 1100);
  writer.begin(head, 7, from);
  write(writer);
  return writer.finish(to, partial);
}

const FULL = part((writer) => {
  writer.full(2, craft, levels([200, 128, 1, 2, 1], 'añ'), 0);
  writer.gone(5);
  writer.full(6, shot, levels([10]), 0);
});
const before = levels([100, 253, 0, 0, 1], 'a');
const DELTA = part(
  (writer) => {
    writer.delta(9, craft, 3, levels([97, 2, 1, 2, 2], 'b'), 0, before.levels, 0);
    writer.delta(10, craft, 3, levels([103, 252, 1, 1, 3], 'cd'), 0, before.levels, 0);
    writer.delta(12, craft, 1, before, 0, before.levels, 0);
    writer.delta(40, shot, 1, levels([8]), 0, Int32Array.of(10), 0);
  },
  { tick: 300, time: -1, inputAck: 1000, inputTick: 299 },
  9,
  40,
  true,
);

describe('LOOP.md', () => {
  const body = defineState({ body: { x: integer({ min: 0, max: 200 }), up: boolean() } });
  const kind = body.plan('body');
  const base = levels([100, 0]).levels;
  const document = readFileSync(new URL('../../LOOP.md', import.meta.url), 'utf8');
  const examples = [...document.matchAll(/^(snapshot part, .*)\n([0-9a-f]+)\n(.+)$/gm)].map(
    ([, name, hex, value]) => ({ name: name!, hex: hex!, value: value! }),
  );

  test.each(examples)('says what is read: $name', ({ hex, value }) => {
    const read = readSnapshot(body, Uint8Array.from(Buffer.from(hex, 'hex')));
    const named = JSON.stringify(read, (key, item) => (key === 'kind' ? item.name : item));
    expect(JSON.parse(named)).toEqual(JSON.parse(value));
  });

  test('says what is written', () => {
    const writer = new SnapshotWriter(body, 1100);
    writer.begin({ tick: 300, time: 10_000.5, inputAck: 0, inputTick: 0 }, 7, 0);
    writer.full(2, kind, levels([200, 1]), 0);
    writer.gone(3);
    const full = writer.finish(65_535, false);
    writer.begin({ tick: 303, time: 10_100.5, inputAck: 41, inputTick: 302 }, 9, 0);
    writer.delta(0, kind, 3, levels([97, 1]), 0, base, 0);
    writer.delta(1, kind, 3, levels([101, 1]), 0, base, 0);
    const delta = writer.finish(99, true);
    expect([full, delta].map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
      examples.map(({ hex }) => hex),
    );
  });
});

describe('a part of a snapshot', () => {
  test('tells entities in full, and those that are gone', () => {
    expect(readSnapshot(schema, FULL)).toEqual({
      ...HEAD,
      seq: 7,
      partial: false,
      from: 0,
      to: 65_535,
      records: [
        { form: 'full', id: 2, kind: craft, levels: [200, 128, 1, 2, 'añ'] },
        { form: 'gone', id: 5 },
        { form: 'full', id: 6, kind: shot, levels: [10] },
      ],
    } satisfies SnapshotPart);
  });

  test('tells what differs from a baseline, angles the short way round', () => {
    const read = readSnapshot(schema, DELTA);
    expect(read).toMatchObject({ inputAck: 1000, inputTick: 299, partial: true, from: 9, to: 40 });
    expect(read.records).toEqual([
      { form: 'delta', id: 9, kind: craft, age: 3, mask: 31, relative: 7, changes: [-3, 5, 1, 2, 'b'] },
      { form: 'delta', id: 10, kind: craft, age: 3, mask: 31, relative: 7, changes: [3, -1, 1, 1, 'cd'] },
      { form: 'delta', id: 12, kind: craft, age: 1, mask: 0, relative: 0, changes: [] },
      { form: 'delta', id: 40, kind: shot, age: 1, mask: 1, relative: 1, changes: [-2] },
    ]);
  });

  test('tells a change that is too far from those before it as a level', () => {
    const wide = defineState({ body: { x: integer({ min: 0, max: 2 ** 31 - 1 }) } });
    const writer = new SnapshotWriter(wide, 1100);
    const body = wide.plan('body');
    const zero = Int32Array.of(0);
    writer.begin(HEAD, 1, 0);
    for (let id = 0; id < 40; id++) writer.delta(id, body, 1, levels([1]), 0, zero, 0);
    writer.delta(40, body, 1, levels([2 ** 31 - 1]), 0, zero, 0);
    writer.delta(41, body, 1, levels([7]), 0, zero, 0);
    const { records } = readSnapshot(wide, writer.finish(65_535, false));
    expect(records[40]).toMatchObject({ relative: 0, changes: [2 ** 31 - 1] });
    expect(records[41]).toMatchObject({ relative: 1, changes: [7] });
  });

  test('is read wherever it lies in a larger buffer', () => {
    const amid = new Uint8Array(DELTA.length + 20).fill(0x31);
    amid.set(DELTA, 10);
    expect(readSnapshot(schema, amid.subarray(10, 10 + DELTA.length))).toEqual(readSnapshot(schema, DELTA));
  });

  test('tells inputs on either side of its tick, none before the first', () => {
    for (const [inputAck, inputTick] of [
      [1, 2 ** 32 - 1],
      [305, 0],
    ] as const) {
      const bytes = part(() => {}, { ...HEAD, inputAck, inputTick });
      expect(readSnapshot(schema, bytes)).toMatchObject({ inputAck, inputTick });
    }
    // Tick 300 is `ac 02`, the input 303 ticks before it `de 04`.
    const bytes = part(() => {}, { ...HEAD, inputAck: 0, inputTick: 300 });
    expect([...bytes.subarray(15, 18)]).toEqual([0xd8, 0x04, 0]);
    bytes[15] = 0xde;
    expect(() => readSnapshot(schema, bytes)).toThrow(expect.objectContaining({ code: 'bad-value' }));
  });

  test('of another schema is refused', () => {
    const other = defineState({ craft: { x: quantized({ min: 0, max: 100, step: 0.25 }) } });
    expect(() => readSnapshot(other, FULL)).toThrow(expect.objectContaining({ code: 'schema-mismatch' }));
  });
});

/** Throws on anything but an error with a code. */
function outcome(bytes: Uint8Array): SnapshotPart | string {
  try {
    return readSnapshot(schema, bytes);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof StateError) return error.code;
    throw error;
  }
}

describe('bytes that are no part of a snapshot', () => {
  test('are refused at every length short of the whole', () => {
    for (const bytes of [FULL, DELTA]) {
      for (let size = 0; size < bytes.length; size++) {
        expect(outcome(bytes.subarray(0, size))).toBe('truncated');
      }
    }
  });

  test('are refused with anything behind them', () => {
    expect(outcome(Uint8Array.of(...FULL, 0))).toBe('trailing-bytes');
  });

  test.each<[string, string, (bytes: Uint8Array) => void]>([
    ['another kind', 'unknown-kind', (bytes) => bytes.set([5])],
    ['a reserved flag', 'bad-flags', (bytes) => bytes.set([8], 1)],
    ['another fingerprint', 'schema-mismatch', (bytes) => bytes.set([bytes[2]! ^ 1], 2)],
    ['seq 0', 'bad-value', (bytes) => bytes.set([0], 4)],
    ['a time that is no number', 'bad-value', (bytes) => bytes.set([0x7f, 0xf8], 7)],
    ['bits behind the last record', 'bad-flags', (bytes) => bytes.set([bytes.at(-1)! | 1], bytes.length - 1)],
  ])('are refused with %s', (_, code, spoil) => {
    const bytes = FULL.slice();
    spoil(bytes);
    expect(outcome(bytes)).toBe(code);
  });

  test('never do anything but throw an error with a code, random or mutated', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(FULL, DELTA),
        fc.array(fc.record({ at: fc.nat(100), value: fc.nat(255) }), { maxLength: 3 }),
      )
      .map(([bytes, edits]) => {
        const copy = bytes.slice();
        for (const { at, value } of edits) copy[at % copy.length] = value;
        return copy;
      });
    const random = fc
      .uint8Array({ maxLength: 60 })
      .map((rest) => Uint8Array.of(...FULL.subarray(0, 4), ...rest));
    fc.assert(
      fc.property(fc.oneof(mutated, random), (bytes) => {
        const read = outcome(bytes);
        if (typeof read === 'string') return true;
        // Whatever is accepted stays inside the schema.
        for (const record of read.records) {
          if (record.id < read.from || record.id > read.to) return false;
          if (record.form !== 'full') continue;
          for (const [index, level] of record.levels.entries()) {
            const { form, top } = record.kind.fields[index]!;
            if ((form === 'text' ? utf8.encode(level as string).length : Number(level)) > top) return false;
          }
        }
        return true;
      }),
      { numRuns: 20_000 },
    );
  });
});
