#!/usr/bin/env node
// The long run of hostile inputs (test/hostile/campaign.ts), bundled as it is now, so that edits do not disturb it.
//
//   npm run fuzz -- [--inputs 1000000] [--from 0] [--jobs 2] [--out result.json]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const hostile = path.join(root, 'test/hostile');
const directory = mkdtempSync(path.join(root, 'node_modules/.fuzz-'));
const url = (file) => JSON.stringify(new URL(`file://${path.join(root, file)}`).href);
try {
  await build({
    entryPoints: { campaign: path.join(hostile, 'campaign.ts'), worker: path.join(hostile, 'worker.ts') },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    packages: 'external',
    logLevel: 'warning',
    plugins: [
      {
        // goldens are read relative to their module
        name: 'golden-place',
        setup({ onLoad }) {
          onLoad({ filter: /test\/golden\/goldens\.ts$/ }, async ({ path: file }) => {
            const { readFile } = await import('node:fs/promises');
            const text = await readFile(file, 'utf8');
            return { contents: text.replace('import.meta.url', url('test/golden/goldens.ts')), loader: 'ts' };
          });
        },
      },
    ],
  });
  const { status } = spawnSync(process.execPath, [path.join(directory, 'campaign.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
