import { defineConfig } from 'vitest/config';

/** Chromium drives the built binary: `make e2e`. Two files at a time, each with a server of its own. Waits end with what they wait for; their ends are for a machine that is busy. */
export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'], environment: 'node', testTimeout: 180_000, hookTimeout: 120_000, expect: { poll: { timeout: 20_000 } }, maxWorkers: 2, retry: 1,
  },
});
