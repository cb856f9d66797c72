import { defineConfig } from 'vitest/config';
import { Calm } from './reporter.ts';

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['**/*.test.ts'],
    globalSetup: ['setup.ts'],
    // Two cores, and tests that measure time: one file after the other.
    fileParallelism: false,
    testTimeout: 30_000,
    expect: { poll: { timeout: 15_000, interval: 50 } },
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    reporters: [new Calm(), ['json', { outputFile: '../.cache/test/e2e.json' }]],
  },
});
