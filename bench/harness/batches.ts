/** Connections that are opened at once. */
const BATCH = 50;

/** Calls `open` with 0 to `count - 1`, some at once, and waits until all are done. */
export async function inBatches(count: number, open: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i += BATCH) {
    await Promise.all(Array.from({ length: Math.min(BATCH, count - i) }, (_, j) => open(i + j)));
  }
}
