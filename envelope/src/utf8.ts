import { ProtocolError } from './errors.ts';

// Without `stream` both are stateless, so one of each serves everybody. U+FEFF is a character like any other.
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Below this many bytes a loop over ASCII is faster than the call into TextDecoder. */
const SHORT = 24;

/** Size of `text` in UTF-8, or -1 where it holds half of a surrogate pair, which UTF-8 cannot carry. */
export function utf8Size(text: string): number {
  let size = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      size++;
      continue;
    }
    size += 2;
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const low = text.charCodeAt(++index);
    if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return -1;
  }
  return size;
}

/** The bytes of a string that is known to be well-formed. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Reads what is between two indices of `bytes`, strictly. Throws `bad-utf8`. */
export function readUtf8(bytes: Uint8Array, from = 0, to = bytes.length): string {
  if (to - from < SHORT) {
    let text = '';
    let at = from;
    for (; at < to && bytes[at]! < 0x80; at++) text += String.fromCharCode(bytes[at]!);
    if (at === to) return text;
  }
  try {
    return decoder.decode(bytes.subarray(from, to));
  } catch (cause) {
    throw new ProtocolError('bad-utf8', 'not UTF-8', { cause });
  }
}
