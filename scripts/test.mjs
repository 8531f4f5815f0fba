#!/usr/bin/env node
// Every check: formatting and lint, types, what is known against dependencies, tests. Ends with one line that counts them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const counts = { passed: 0, failed: 0, skipped: 0 };

/** Exit status of a check that could not be made; it has printed why. */
const SKIPPED = 77;

function check(name, args) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  counts[status === 0 ? 'passed' : status === SKIPPED ? 'skipped' : 'failed']++;
}

check('biome', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']);
check('tsc', ['node_modules/typescript/bin/tsc', '--noEmit']);
// who tries out a few tests does not ask the registry each time
if (process.argv.length === 2) check('npm audit', ['scripts/audit.mjs']);

console.log('\n== vitest');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'ecc-test-'));
try {
  const report = path.join(scratch, 'report.json');
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const messages = path.join(scratch, 'messages');
  mkdirSync(messages);
  const env = { ...process.env, ECC_TEST_MESSAGES: messages };
  const { status } = spawnSync(process.execPath, [...args, ...process.argv.slice(2)], { stdio: 'inherit', env });
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    counts.passed += result.numPassedTests;
    counts.failed += result.numFailedTests;
    counts.skipped += result.numPendingTests + result.numTodoTests;
  } catch {
    console.log('vitest left no report');
  }
  // a file that cannot be loaded fails without a failed test
  if (status !== 0 && counts.failed === 0) counts.failed++;
  // a choice of the tests provokes a part of the messages only
  if (process.argv.length === 2) check('the examples of docs/errors.md', ['scripts/errors-page.mjs', messages]);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
