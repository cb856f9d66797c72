import { ProtocolError } from '../errors.ts';
import { MAX_INPUT_BYTES } from './input.ts';
import type { StateField, ValueOf } from './schema-field.ts';
import { BitReader, BitWriter } from './state-bits.ts';
import { StateError } from './state-error.ts';

/** Writes and reads one input. Equal inputs must give equal bytes, so that repeats cost nothing. */
export interface InputCodec<Input> {
  /** In at most 255 bytes. */
  encode(input: Input): Uint8Array;
  /** Throws for bytes that are no input; the client is told so. */
  decode(bytes: Uint8Array): Input;
}

/** Fields of an input by name: those of states but for `text`. */
export type InputFields = Readonly<Record<string, StateField<unknown>>>;

/** The input that fields describe. */
export type InputOf<Fields extends InputFields> = { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> };

/**
 * Packs inputs into as few bits as their fields need: `defineInput({ turn: integer({ min: -1, max: 1 }), fire: boolean() })`
 * takes one byte. Numbers outside their range are clamped. `encode` throws StateError `bad-value` for what a field cannot
 * hold, `decode` ProtocolError `truncated`, `trailing-bytes`, `bad-flags`, `bad-value`.
 * @throws StateError `bad-schema` for no fields, a text, or more than 255 bytes
 */
export function defineInput<const Fields extends InputFields>(fields: Fields): InputCodec<InputOf<Fields>> {
  const entries = Object.entries(fields);
  const bits = entries.reduce((sum, [, field]) => sum + field.bits, 0);
  const bytes = Math.ceil(bits / 8);
  const hasText = entries.some(([, { form }]) => form === 'text');
  if (entries.length === 0 || hasText || bytes > MAX_INPUT_BYTES)
    throw new StateError(
      'bad-schema',
      `an input has fields other than text, of 1 to ${MAX_INPUT_BYTES} bytes`,
    );
  return {
    encode(input) {
      const writer = new BitWriter(bytes);
      const clamped = { clamped: 0 };
      for (const [name, field] of entries)
        writer.write(field.level((input as Record<string, unknown>)[name], clamped), field.bits);
      writer.finish();
      return writer.bytes;
    },
    decode(given) {
      const reader = new BitReader(given);
      const input: Record<string, unknown> = {};
      for (const [name, field] of entries) {
        const level = reader.read(field.bits);
        if (level > field.top) throw new ProtocolError('bad-value', `${name} leaves its range`);
        input[name] = field.value(level);
      }
      reader.end();
      return input as InputOf<Fields>;
    },
  };
}
