import { ProtocolError } from './errors.ts';
import { encodeUtf8, readUtf8 } from './utf8.ts';

/** JSON.parse with our error. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('bad-json', 'not JSON', { cause });
  }
}

/**
 * The payload of codec `json` for a value. `undefined` is the payload of no bytes.
 * Throws `bad-json` for what JSON cannot say: cycles, bigints, functions.
 */
export function jsonPayload(value: unknown): Uint8Array<ArrayBuffer> {
  if (value === undefined) return new Uint8Array(0);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new ProtocolError('bad-json', 'the value cannot be written as JSON', { cause });
  }
  if (text === undefined) throw new ProtocolError('bad-json', 'the value cannot be written as JSON');
  return encodeUtf8(text);
}

/** The text of a payload that holds one JSON value. Throws `bad-json`. */
export function jsonText(payload: Uint8Array): string {
  let text: string;
  try {
    text = readUtf8(payload);
  } catch (cause) {
    throw new ProtocolError('bad-json', 'a JSON payload is not UTF-8', { cause });
  }
  parseText(text);
  return text;
}

/** The value of a payload of codec `json`; `undefined` for no bytes. Throws `bad-json`. */
export function parseJson(payload: Uint8Array): unknown {
  return payload.length === 0 ? undefined : parseText(jsonText(payload));
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * The stretches between the top-level commas of an object or array that JSON.parse has accepted. Raw bytes
 * and not values, so that a JSON payload passes through untouched: no number is rounded, no nesting recursed
 * into, nothing copied.
 */
export function splitJson(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let depth = 0;
  let from = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) {
      quoted = true;
    } else if (byte === COMMA && depth === 1) {
      parts.push(bytes.subarray(from, at));
      from = at + 1;
    } else if (byte === 0x5b || byte === 0x7b) {
      if (depth++ === 0) from = at + 1;
    } else if (byte === 0x5d || byte === 0x7d) {
      if (--depth === 0) parts.push(bytes.subarray(from, at));
    }
  }
  return parts;
}

/** The value of member `name` as it was written, without the white space around it. `members` as split. */
export function rawMember(members: readonly Uint8Array[], name: string): Uint8Array | undefined {
  for (const member of members) {
    const open = member.indexOf(QUOTE);
    let close = open + 1;
    while (member[close] !== QUOTE) close += member[close] === BACKSLASH ? 2 : 1;
    // Parsed, because a name may be written with escapes.
    if (JSON.parse(readUtf8(member, open, close + 1)) !== name) continue;
    let from = member.indexOf(0x3a, close) + 1;
    let to = member.length;
    while (isSpace(member[from])) from++;
    while (isSpace(member[to - 1])) to--;
    return member.subarray(from, to);
  }
  return undefined;
}
