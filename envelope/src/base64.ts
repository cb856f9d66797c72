import { ProtocolError } from './errors.ts';

// String.fromCharCode takes its bytes as arguments; engines allow at least this many.
const STRIDE = 8192;

/** Standard alphabet, with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += STRIDE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + STRIDE));
  }
  return btoa(binary);
}

/** Throws `bad-value` for anything but the one canonical spelling. */
export function fromBase64(text: unknown, name: string): Uint8Array<ArrayBuffer> {
  let binary: string | undefined;
  try {
    if (typeof text === 'string') binary = atob(text);
  } catch {}
  // atob lets white space, missing padding and stray bits pass; what it read must be spelled just so.
  if (binary === undefined || btoa(binary) !== text)
    throw new ProtocolError('bad-value', `${name}: expected base64`);
  return Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
}
