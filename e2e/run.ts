// The end-to-end tests: `node e2e/run.ts [part of a file name…]`. Exits non-zero when one fails.
import { fileURLToPath } from 'node:url';
import { startVitest } from 'vitest/node';
import { sweep } from './network/namespace.ts';

// Interrupted, the test processes get the signal as well; what they leave behind goes when they are gone.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.once(signal, () => {
    setTimeout(() => {
      void sweep().finally(() => process.exit(128 + number));
    }, 500);
  });
}

const vitest = await startVitest(process.argv.slice(2), {
  config: fileURLToPath(new URL('vitest.config.ts', import.meta.url)),
  run: true,
});
await vitest.close();
