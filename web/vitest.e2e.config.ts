import { defineConfig } from 'vitest/config';

/** Chromium drives the built binary: `make e2e`. One server at a time. Waits end with what they wait for; their ends are for a machine that is busy. */
export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'], environment: 'node', testTimeout: 180_000, hookTimeout: 120_000, expect: { poll: { timeout: 20_000 } }, fileParallelism: false, retry: 1,
  },
});
