#!/usr/bin/env node
// Whether anything is known against the packages of package-lock.json: those that are installed along with ours, and all, with those that go into
// the bundle, build and test. Ends with 1 when there is, with 77 when the registry does not answer such questions, as many mirrors.
//
//   npm run audit [-- DIRECTORY]      DIRECTORY: of another package-lock.json
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SKIPPED = 77;
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const directory = process.argv[2] ?? root;

const runs = [['--omit=dev'], []].map(async (flags) => {
  const name = ['npm', 'audit', ...flags].join(' ');
  return { name, ...judge(await npm(['audit', ...flags, '--json', '--fetch-retries=0', '--fetch-timeout=30000'])) };
});
const results = await Promise.all(runs);
for (const { name, lines } of results) for (const line of lines) console.log(`${name}: ${line}`);
process.exitCode = results.some(({ status }) => status === 1) ? 1 : Math.max(...results.map(({ status }) => status));

function npm(args) {
  return new Promise((resolve) => {
    const child = spawn('npm', args, { cwd: directory, stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', ({ message }) => resolve({ text: '', failure: message }));
    child.on('close', () => resolve({ text, failure: 'it printed no JSON' }));
  });
}

/** @returns {{ status: number, lines: string[] }} */
function judge({ text, failure }) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return { status: 1, lines: [`did not run: ${failure}`] };
  }
  if (report.auditReportVersion !== undefined) {
    const found = Object.values(report.vulnerabilities);
    if (found.length === 0) return { status: 0, lines: ['nothing is known against any package'] };
    return { status: 1, lines: found.map(describe) };
  }
  // an answer of the registry other than "yes", or none at all
  if (report.statusCode >= 400 || /^request to .* failed/.test(report.message ?? '')) {
    return { status: SKIPPED, lines: [`skipped, the registry cannot tell: ${report.message}`] };
  }
  return { status: 1, lines: [`failed: ${report.message ?? report.error?.summary ?? text}`] };
}

function describe({ name, severity, range, via }) {
  const reasons = via.map((one) => (typeof one === 'string' ? `through ${one}` : `${one.title} ${one.url}`));
  return `${severity}: ${name} ${range}: ${reasons.join('; ')}`;
}
