import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      'ebpf-ecc/btf': src('btf/index.ts'),
      'ebpf-ecc/decode': src('decode/index.ts'),
      'ebpf-ecc/runner': src('runner/index.ts'),
      'ebpf-ecc': src('index.ts'),
    },
  },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/support/plain-text.ts', 'test/support/messages.ts'],
    // tests mostly wait for clang, one program at a time; without this a core is left free
    maxWorkers: availableParallelism(),
    // a second, the default, is little for a process that shares two processors with other tests
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
