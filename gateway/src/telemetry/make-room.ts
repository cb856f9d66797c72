/**
 * Is there room for one more? Where there is none, those that were not heard of since `idleSince` go, all at once, so that
 * looking for them is rare.
 */
export function makeRoom<Key, Value extends { readonly heardAt: number }>(
  held: Map<Key, Value>,
  limit: number,
  idleSince: number,
  gone: (value: Value) => void,
): boolean {
  if (held.size < limit) return true;
  for (const [key, value] of held) {
    if (value.heardAt > idleSince) continue;
    held.delete(key);
    gone(value);
  }
  return held.size < limit;
}
