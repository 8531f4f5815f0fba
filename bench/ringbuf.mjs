/** Bundles `ringbuf.ts` and runs it: `node bench/ringbuf.mjs`; `EVENTS=20000000` for another number of events. */
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(new URL(import.meta.url).pathname);
const root = path.join(here, '..');
// below the project, where the bundle finds koffi
const scratch = mkdtempSync(path.join(root, 'node_modules', '.ecc-bench-'));
try {
  const outfile = path.join(scratch, 'ringbuf.mjs');
  await build({
    entryPoints: [path.join(here, 'ringbuf.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    alias: { 'ebpf-ecc/runner': path.join(root, 'src', 'runner', 'index.ts') },
  });
  await import(pathToFileURL(outfile).href);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
