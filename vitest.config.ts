import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{envelope,delivery,certs,gateway,client}/src/**/*.test.ts',
      '{examples,bench,scripts,simulator}/**/*.test.ts',
    ],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
