/** Calls `open` with 0 to `count - 1`, `batch` at once, and waits until all are done. */
export async function inBatches(
  count: number,
  open: (i: number) => Promise<unknown>,
  batch = 50,
): Promise<void> {
  for (let i = 0; i < count; i += batch) {
    await Promise.all(Array.from({ length: Math.min(batch, count - i) }, (_, j) => open(i + j)));
  }
}
