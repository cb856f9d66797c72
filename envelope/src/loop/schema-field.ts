import { utf8Size } from '../utf8.ts';
import { StateError } from './state-error.ts';

/** How a field is told on the wire. */
export type FieldForm = 'number' | 'angle' | 'boolean' | 'choice' | 'text';

/** Counts the values that lay outside their field's range. */
export interface Tally {
  clamped: number;
}

/**
 * One field of an entity. Everything but text is held and sent as a whole number, its level, from 0 to `top`; both
 * ends compute values from levels alone, so they agree to the last bit.
 */
export interface StateField<Value> {
  readonly form: FieldForm;
  /** Bits of a level in full; of a text, bits of its size. */
  readonly bits: number;
  /** The largest level; of a text, its largest size in bytes. */
  readonly top: number;
  /** What makes it different from other fields; goes into the schema's fingerprint. */
  readonly plan: string;
  /** The level nearest to a value. Throws StateError `bad-value`. Of a text 0, after the same check. */
  level(value: unknown, tally: Tally): number;
  /** The value of a level. */
  value(level: number): Value;
}

/** The value of a field. */
export type ValueOf<Field> = Field extends StateField<infer Value> ? Value : never;

const TAU = 2 * Math.PI;

/** Bits that hold every whole number up to `top`. */
export function bitsOf(top: number): number {
  return 32 - Math.clz32(top);
}

/**
 * A number between `min` and `max`, told to the nearest `step`; half a step is the largest error. What lies outside is
 * clamped and counted: a body that overshoots the world for a tick is no reason to stop a game. NaN is `bad-value`.
 * At most 2^31 steps; throws StateError `bad-schema`.
 */
export function quantized(range: {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}): StateField<number> {
  const { min, max, step } = range;
  const top = Math.round((max - min) / step);
  const sane = Number.isFinite(min) && Number.isFinite(max) && step > 0 && max > min;
  if (!sane || top < 1 || top >= 2 ** 31) {
    throw new StateError('bad-schema', `quantized: ${min} to ${max} by ${step} has no 1 to 2^31 steps`);
  }
  return {
    form: 'number',
    bits: bitsOf(top),
    top,
    plan: `number ${min} ${max} ${step}`,
    level(value, tally) {
      if (typeof value !== 'number' || Number.isNaN(value)) throw badValue('a number', value);
      const level = Math.round((value - min) / step);
      if (level >= 0 && level <= top) return level;
      tally.clamped++;
      return level < 0 ? 0 : top;
    },
    value: (level) => min + level * step,
  };
}

/** A whole number between `min` and `max`, both inclusive; clamped and rounded as `quantized` does. Throws StateError `bad-schema`. */
export function integer(range: { readonly min: number; readonly max: number }): StateField<number> {
  if (!Number.isSafeInteger(range.min) || !Number.isSafeInteger(range.max)) {
    throw new StateError('bad-schema', 'integer: min and max are whole numbers');
  }
  return quantized({ ...range, step: 1 });
}

/**
 * An angle in radians, told in `bits` bits as a share of the full turn: 10 bits are steps of 0.35 degrees. Read back
 * between -π and π. A change is told the short way round. Throws StateError `bad-schema` outside 2-16 bits.
 * @param bits @default 10
 */
export function angle(bits = 10): StateField<number> {
  if (!Number.isInteger(bits) || bits < 2 || bits > 16) {
    throw new StateError('bad-schema', 'angle: 2 to 16 bits');
  }
  const steps = 2 ** bits;
  return {
    form: 'angle',
    bits,
    top: steps - 1,
    plan: `angle ${bits}`,
    level(value) {
      if (typeof value !== 'number' || !Number.isFinite(value)) throw badValue('a finite angle', value);
      const level = Math.round((value / TAU) * steps) % steps;
      return level < 0 ? level + steps : level;
    },
    value: (level) => (level >= steps / 2 ? level - steps : level) * (TAU / steps),
  };
}

/** True or false. A change costs no bits beyond saying that there is one. */
export function boolean(): StateField<boolean> {
  return {
    form: 'boolean',
    bits: 1,
    top: 1,
    plan: 'boolean',
    level(value) {
      if (typeof value !== 'boolean') throw badValue('true or false', value);
      return value ? 1 : 0;
    },
    value: (level) => level === 1,
  };
}

/** One of 2 to 256 words. Throws StateError `bad-schema`. */
export function oneOf<const Words extends readonly string[]>(...words: Words): StateField<Words[number]> {
  if (words.length < 2 || words.length > 256 || new Set(words).size < words.length) {
    throw new StateError('bad-schema', 'oneOf: 2 to 256 different words');
  }
  return {
    form: 'choice',
    bits: bitsOf(words.length - 1),
    top: words.length - 1,
    plan: `choice ${JSON.stringify(words)}`,
    level(value) {
      const level = words.indexOf(value as string);
      if (level < 0) throw badValue(`one of ${words.join(', ')}`, value);
      return level;
    },
    value: (level) => words[level]!,
  };
}

/**
 * A short text, at most `maxBytes` bytes of UTF-8; a longer one is `bad-value`. It is sent whole when it changes.
 * Throws StateError `bad-schema` outside 1-255 bytes.
 */
export function text(maxBytes: number): StateField<string> {
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 255) {
    throw new StateError('bad-schema', 'text: 1 to 255 bytes');
  }
  return {
    form: 'text',
    bits: bitsOf(maxBytes),
    top: maxBytes,
    plan: `text ${maxBytes}`,
    level(value) {
      const size = typeof value === 'string' ? utf8Size(value) : -1;
      if (size < 0 || size > maxBytes) throw badValue(`a text of at most ${maxBytes} bytes`, value);
      return 0;
    },
    value: () => '',
  };
}

function badValue(expected: string, value: unknown): StateError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
  return new StateError('bad-value', `expected ${expected}, not ${shown}`);
}
