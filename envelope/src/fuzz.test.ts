import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../vectors.json' with { type: 'json' };
import {
  decode,
  type Envelope,
  encode,
  encodingOf,
  FrameReader,
  NameTable,
  ProtocolError,
  readPacket,
} from './index.ts';

// 125 000 cases here, 25 000 in roundtrip.test.ts. A failure prints its seed and the smallest input that shows it.

const COMPACT = 0x10;

/** Knows every number below 128. */
const table = new NameTable(1000);
table.clock = 1_764_000_000_000;
table.define({
  kind: 'names',
  routes: Array.from({ length: 128 }, (_, number) => ({ number, channel: 'arena/7', type: `T${number}` })),
  keys: Array.from({ length: 128 }, (_, number) => ({ number, key: `k${number}` })),
});

type Outcome = { readonly envelope: Envelope } | { readonly code: string };

/** Throws on anything but a ProtocolError. */
function outcome(bytes: Uint8Array): Outcome {
  try {
    return { envelope: decode(bytes, table) };
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code };
    throw error;
  }
}

/** What must hold for any bytes at all. */
function check(bytes: Uint8Array): void {
  const result = outcome(bytes);
  // The same bytes amid others give the same, payload and all: nothing beyond either end is read.
  const amid = new Uint8Array(bytes.length + 32).fill(0x31);
  amid.set(bytes, 16);
  expect(outcome(amid.subarray(16, 16 + bytes.length))).toEqual(result);
  for (const run of [
    () => readPacket(bytes, table, () => {}),
    () => new FrameReader(1000).push(bytes, () => {}),
  ]) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  if ('code' in result) return;
  // There is one way to write an envelope in binary, so what was accepted is what would be written.
  const encoding = encodingOf(bytes);
  const compact = encoding === 'binary' && bytes[0] === 0x21 && (bytes[1]! & COMPACT) > 0;
  const again = encode(result.envelope, encoding);
  if (encoding === 'binary' && !compact) expect(again).toEqual(bytes);
  else expect(decode(again)).toEqual(result.envelope);
}

/** Small numbers and letters often, so that random fields are valid often. */
const anyByte = fc.oneof(fc.nat(255), fc.nat(4), fc.integer({ min: 0x60, max: 0x7a }));

test('random bytes never do anything but throw a ProtocolError', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 20_000 });
});

test('random fields after a valid first byte never do anything but throw a ProtocolError', () => {
  const bytes = fc
    .tuple(fc.integer({ min: 0x21, max: 0x35 }), fc.array(anyByte, { maxLength: 40 }))
    .map(([first, rest]) => Uint8Array.of(first, ...rest));
  fc.assert(fc.property(bytes, check), { numRuns: 30_000 });
});

const seeds = vectors.envelopes
  .map((vector) =>
    'text' in vector && vector.text !== undefined
      ? Buffer.from(vector.text)
      : Buffer.from(vector.hex ?? '', 'hex'),
  )
  .filter(({ length }) => length > 0 && length < 1000);

const mutation = fc.record({
  at: fc.nat(1000),
  remove: fc.nat(2),
  insert: fc.array(anyByte, { maxLength: 2 }),
});

test('mutated vectors, binary and text, never do anything but throw a ProtocolError', () => {
  const bytes = fc
    .tuple(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([seed, mutations]) => {
      const mutated = [...seed];
      for (const { at, remove, insert } of mutations)
        mutated.splice(at % (mutated.length + 1), remove, ...insert);
      return Uint8Array.from(mutated);
    });
  fc.assert(fc.property(bytes, check), { numRuns: 60_000 });
});

test('random members of random values in text never do anything but throw a ProtocolError', () => {
  const names = [
    'type',
    'channel',
    'payload',
    'meta',
    'id',
    'seq',
    'ts',
    'codec',
    'time',
    'code',
    'details',
    '__proto__',
  ];
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('json', 'bytes', 'AAAA', 1, 'a'));
  const text = fc
    .record({
      kind: fc.constantFrom('event', 'request', 'response', 'error', 'ping', 'ack', 'hello', 'names', 'none'),
      members: fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 6 }),
    })
    .map(({ kind, members }) => {
      const written = members.map(([name, member]) => `,${JSON.stringify(name)}:${JSON.stringify(member)}`);
      return new TextEncoder().encode(`{"v":1,"kind":"${kind}"${written.join('')}}`);
    });
  fc.assert(fc.property(text, check), { numRuns: 15_000 });
});
