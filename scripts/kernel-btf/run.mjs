#!/usr/bin/env node
// Rebuilds the kernel BTF in data/ from Debian's kernel packages. See main.ts.
//
//   node scripts/kernel-btf/run.mjs [--update | --repack] [--downloads DIR] [ID...]
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
// inside the project, so that what the bundle leaves out is found
const scratch = mkdtempSync(path.join(here, '..', '..', 'node_modules', '.kernel-btf-'));
try {
  const outfile = path.join(scratch, 'main.mjs');
  await build({
    entryPoints: [path.join(here, 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  const { main } = await import(pathToFileURL(outfile).href);
  await main(path.join(here, '..', '..'), process.argv.slice(2));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
