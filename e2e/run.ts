// The end-to-end tests: `node e2e/run.ts [part of a file name…]`. Exits non-zero when one fails.
import { fileURLToPath } from 'node:url';
import { startVitest } from 'vitest/node';

const vitest = await startVitest(process.argv.slice(2), {
  config: fileURLToPath(new URL('vitest.config.ts', import.meta.url)),
  run: true,
});
await vitest.close();
