#!/usr/bin/env node
// Whole processes, timed from outside: ecc against the compiler that it wraps. Rounds run every case in turn, so that a machine whose speed
// drifts does so for all of them; medians and ratios are of one run.
//
//   node bench/processes.mjs [--rounds N] [--write]      --write: the table goes into docs/benchmarks.md
//
// Needs the build (npm run build), clang, bpftool and /sys/kernel/btf/vmlinux.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const argument = (name) => process.argv[process.argv.indexOf(name) + 1];
const rounds = process.argv.includes('--rounds') ? Number(argument('--rounds')) : 21;
const load = os.loadavg()[0];
const scratch = mkdtempSync(path.join(os.tmpdir(), 'ecc-bench-'));
const ecc = path.join(root, 'bin/ecc.js');
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, ECC_CACHE_DIR: path.join(scratch, 'warm') };
// these change how long Node takes to start, the latter by more than all the rest
for (const name of ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS']) delete env[name];

function run(command, args, options = {}) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
    cwd: scratch,
    ...options,
  });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return ms;
}

const node = (...args) => run(process.execPath, args);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** Fixtures that need no flags and compile against a whole header of the running kernel. */
const fixtures = JSON.parse(readFileSync(path.join(root, 'fixtures/manifest.json'), 'utf8'))
  .fixtures.filter(
    (fixture) =>
      fixture.vmlinux === 'kernel' &&
      fixture.fullHeader &&
      !fixture.includeDirs &&
      !fixture.moduleTypes &&
      !fixture.load.needs,
  )
  .slice(0, 26)
  .map((fixture) => path.join(root, 'fixtures', fixture.source));
const sigsnoop = path.join(root, 'fixtures/sigsnoop/sigsnoop.bpf.c');

const full = path.join(scratch, 'full');
mkdirSync(full);
const dump = spawnSync('bpftool', ['btf', 'dump', 'file', '/sys/kernel/btf/vmlinux', 'format', 'c'], {
  env,
  maxBuffer: 1 << 28,
});
writeFileSync(path.join(full, 'vmlinux.h'), dump.stdout);
const own = path.join(scratch, 'own');
mkdirSync(own);
cpSync(sigsnoop, path.join(own, 'sigsnoop.bpf.c'));
cpSync(path.join(full, 'vmlinux.h'), path.join(own, 'vmlinux.h'));

/** Sources are named as people do it: from where they are. */
const at = (file) => ({ cwd: path.dirname(file), env });
const bareArgs = (source, output) => [
  '-g',
  '-O2',
  '-target',
  'bpf',
  '-D__TARGET_ARCH_x86',
  '-I',
  full,
  '-idirafter',
  '/usr/include/x86_64-linux-gnu',
  '-c',
  source,
  '-o',
  output,
];
const bare = (source) => run('clang', bareArgs(path.basename(source), path.join(scratch, 'bare.o')), at(source));
const out = path.join(scratch, 'out');
const ours = (source, output, ...more) => [ecc, path.basename(source), '-o', output, '--force', ...more];
const warm = (source) => run(process.execPath, ours(source, out, '--no-cache'), at(source));

function cold(source) {
  const cache = mkdtempSync(path.join(scratch, 'cold-'));
  const ms = run(process.execPath, ours(source, out), { ...at(source), env: { ...env, ECC_CACHE_DIR: cache } });
  rmSync(cache, { recursive: true });
  return ms;
}

const watched = path.join(scratch, 'watched');
mkdirSync(watched);
cpSync(sigsnoop, path.join(watched, 'sigsnoop.bpf.c'));

const renamed = path.join(scratch, 'renamed');
mkdirSync(renamed);
let added = 0;

/** A warm build of a program that mentions something that it did not when it was built last. */
function withNewName() {
  const source = path.join(renamed, 'sigsnoop.bpf.c');
  cpSync(sigsnoop, source);
  appendFileSync(source, `static int added_${added++} __attribute__((unused));\n`);
  return warm(source);
}

/** A build under `--watch`, from saving one more line to the line that says it is done. */
class Watching {
  #process;
  #onLine = () => {};

  constructor() {
    const stdio = ['ignore', 'pipe', 'pipe'];
    this.#process = spawn(process.execPath, [ecc, '-W', 'sigsnoop.bpf.c', '-o', 'out'], { cwd: watched, env, stdio });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.on('data', (text) => /watching|built in|failed/.test(text) && this.#onLine(String(text)));
  }

  line() {
    return new Promise((resolve) => {
      this.#onLine = resolve;
    });
  }

  async change() {
    const line = this.line();
    const start = process.hrtime.bigint();
    appendFileSync(path.join(watched, 'sigsnoop.bpf.c'), '/* one more line */\n');
    const said = await line;
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (!said.includes('built in')) throw new Error(said);
    return ms;
  }

  stop() {
    this.#process.kill();
  }
}
const watching = new Watching();
while (!(await watching.line()).includes('watching'));

/** What takes a tenth of a second at most: beside each other, and often, since a process finds more or less of itself in the caches. */
const short = {
  'node -e 0': () => node('-e', '0'),
  'ecc --version': () => node(ecc, '--version'),
  'ecc --help': () => node(ecc, '--help'),
  'ecc, nothing changed': () => run(process.execPath, ours(sigsnoop, path.join(scratch, 'same')), at(sigsnoop)),
};
const long = {
  'clang --version': () => run('clang', ['--version']),
  'clang -c, whole header': () => bare(sigsnoop),
  'clang -c and llvm-strip': () => bare(sigsnoop) + run('llvm-strip', ['-g', path.join(scratch, 'bare.o')]),
  'ecc, empty cache': () => cold(sigsnoop),
  'ecc, warm': () => warm(sigsnoop),
  'ecc, warm, a name added': () => withNewName(),
  'ecc --watch, a line changed': () => watching.change(),
  'ecc, own vmlinux.h, empty cache': () => cold(path.join(own, 'sigsnoop.bpf.c')),
  'ecc, own vmlinux.h, warm': () => warm(path.join(own, 'sigsnoop.bpf.c')),
};

/** Of what takes longest, and times of the short ones in a round: a single run would mostly tell how busy the machine was. */
const RUNS = 3;
const times = Object.fromEntries(Object.keys({ ...short, ...long }).map((name) => [name, []]));
// the second build in a directory is the one that makes what a warm one has
for (let round = -2; round < rounds; round++) {
  for (const cases of [...Array.from({ length: RUNS }, () => short), long]) {
    for (const [name, measure] of Object.entries(cases)) {
      const ms = await measure();
      if (round >= 0) times[name].push(ms);
    }
  }
}
watching.stop();
const medians = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));

/** Of what ran in one turn: the machine may have another speed in the next. */
const ratioOf = (runs, name, to) => median(runs.map((run) => run[name] / run[to]));
const many = { cold: [], warm: [] };
for (const source of fixtures) {
  const runs = Array.from({ length: RUNS }, () => ({ bare: bare(source), cold: cold(source), warm: warm(source) }));
  many.cold.push(ratioOf(runs, 'cold', 'bare'));
  many.warm.push(ratioOf(runs, 'warm', 'bare'));
}
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

const list = path.join(scratch, 'sources');
writeFileSync(list, fixtures.join('\n'));
const quoted = bareArgs('{}', '/dev/null').map((word) => `'${word}'`);
const loops = ['-c', `xargs -P 2 -I {} clang ${quoted.join(' ')} < ${list}`];
const batches = Array.from({ length: RUNS }, () => ({
  loop: run('sh', loops),
  batch: node(ecc, ...fixtures, '-o', path.join(scratch, 'batch'), '--no-cache'),
}));

/** Most memory that our own process had at a time, in megabytes. */
const hook = path.join(scratch, 'memory.cjs');
const memoryFile = path.join(scratch, 'memory');
writeFileSync(
  hook,
  "process.on('exit', () => require('fs').writeFileSync(process.env.MEMORY_FILE, String(process.resourceUsage().maxRSS / 1024)));",
);
function memory(cwd, ...args) {
  run(process.execPath, ['-r', hook, ...args], { cwd, env: { ...env, MEMORY_FILE: memoryFile } });
  return Number(readFileSync(memoryFile, 'utf8'));
}
const oneMemory = memory(path.dirname(sigsnoop), ...ours(sigsnoop, out, '--no-cache'));
const batchMemory = memory(scratch, ecc, ...fixtures, '-o', path.join(scratch, 'batch'), '--no-cache');

const [base, compiler] = ['node -e 0', 'clang -c, whole header'];
const ratio = (name, to) => median(times[name].map((ms, turn) => ms / times[to][turn])).toFixed(2);
const rows = [
  ['sigsnoop, empty cache', ratio('ecc, empty cache', compiler), '0.95', 'clang -c'],
  ['sigsnoop, warm', ratio('ecc, warm', compiler), '0.75', 'clang -c'],
  ['sigsnoop, warm, a name added', ratio('ecc, warm, a name added', compiler), '', 'clang -c'],
  [`mean of ${fixtures.length} fixtures, empty cache`, mean(many.cold).toFixed(2), '0.65', 'clang -c of each'],
  [`mean of ${fixtures.length} fixtures, warm`, mean(many.warm).toFixed(2), '0.50', 'clang -c of each'],
  ['own vmlinux.h, empty cache', ratio('ecc, own vmlinux.h, empty cache', compiler), '1.60', 'clang -c'],
  ['own vmlinux.h, warm', ratio('ecc, own vmlinux.h, warm', compiler), '0.80', 'clang -c'],
  ['one line changed under --watch', ratio('ecc --watch, a line changed', compiler), '', 'clang -c'],
  ['nothing changed', ratio('ecc, nothing changed', base), '1.35', 'node -e 0'],
  [
    `${fixtures.length} programs in one command`,
    ratioOf(batches, 'batch', 'loop').toFixed(2),
    '0.30',
    'clang -c of all, two at a time',
  ],
  ['ecc --version', ratio('ecc --version', base), '1.15', 'node -e 0'],
  ['ecc --help', ratio('ecc --help', base), '1.40', 'node -e 0'],
];
const version = (command) => spawnSync(command, ['--version'], { env }).stdout.toString().split('\n')[0];
const text = `Node ${process.versions.node}, ${version('clang')}, Linux ${os.release()}, ${os.availableParallelism()} processors (${os.cpus()[0]?.model}),
load before the run ${load.toFixed(1)}; medians of ${rounds} rounds after two
to warm up, with ${RUNS} runs of what takes less than a tenth of a second, and of ${RUNS} runs of each fixture; ratios are medians of the ratios of one turn. \`NODE_OPTIONS\` and \`NODE_EXTRA_CA_CERTS\` are unset.

| case | ratio | target | to |
|---|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

| process | median, ms |
|---|---|
${Object.entries(medians)
  .map(([name, ms]) => `| ${name} | ${ms.toFixed(0)} |`)
  .join('\n')}
| ${fixtures.length} programs, clang -c, two at a time | ${median(batches.map(({ loop }) => loop)).toFixed(0)} |
| ${fixtures.length} programs, ecc | ${median(batches.map(({ batch }) => batch)).toFixed(0)} |

Peak memory of our own process: ${oneMemory.toFixed(0)} MB for sigsnoop (target 120), ${batchMemory.toFixed(0)} MB for the ${fixtures.length} programs.
`;
process.stdout.write(text);
rmSync(scratch, { recursive: true });

if (process.argv.includes('--write')) {
  const page = path.join(root, 'docs/benchmarks.md');
  const [head, , tail] = readFileSync(page, 'utf8').split(/(<!-- table -->[\s\S]*<!-- end -->)/);
  writeFileSync(page, `${head}<!-- table -->\n\n${text}\n<!-- end -->${tail}`);
}
