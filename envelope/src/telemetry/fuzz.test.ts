import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { MAX_BLOCK, MAX_TIME } from './bounds.ts';
import { PacketReader } from './packet-reader.ts';
import { defined, pack, START } from './test-readings.ts';

const reader = new PacketReader();

/** Reads all of it; what is accepted must be in its range, what is not a ProtocolError. */
function survive(bytes: Uint8Array): void {
  try {
    reader.open(bytes);
    while (reader.next()) {
      const { count, skip, times, values } = reader;
      if (skip) continue;
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(MAX_BLOCK);
      for (let index = 0; index < count; index++) {
        if (!(times[index]! >= 0 && times[index]! <= MAX_TIME && Number.isFinite(values[index])))
          throw new Error('out of range');
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

test('random bytes are an error and nothing else, with the head of a packet and without', () => {
  const head = [0x11, 7, 0, 0, 0, 0xac, 2, 0];
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 2 }),
      (random, headed, encoding) => {
        survive(headed ? Uint8Array.from([...head, 1, encoding, 5, ...random]) : random);
      },
    ),
    { numRuns: 20_000 },
  );
});

test('a packet with bytes changed is read or refused, never anything else', () => {
  const times = Array.from({ length: 80 }, (_, index) => START + index * 5 + (index % 2));
  const packets = (['scaled', 'float32', 'float64'] as const).map((encoding) => {
    const decimals = encoding === 'scaled' ? 2 : 0;
    return pack(
      defined({ encoding, decimals }),
      times,
      times.map((_, index) => Math.fround(Math.sin(index))),
    ).packets[0]!;
  });
  const change = fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.nat(2), fc.array(change, { minLength: 1, maxLength: 4 }), (which, changes) => {
      const bytes = packets[which]!.slice();
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      survive(bytes);
    }),
    { numRuns: 20_000 },
  );
});
