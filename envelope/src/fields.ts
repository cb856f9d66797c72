import { ProtocolError } from './errors.ts';
import { readUtf8, utf8Size, writeUtf8 } from './utf8.ts';
import { readVarint, varintSize, writeVarint } from './varint.ts';

/** Grows as fields are written; control envelopes are small and rare. */
export class Writer {
  #bytes = new Uint8Array(128);
  #length = 0;

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  varint(value: number): void {
    this.#room(8);
    this.#length = writeVarint(this.#bytes, this.#length, value);
  }

  string(text: string, size: number): void {
    this.varint(size);
    this.#room(size);
    this.#length = writeUtf8(this.#bytes, this.#length, text, size);
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #room(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#length + size));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** A position in received bytes. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw new ProtocolError('truncated', 'the bytes end inside a field');
    return this.#bytes[this.#at++]!;
  }

  varint(): number {
    const value = readVarint(this.#bytes, this.#at);
    this.#at += varintSize(value);
    return value;
  }

  string(size: number): string {
    const from = this.#at;
    this.#at += size;
    return readUtf8(this.#bytes, from, this.#at);
  }

  end(): void {
    if (this.#at < this.#bytes.length)
      throw new ProtocolError('trailing-bytes', 'bytes after the last field');
  }
}

/**
 * One field, described once for both encodings. `name` is for messages only. `toText` gives JSON text, empty
 * where the member is left out; `fromText` takes what JSON.parse made of the member, undefined where it was
 * left out. All four throw `ProtocolError`.
 */
export interface Field<T> {
  write(out: Writer, value: T, name: string): void;
  read(from: Reader, name: string): T;
  toText(value: T, name: string): string;
  fromText(value: unknown, name: string): T;
}

/** The error of a field outside its range. */
export function badValue(name: string, expected: string): ProtocolError {
  return new ProtocolError('bad-value', `${name}: expected ${expected}`);
}

/** An integer `min`-`max`; a varint in binary. */
export function uint(max = Number.MAX_SAFE_INTEGER, min = 0): Field<number> {
  const check = (value: unknown, name: string): number => {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
      return value as number;
    throw badValue(name, `an integer ${min}-${max}`);
  };
  return {
    write: (out, value, name) => out.varint(check(value, name)),
    read: (from, name) => check(from.varint(), name),
    toText: (value, name) => `${check(value, name)}`,
    fromText: check,
  };
}

/** Checks a string that is to be written or came in text; returns its size in UTF-8. */
export function stringSize(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'string') throw badValue(name, 'a string');
  // A string has at least as many bytes as units, so a huge one is not even measured.
  const size = value.length > max ? value.length : utf8Size(value);
  if (size === -1) throw new ProtocolError('bad-utf8', `${name}: half of a surrogate pair`);
  if (size < min || size > max) throw badValue(name, `a string of ${min}-${max} bytes`);
  return size;
}

/** A string of `min`-`max` bytes of UTF-8, of those that `valid` accepts. */
export function string(min: number, max: number, valid?: (value: string) => boolean): Field<string> {
  const accept = (value: string, name: string): string => {
    if (valid && !valid(value)) throw badValue(name, 'a valid name');
    return value;
  };
  const check = (value: unknown, name: string): string => {
    stringSize(value, name, min, max);
    return accept(value as string, name);
  };
  return {
    write: (out, value, name) => out.string(check(value, name), utf8Size(value)),
    read: (from, name) => {
      const size = from.varint();
      if (size < min || size > max) throw badValue(name, `a string of ${min}-${max} bytes`);
      return accept(from.string(size), name);
    },
    toText: (value, name) => JSON.stringify(check(value, name)),
    fromText: check,
  };
}

/** One of a fixed list of names; its index in one byte. */
export function oneOf<T extends string>(names: readonly T[]): Field<T> {
  const index = (value: unknown, name: string): number => {
    const found = names.indexOf(value as T);
    if (found < 0) throw badValue(name, `one of ${names.join(', ')}`);
    return found;
  };
  return {
    write: (out, value, name) => out.byte(index(value, name)),
    read: (from, name) => names[index(names[from.byte()], name)]!,
    toText: (value, name) => `"${names[index(value, name)]}"`,
    fromText: (value, name) => names[index(value, name)]!,
  };
}

/** One byte, 0 or 1. In text, false may be left out. */
export const bool: Field<boolean> = {
  write: (out, value) => out.byte(value ? 1 : 0),
  read: (from, name) => {
    const value = from.byte();
    if (value > 1) throw badValue(name, '0 or 1');
    return value === 1;
  },
  toText: (value) => (value ? 'true' : ''),
  fromText: (value = false, name) => {
    if (typeof value !== 'boolean') throw badValue(name, 'true or false');
    return value;
  },
};

/** A presence byte, 0 or 1, and then the field where it is 1. In text, left out where absent. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    write: (out, value, name) => {
      bool.write(out, value !== undefined, name);
      if (value !== undefined) field.write(out, value, name);
    },
    read: (from, name) => (bool.read(from, name) ? field.read(from, name) : undefined),
    toText: (value, name) => (value === undefined ? '' : field.toText(value, name)),
    fromText: (value, name) => (value === undefined ? undefined : field.fromText(value, name)),
  };
}

/** A count of at most `max`, then that many. In text an array; an empty one may be left out. */
export function list<T>(field: Field<T>, max: number): Field<readonly T[]> {
  const check = (value: unknown, name: string): readonly unknown[] => {
    if (!Array.isArray(value) || value.length > max) throw badValue(name, `a list of at most ${max}`);
    return value;
  };
  return {
    write: (out, value, name) => {
      out.varint(check(value, name).length);
      for (const item of value) field.write(out, item, name);
    },
    read: (from, name) => {
      const count = from.varint();
      if (count > max) throw badValue(name, `a list of at most ${max}`);
      // Grown item by item: a count alone must not allocate.
      const items: T[] = [];
      while (items.length < count) items.push(field.read(from, name));
      return items;
    },
    toText: (value, name) => {
      check(value, name);
      return value.length === 0 ? '' : `[${value.map((item) => field.toText(item, name)).join()}]`;
    },
    fromText: (value = [], name) => check(value, name).map((item) => field.fromText(item, name)),
  };
}

/** Fields one after the other, without names. In text an object; a member that is not a field is an error. */
export function struct<T extends object>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Field<T> {
  const entries = Object.entries(fields) as [keyof T & string, Field<unknown>][];
  return {
    write: (out, value) => {
      for (const [name, field] of entries) field.write(out, value[name], name);
    },
    read: (from) => {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = field.read(from, name);
      return value as T;
    },
    toText: (value) => {
      const members: string[] = [];
      for (const [name, field] of entries) {
        const text = field.toText(value[name], name);
        if (text) members.push(`"${name}":${text}`);
      }
      return `{${members.join()}}`;
    },
    fromText: (source, name) => {
      if (typeof source !== 'object' || source === null || Array.isArray(source))
        throw badValue(name, 'an object');
      for (const key of Object.keys(source)) {
        if (!Object.hasOwn(fields, key)) throw badValue(name, `no member ${JSON.stringify(key)}`);
      }
      const value: Record<string, unknown> = {};
      for (const [key, field] of entries)
        value[key] = field.fromText((source as Record<string, unknown>)[key], key);
      return value as T;
    },
  };
}
