import { defineConfig } from 'vitest/config';

/** Chromium drives the built binary: `make e2e`. One server at a time. */
export default defineConfig({
  test: { include: ['e2e/**/*.test.ts'], environment: 'node', testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false, retry: 1 },
});
