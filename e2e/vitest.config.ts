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
    // A renderer of Chromium 156 that dies by a null pointer of its own, about once in a thousand busy WebTransport
    // sessions that a server closes, says nothing about us. Nothing else is tried twice; the reporter tells.
    retry: { count: 1, condition: /\b(Target|Page) crashed\b/ },
    teardownTimeout: 20_000,
    reporters: [new Calm(), ['json', { outputFile: '../.cache/test/e2e.json' }]],
  },
});
