/** What travels: a number, when it was made, and bytes that only make it longer. */
export interface Numbered {
  readonly number: number;
  /** ms, on the clock that all processes of the machine share. */
  readonly born: number;
}

/** Bytes before the padding. */
const HEAD = 12;

/** A payload of `size` bytes, at least 12. */
export function pack({ number, born }: Numbered, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(HEAD, size));
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, born);
  view.setUint32(8, number);
  return bytes;
}

export function unpack(bytes: Uint8Array): Numbered {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { born: view.getFloat64(0), number: view.getUint32(8) };
}
