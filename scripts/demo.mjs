#!/usr/bin/env node
// Compiles the tutorial's signal tracer and shows what came out.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const source = 'fixtures/sigsnoop/sigsnoop.bpf.c';
const out = mkdtempSync(path.join(os.tmpdir(), 'ecc-demo-'));

ecc([source, '-o', out]);
console.log('\nWhat was made:');
for (const file of readdirSync(out).sort())
  console.log(`  ${path.join(out, file)}  ${statSync(path.join(out, file)).size} bytes`);
console.log('\nWhat is in it:');
ecc(['inspect', 'package', path.join(out, 'package.json')]);
console.log(
  `\nRun it as root, and kill something in another terminal:\n  sudo node bin/ecc.js run --trace ${path.join(out, 'package.json')}`,
);

function ecc(args) {
  console.log(`$ ecc ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [path.join(root, 'bin/ecc.js'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
