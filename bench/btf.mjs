/**
 * Opening and indexing a kernel's BTF, in processes of their own, and the whole header of that kernel against bpftool's:
 * `node bench/btf.mjs [FILE] [--json]`, after `npm run build`. `ROUNDS=50` for other than 15 rounds.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const root = path.join(here, '..');
const rounds = Number(process.env.ROUNDS ?? 15);
const given = process.argv.slice(2).find((argument) => !argument.startsWith('-')) ?? '/sys/kernel/btf/vmlinux';
const scratch = mkdtempSync(path.join(tmpdir(), 'ecc-bench-'));
const env = { ...process.env };
// these change how long Node takes to start, the latter by more than all the rest
for (const name of ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS']) delete env[name];

/** A program's output and the milliseconds from its start to its end; its output goes to a file, as with `>`. */
function timed(command, args) {
  const output = openSync(path.join(scratch, 'output'), 'w');
  const start = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: ['ignore', output, 'pipe'],
    env,
  });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  closeSync(output);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return { ms, bytes: statSync(path.join(scratch, 'output')).size };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Median, and the best: on a busy machine only the best round was undisturbed. */
function summary(values) {
  return { median: median(values), best: Math.min(...values) };
}

async function opening(file) {
  const bundle = path.join(scratch, 'open.mjs');
  await build({
    entryPoints: [path.join(here, 'btf-open.ts')],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    alias: { 'ebpf-ecc/btf': path.join(root, 'src', 'btf', 'index.ts') },
  });
  const runs = Array.from({ length: rounds }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [bundle, file], { encoding: 'utf8', env });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  });
  const { bytes, types } = runs[0];
  return {
    bytes,
    types,
    readMs: summary(runs.map((run) => run.readMs)),
    openMs: summary(runs.map((run) => run.openMs)),
    firstMs: summary(runs.map((run) => run.firstMs)),
    typesMs: summary(runs.map((run) => run.typesMs)),
    othersMs: summary(runs.map((run) => run.othersMs)),
    warmOpenMs: summary(runs.map((run) => run.warmOpenMs)),
    warmFirstMs: summary(runs.map((run) => run.warmFirstMs)),
    warmTypesMs: summary(runs.map((run) => run.warmTypesMs)),
    warmOthersMs: summary(runs.map((run) => run.warmOthersMs)),
    openAndFirstMs: summary(runs.map((run) => run.openMs + run.firstMs)),
    warmOpenAndFirstMs: summary(runs.map((run) => run.warmOpenMs + run.warmFirstMs)),
    warmOpenAndTypesMs: summary(runs.map((run) => run.warmOpenMs + run.warmTypesMs)),
    warmOpenAndAllMs: summary(runs.map((run) => run.warmOpenMs + run.warmTypesMs + run.warmOthersMs)),
    cpuMs: summary(runs.map((run) => run.cpuMs)),
    peakPerByte: summary(runs.map((run) => run.peakBytes / bytes)),
  };
}

function header(file) {
  const bpftool = ['/usr/sbin/bpftool', '/usr/local/sbin/bpftool'].find(existsSync) ?? 'bpftool';
  const ours = () => timed(process.execPath, [path.join(root, 'bin', 'ecc.js'), 'vmlinux', '--btf', file]);
  const theirs = () => timed(bpftool, ['btf', 'dump', 'file', file, 'format', 'c']);
  ours();
  theirs();
  const runs = Array.from({ length: rounds }, (_, round) => {
    // In turns, so that what slows the machine down slows both down.
    const first = round % 2 === 0 ? ours() : theirs();
    const second = round % 2 === 0 ? theirs() : ours();
    return round % 2 === 0 ? { ours: first, theirs: second } : { ours: second, theirs: first };
  });
  const oursMs = summary(runs.map((run) => run.ours.ms));
  const bpftoolMs = summary(runs.map((run) => run.theirs.ms));
  return {
    bytes: runs[0].ours.bytes,
    oursMs,
    bpftoolMs,
    ratio: median(runs.map((run) => run.ours.ms / run.theirs.ms)),
    bestRatio: oursMs.best / bpftoolMs.best,
  };
}

try {
  // A copy: sysfs makes each read of the kernel's own anew.
  const file = path.join(scratch, 'vmlinux.btf');
  copyFileSync(given, file);
  const opened = await opening(file);
  const built = existsSync(path.join(root, 'dist', 'cli.cjs'));
  const printed = built ? header(file) : undefined;
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ open: opened, header: printed })}\n`);
  else {
    const row = (name, { median: middle, best }, unit, limit = '') =>
      `${name.padEnd(34)}${middle.toFixed(1).padStart(9)}${best.toFixed(1).padStart(9)} ${unit}${limit}\n`;
    process.stdout.write(
      `${given}: ${opened.bytes} bytes, ${opened.types} types; ${rounds} processes of their own\n` +
        `${''.padEnd(34)}   median     best\n` +
        row('reading the file', opened.readMs, 'ms') +
        row('cold, the first in a process:', opened.openAndFirstMs, 'ms', ' opening and a look-up by name') +
        row('  opening', opened.openMs, 'ms') +
        row('  first look-up by name', opened.firstMs, 'ms') +
        row('  processor time of both', opened.cpuMs, 'ms') +
        row('  index of types by name', opened.typesMs, 'ms') +
        row('  index of functions and the rest', opened.othersMs, 'ms') +
        row(
          'warm, the tenth and later:',
          opened.warmOpenAndFirstMs,
          'ms',
          ' opening and a look-up by name (at most 12)',
        ) +
        row('  opening', opened.warmOpenMs, 'ms') +
        row('  first look-up by name', opened.warmFirstMs, 'ms') +
        row('  index of types by name', opened.warmTypesMs, 'ms', ', made by the fifth look-up of a type') +
        row('  index of functions and the rest', opened.warmOthersMs, 'ms', ', made by the first of such after it') +
        row('  opening and index of types', opened.warmOpenAndTypesMs, 'ms', ' (at most 12)') +
        row('  opening and both indexes', opened.warmOpenAndAllMs, 'ms', ' (at most 12)') +
        row('peak memory, by size of the file', opened.peakPerByte, 'times', ' (at most 3)') +
        (printed === undefined
          ? 'the whole header: left out, there is no dist/ (npm run build)\n'
          : row('ecc vmlinux, whole process', printed.oursMs, 'ms') +
            row('bpftool btf dump … format c', printed.bpftoolMs, 'ms') +
            row('ratio', { median: printed.ratio, best: printed.bestRatio }, 'times', ' (at most 1.5)')),
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
