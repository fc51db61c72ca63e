import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { dedupe: ['@codemirror/state', '@codemirror/view', '@lezer/common'] },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'], environment: 'node', testTimeout: 300_000 },
});
