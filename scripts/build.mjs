#!/usr/bin/env node
// Bundles the command line (CommonJS: it starts faster) and the library (ES modules), and writes the declarations.
//
//   node scripts/build.mjs [--no-types]
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** yargs measures help texts with a table of emoji that takes 40 ms to set up; ours are plain ASCII. */
const plainWidths = {
  name: 'plain-widths',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^string-width$/ }, () => ({ path: 'string-width', namespace: 'plain-widths' }));
    onLoad({ filter: /.*/, namespace: 'plain-widths' }, () => ({
      contents: 'module.exports = (text) => String(text).replace(/\\u001b\\[[0-9;]*m/g, "").length;',
    }));
  },
};

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  external: ['koffi'],
  define: { __ECC_VERSION__: JSON.stringify(version) },
  logLevel: 'warning',
  legalComments: 'none',
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  build({
    ...shared,
    entryPoints: { cli: 'src/cli/entry.ts' },
    outdir: 'dist',
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [plainWidths],
    define: { ...shared.define, 'import.meta.url': '__eccFileUrl' },
    banner: { js: "const __eccFileUrl = require('node:url').pathToFileURL(__filename).href;" },
  }),
  build({
    ...shared,
    entryPoints: { index: 'src/index.ts', btf: 'src/btf/index.ts', runner: 'src/runner/index.ts' },
    outdir: 'dist',
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // bundled CommonJS packages ask for Node's own modules
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  }),
  // runs in browsers too: nothing of Node's in it
  build({
    ...shared,
    entryPoints: { decode: 'src/decode/index.ts' },
    outdir: 'dist',
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
  }),
]);
if (!process.argv.includes('--no-types')) {
  const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
    stdio: 'inherit',
  });
  process.exitCode = tsc.status ?? 1;
}
