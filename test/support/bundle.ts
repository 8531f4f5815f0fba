/** Sources of ours bundled for plain Node, for tests that need a process or a thread of their own. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..', '..');

/**
 * Path of a module made from `code`, which may import from `ebpf-ecc/runner` and below `src/` (`#src/cli/run.ts`). It lies where
 * Node finds our dependencies, and is gone when the test ends.
 * @param atEnd  where it is used by several tests: `afterAll`
 */
export async function bundle(
  name: string,
  code: string,
  atEnd: (remove: () => void) => void = onTestFinished,
): Promise<string> {
  const directory = mkdtempSync(path.join(ROOT, 'node_modules', '.ecc-test-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  // other users run it too
  chmodSync(directory, 0o755);
  const outfile = path.join(directory, `${name}.mjs`);
  await build({
    stdin: { contents: code, resolveDir: ROOT, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    define: { __ECC_VERSION__: '"0.0.0-test"' },
    alias: { 'ebpf-ecc/runner': path.join(ROOT, 'src/runner/index.ts'), '#src': path.join(ROOT, 'src') },
  });
  return outfile;
}
