/** The 32 bytes of a SHA-256 given as bytes or base64. Throws `TypeError` for anything else. */
export function hashBytes(hash: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const bytes = typeof hash === 'string' ? fromBase64(hash) : Uint8Array.from(hash);
  if (bytes?.length !== 32) throw new TypeError('certificateHashes: not a SHA-256');
  return bytes;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
