import { fromBase64 } from './base64.ts';
import type { Reader, Writer } from './cursor.ts';
import { ProtocolError } from './errors.ts';
import { utf8Size } from './utf8.ts';

/**
 * One field, described once for both encodings. In text a field is the JSON value that `check` lets pass.
 * No field reads more than the bytes at hand, so nothing is allocated on the word of a length alone.
 */
export interface Field<T> {
  /** Appends a value that has passed `check`. */
  write(out: Writer, value: T): void;
  /** Reads without judging; `check` comes after. Throws `truncated`, `bad-varint`, `bad-utf8`. */
  read(from: Reader): unknown;
  /**
   * The value, if it is one of this field; throws `bad-value` or `bad-utf8` otherwise. With `strict`, a
   * member that is not a field is an error; else it is left out. `name` is for the message.
   */
  check(value: unknown, name: string, strict?: boolean): T;
}

/** The error of a field outside its range. */
export function badValue(name: string, expected: string): ProtocolError {
  return new ProtocolError('bad-value', `${name}: expected ${expected}`);
}

/** An integer `min`-`max`; a varint in binary. */
export function uint(max = Number.MAX_SAFE_INTEGER, min = 0): Field<number> {
  return {
    write: (out, value) => out.varint(value),
    read: (from) => from.varint(),
    check: (value, name) => {
      // Also turns -0, which JSON can say, into 0.
      if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
        return (value as number) + 0;
      }
      throw badValue(name, `an integer ${min}-${max}`);
    },
  };
}

/** A string of `min`-`max` bytes of UTF-8, of those that `valid` accepts. */
export function string(min: number, max: number, valid?: (value: string) => boolean): Field<string> {
  return {
    write: (out, value) => out.string(value),
    read: (from) => from.string(),
    check: (value, name) => {
      if (typeof value !== 'string') throw badValue(name, 'a string');
      const size = utf8Size(value);
      if (size < 0) throw new ProtocolError('bad-utf8', `${name}: half of a surrogate pair`);
      if (size < min || size > max) throw badValue(name, `${min}-${max} bytes`);
      if (valid && !valid(value)) throw badValue(name, 'a valid name');
      return value;
    },
  };
}

/** At most `max` bytes. In text, base64. */
export function bytes(max: number): Field<Uint8Array> {
  return {
    write: (out, value) => out.bytes(value),
    read: (from) => from.bytes(),
    check: (value, name, strict) => {
      const found = strict ? fromBase64(value, name) : value;
      if (found instanceof Uint8Array && found.length <= max) return found;
      throw badValue(name, `at most ${max} bytes`);
    },
  };
}

/** One of a fixed list of names; its index in one byte. */
export function oneOf<T extends string>(names: readonly T[]): Field<T> {
  return {
    write: (out, value) => out.byte(names.indexOf(value)),
    read: (from) => names[from.byte()] ?? null,
    check: (value, name) => {
      if (names.includes(value as T)) return value as T;
      throw badValue(name, `one of ${names.join()}`);
    },
  };
}

/** One byte, 0 or 1. In text, false may be left out. */
export const bool: Field<boolean> = {
  write: (out, value) => out.byte(value ? 1 : 0),
  read: (from) => [false, true][from.byte()] ?? null,
  check: (value = false, name) => {
    if (typeof value === 'boolean') return value;
    throw badValue(name, 'true or false');
  },
};

/** A presence byte, 0 or 1, and then the field where it is 1. In text, left out where absent. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    write: (out, value) => {
      bool.write(out, value !== undefined);
      if (value !== undefined) field.write(out, value);
    },
    read: (from) => (bool.check(bool.read(from), 'presence') ? field.read(from) : undefined),
    check: (value, name, strict) => (value === undefined ? value : field.check(value, name, strict)),
  };
}

/** A count of at most `max`, then that many. In text an array; an empty one may be left out. */
export function list<T>(field: Field<T>, max: number): Field<readonly T[]> {
  return {
    write: (out, value) => {
      out.varint(value.length);
      for (const item of value) field.write(out, item);
    },
    read: (from) => {
      const items: unknown[] = [];
      const count = from.varint();
      // One more than allowed is enough for `check` to refuse.
      while (items.length < count && items.length <= max) items.push(field.read(from));
      return items;
    },
    check: (value = [], name, strict) => {
      if (!Array.isArray(value) || value.length > max) throw badValue(name, `at most ${max} items`);
      return value.map((item) => field.check(item, name, strict));
    },
  };
}

/** Fields one after the other, without their names. In text an object. */
export function struct<T extends object>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Field<T> {
  const entries = Object.entries(fields) as [keyof T & string, Field<unknown>][];
  return {
    write: (out, value) => {
      for (const [key, field] of entries) field.write(out, value[key]);
    },
    read: (from) => {
      const value: Record<string, unknown> = {};
      for (const [key, field] of entries) value[key] = field.read(from);
      return value;
    },
    check: (source, name, strict) => {
      if (typeof source !== 'object' || source === null || Array.isArray(source)) {
        throw badValue(name, 'an object');
      }
      for (const key of strict ? Object.keys(source) : []) {
        if (!Object.hasOwn(fields, key)) throw badValue(name, `no member ${quoted(key)}`);
      }
      const value: Record<string, unknown> = {};
      for (const [key, field] of entries) {
        value[key] = field.check((source as Record<string, unknown>)[key], key, strict);
      }
      return value as T;
    },
  };
}

/** A mistyped name helps whoever reads a log; anything else may be a secret that got into the wrong place. */
function quoted(key: string): string {
  return /^[a-z]{1,20}$/i.test(key) ? `"${key}"` : 'of such a name';
}

/** A field that may be left out of text where it has the value `standard`. */
export function usually<T>(field: Field<T>, standard: T): Field<T> {
  return { ...field, check: (value = standard, name, strict) => field.check(value, name, strict) };
}
