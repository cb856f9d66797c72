const encoder = new TextEncoder();

/** The longest beginning of `reason` that is whole characters and at most `maxBytes` of UTF-8. */
export function fitReason(reason: string, maxBytes: number): string {
  if (reason.length * 3 <= maxBytes) return reason;
  // `encodeInto` stops in front of the first character that does not fit whole.
  const { read } = encoder.encodeInto(reason, new Uint8Array(maxBytes));
  return reason.slice(0, read);
}
