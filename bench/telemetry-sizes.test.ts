import { expect, test } from 'vitest';
import { bytesPerReading, seeded, signals } from './telemetry-sizes-signals.ts';

test('readings take a fraction of what they take in JSON and CBOR, in small messages and in large ones', () => {
  for (const signal of signals(seeded(11))) {
    for (const readings of [20, 1000]) {
      const bytes = bytesPerReading('Spillway', signal, readings);
      expect(bytes, signal.name).toBeLessThan(bytesPerReading('JSON columns', signal, readings) / 2);
      expect(bytes, signal.name).toBeLessThan(bytesPerReading('CBOR columns', signal, readings) / 1.5);
    }
  }
});
