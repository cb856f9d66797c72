import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { defineInput } from './input-schema.ts';
import { angle, boolean, integer, oneOf, quantized, text } from './schema-field.ts';
import { StateError } from './state-error.ts';

const codec = defineInput({
  turn: integer({ min: -1, max: 1 }),
  thrust: quantized({ min: 0, max: 1, step: 0.25 }),
  fire: boolean(),
  weapon: oneOf('none', 'laser'),
});

describe('an input by its fields', () => {
  test('takes no more bits than they need', () => {
    const bytes = codec.encode({ turn: -1, thrust: 0.5, fire: true, weapon: 'laser' });
    expect(Buffer.from(bytes).toString('hex')).toBe('16');
    expect(codec.decode(bytes)).toEqual({ turn: -1, thrust: 0.5, fire: true, weapon: 'laser' });
    expectTypeOf(codec.decode(bytes).weapon).toEqualTypeOf<'none' | 'laser'>();
  });

  test('comes back as it was, and the same gives the same bytes', () => {
    const input = fc.record({
      turn: fc.constantFrom(-1, 0, 1),
      thrust: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
      fire: fc.boolean(),
      weapon: fc.constantFrom('none' as const, 'laser' as const),
    });
    fc.assert(
      fc.property(input, (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(value);
        expect(codec.encode({ ...value })).toEqual(codec.encode(value));
      }),
    );
  });

  test('is clamped to its range', () => {
    const far = codec.encode({ turn: 9, thrust: -3, fire: false, weapon: 'none' });
    expect(codec.decode(far)).toMatchObject({ turn: 1, thrust: 0 });
    expect(() => codec.encode({ turn: Number.NaN, thrust: 0, fire: false, weapon: 'none' })).toThrow(
      StateError,
    );
  });

  test('random bytes are an input or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3 }), (bytes) => {
        try {
          expect(codec.encode(codec.decode(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
    expect(() => codec.decode(new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'truncated' }));
    expect(() => codec.decode(Uint8Array.of(0xc0))).toThrow(expect.objectContaining({ code: 'bad-value' }));
  });

  test('has fields, no text, and at most 255 bytes', () => {
    for (const fields of [{}, { name: text(8) }])
      expect(() => defineInput(fields)).toThrow(expect.objectContaining({ code: 'bad-schema' }));
    const wide = Object.fromEntries(Array.from({ length: 140 }, (_, index) => [index, angle(16)]));
    expect(() => defineInput(wide)).toThrow(expect.objectContaining({ code: 'bad-schema' }));
  });
});
