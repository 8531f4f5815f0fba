#!/usr/bin/env node
// Loads and attaches the fixtures in other kernels, under QEMU, with Node and our own runner inside an initramfs, puts them to work,
// compares their events with what the workload did, and prints a table of program and kernel.
//
//   node scripts/test-kernels.mjs [--fetch] [--write] [KERNEL...]
//
// KERNEL is a vmlinuz, or a linux-image-*.deb or linux-binary-*.deb with the linux-modules-*.deb and linux-base-*.deb of the same
// kernel beside it; without one, those in $KERNELS_DIR [~/.cache/ebpf-ecc/kernels]. --fetch downloads Debian's kernels there with
// apt-get; nothing is installed. --write puts the table into docs/kernels.md. Without KVM a kernel takes a few minutes.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cache = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache');
const kernelsDirectory = process.env.KERNELS_DIR ?? path.join(cache, 'ebpf-ecc', 'kernels');
/** Debian releases and the kernels that they come with: 5.10, 6.1, 6.12, and the newest that any of several has. */
const SUITES = [['bullseye'], ['bookworm'], ['trixie'], ['trixie-backports', 'forky', 'sid']];
const TIMEOUT_S = Number(process.env.VM_TIMEOUT ?? 1800);

const flags = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')));
const given = process.argv.slice(2).filter((word) => !word.startsWith('--'));

function skip(reason) {
  process.stderr.write(`skipped: ${reason}\n`);
  process.exit(0);
}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 1 << 30, ...options });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

function have(program) {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}

/** Options that make apt-get look at one Debian release alone. */
function aptOptions(suite, arch) {
  const home = path.join(kernelsDirectory, '.apt', suite);
  mkdirSync(path.join(home, 'lists', 'partial'), { recursive: true });
  mkdirSync(path.join(home, 'cache', 'archives', 'partial'), { recursive: true });
  writeFileSync(path.join(home, 'status'), '', { flag: 'a' });
  const mirror = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
  writeFileSync(path.join(home, 'sources.list'), `deb [arch=${arch}] ${mirror} ${suite} main\n`);
  return Object.entries({
    'Dir::State::Lists': path.join(home, 'lists'),
    'Dir::State::status': path.join(home, 'status'),
    'Dir::Cache': path.join(home, 'cache'),
    'Dir::Etc::SourceList': path.join(home, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** Downloads the newest kernel that one of these Debian releases has: the image, or the packages that newer releases split it into. */
function fetchKernel(suites) {
  const arch = run('dpkg', ['--print-architecture']).toString().trim();
  const found = suites.map((suite) => {
    const options = aptOptions(suite, arch);
    run('apt-get', [...options, '-qq', 'update']);
    const shown = run('apt-cache', [...options, 'show', '--no-all-versions', `linux-image-${arch}`]).toString();
    return { options, suite, version: /^Version: (.*)$/m.exec(shown)?.[1] ?? '0' };
  });
  const isNewer = (a, b) => spawnSync('dpkg', ['--compare-versions', a.version, 'gt', b.version]).status === 0;
  const { options, suite } = found.reduce((best, one) => (isNewer(one, best) ? one : best));
  const depends = (name, pattern) =>
    run('apt-cache', [...options, 'depends', name])
      .toString()
      .matchAll(pattern);
  const [[, image] = []] = depends(`linux-image-${arch}`, /Depends: (linux-image-\S+)/g);
  if (image === undefined) throw new Error(`${suite} has no kernel image for ${arch}`);
  const parts = [...depends(image, /Depends: (linux-(?:binary|modules|base)-\d\S+)/g)].map(([, name]) => name);
  const names = parts.some((name) => name.startsWith('linux-binary-')) ? parts : [image];
  run('apt-get', [...options, '-qq', 'download', ...names], { cwd: kernelsDirectory });
}

/** Modules that fixtures need: the qdisc and the classifier of tc. */
const MODULES = ['sch_ingress', 'cls_bpf'];

/**
 * The vmlinuz of a package, and an archive with the kernel's settings and a few modules for the initramfs, all below `scratch`; other
 * files are kernels already.
 */
function unpackKernel(file, scratch) {
  if (!file.endsWith('.deb')) return { image: file, extra: undefined };
  const directory = mkdtempSync(path.join(scratch, 'deb-'));
  const [, release] = /^linux-(?:image|binary)-([^_]+)_/.exec(path.basename(file));
  const debs = readdirSync(path.dirname(file)).filter((name) => name.endsWith('.deb') && name.includes(`-${release}_`));
  const wanted = ['vmlinuz*', 'config*', ...MODULES.map((name) => `${name}.ko*`)].map((name) => `*/${name}`);
  // not every package has all of them: what tar says about that is of no interest
  for (const deb of debs)
    run('sh', [
      '-c',
      'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards "$3" "$4" "$5" "$6" 2>/dev/null || true',
      'sh',
      path.join(path.dirname(file), deb),
      directory,
      ...wanted,
    ]);
  const files = readdirSync(directory, { recursive: true }).map((name) => path.join(directory, name));
  const image = files.find((name) => /^vmlinuz/.test(path.basename(name)));
  if (image === undefined) throw new Error(`${file} holds no vmlinuz`);
  const tree = path.join(directory, 'tree');
  for (const name of ['boot', 'modules']) mkdirSync(path.join(tree, name), { recursive: true });
  for (const name of files) {
    const base = path.basename(name);
    if (/^config(-|$)/.test(base)) cpSync(name, path.join(tree, 'boot', `config-${release}`));
    const [, module, packer] = /^(\w+)\.ko(?:\.(xz|zst|gz))?$/.exec(base) ?? [];
    if (module === undefined || !MODULES.includes(module)) continue;
    const target = path.join(tree, 'modules', `${MODULES.indexOf(module)}-${module}.ko`);
    if (packer === undefined) cpSync(name, target);
    else writeFileSync(target, run({ xz: 'xz', zst: 'zstd', gz: 'gzip' }[packer], ['-dc', name]));
  }
  return { image, extra: archive(tree, path.join(directory, 'extra')) };
}

/** A directory as an archive that the kernel unpacks when it starts. */
function archive(tree, file) {
  run('sh', ['-c', 'cd "$1" && find . | cpio -o -H newc --quiet >"$2"', 'sh', tree, file]);
  return file;
}

/** @param options  `packages: 'external'` where the project's packages can be found, else all but koffi go in */
async function bundle(entry, outfile, options) {
  await build({
    entryPoints: [path.join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    alias: { 'ebpf-ecc/runner': path.join(root, 'src', 'runner', 'index.ts') },
    define: { __ECC_VERSION__: '"0.0.0-test"' },
    ...options,
  });
}

/** What the workloads of the fixtures are made of; the C library's, so that probes on it see them. */
const PROGRAMS = [
  'sh',
  'bash',
  'perl',
  'cat',
  'touch',
  'rm',
  'mv',
  'mkdir',
  'rmdir',
  'sleep',
  'true',
  'ls',
  'nice',
  'sync',
];

/** Never a shell's builtin. */
function findProgram(name) {
  const found = process.env.PATH.split(':')
    .map((directory) => path.join(directory, name))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

/** Where perl's own modules are: the smallest set, which has sockets. */
function perlModules() {
  const all = run('perl', ['-e', 'print join "\\n", @INC']).toString().split('\n');
  const base = all.filter((name) => name.endsWith('/perl-base'));
  return base.length > 0 ? base : all.filter((name) => existsSync(name));
}

/** A program as `/usr/bin/NAME`, and the shared libraries that it wants, at their own paths. */
function copyProgram(file, tree, as) {
  const place = (name, target) => {
    mkdirSync(path.dirname(target), { recursive: true });
    if (!existsSync(target)) cpSync(name, target, { dereference: true });
  };
  if (as !== undefined) place(file, path.join(tree, 'usr/bin', as));
  for (const [, library] of run('ldd', [file])
    .toString()
    .matchAll(/(\/\S+) \(0x/g))
    place(library, path.join(tree, library));
}

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin 2>/dev/null
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /cgroup && mount -t cgroup2 none /cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs trace /sys/kernel/tracing
ip link set lo up
for module in /modules/*.ko; do insmod "$module"; done
echo 0 >/proc/sys/kernel/printk
echo
echo "@@ {\\"kernel\\":\\"$(uname -r)\\"}"
cd /app && node guest.mjs
echo "@@ {\\"done\\":true}"
poweroff -f
`;

/** The initramfs: busybox, Node, koffi, libbpf, the packages. */
async function makeInitrd(scratch) {
  const tree = path.join(scratch, 'root');
  for (const name of [
    'dev',
    'proc',
    'sys',
    'tmp',
    'var/tmp',
    'etc',
    'app',
    'packages',
    'usr/bin',
    'usr/lib',
    'usr/lib64',
  ])
    mkdirSync(path.join(tree, name), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, path.join(tree, name));
  cpSync('/etc/passwd', path.join(tree, 'etc/passwd'));
  cpSync(run('sh', ['-c', 'command -v busybox']).toString().trim(), path.join(tree, 'bin', 'busybox'));
  copyProgram(process.execPath, tree, 'node');
  for (const name of PROGRAMS) copyProgram(findProgram(name), tree, name);
  for (const directory of perlModules())
    cpSync(directory, path.join(tree, directory), { recursive: true, dereference: true });
  const libbpf = run('sh', ['-c', "ldconfig -p | sed -n 's/.*libbpf.so.1 .*=> //p' | head -n 1"]).toString().trim();
  copyProgram(libbpf, tree);
  mkdirSync(path.join(tree, 'lib'), { recursive: true });
  cpSync(libbpf, path.join(tree, 'lib', 'libbpf.so.1'), { dereference: true });
  const modules = path.join(tree, 'app', 'node_modules');
  for (const name of ['koffi', `@koromix/koffi-linux-${process.arch}`])
    cpSync(path.join(root, 'node_modules', name), path.join(modules, name), { recursive: true, dereference: true });
  await bundle('scripts/kernels/guest.ts', path.join(tree, 'app', 'guest.mjs'), {});
  const payload = path.join(scratch, 'payload.mjs');
  await bundle('scripts/kernels/payload.ts', payload, { packages: 'external', banner: {} });
  run(process.execPath, [payload, path.join(tree, 'packages')], { stdio: ['ignore', 'pipe', 'inherit'] });
  writeFileSync(path.join(tree, 'init'), INIT);
  chmodSync(path.join(tree, 'init'), 0o755);
  return archive(tree, path.join(scratch, 'initrd'));
}

const MACHINES = {
  x64: ['qemu-system-x86_64', ['-M', 'q35', '-cpu', 'max', '-serial', 'stdio'], 'ttyS0'],
  arm64: ['qemu-system-aarch64', ['-M', 'virt,gic-version=max', '-cpu', 'max', '-serial', 'stdio'], 'ttyAMA0'],
};

/** Boots a kernel and gives what the guest reported. */
function boot(image, archives) {
  const initrd = path.join(path.dirname(archives[0]), 'initrd.all');
  // archives may follow each other; each is a multiple of 512 bytes
  writeFileSync(initrd, Buffer.concat(archives.map((file) => readFileSync(file))));
  const [qemu, machine, console] = MACHINES[process.arch];
  // lsm: Debian 11 leaves bpf out, and then attaches programs that it never calls
  const append = `console=${console} quiet panic=-1 mitigations=off random.trust_cpu=on lsm=bpf`;
  const args = [
    ...machine,
    '-m',
    '2048',
    '-smp',
    '2',
    '-nodefaults',
    '-display',
    'none',
    '-no-reboot',
    '-kernel',
    image,
    '-initrd',
    initrd,
    '-append',
    append,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(qemu, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_S * 1000);
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      const reports = text
        .split(/\r?\n/)
        .flatMap((line) => (line.startsWith('@@ ') ? [JSON.parse(line.slice(3))] : []));
      if (!reports.some(({ done }) => done) || !reports.some(({ name }) => name !== undefined))
        reject(
          new Error(`the guest did not finish; its console ended with:\n${text.split('\n').slice(-15).join('\n')}`),
        );
      else
        resolve({
          release: reports.find(({ kernel }) => kernel !== undefined).kernel,
          rows: reports.filter(({ name }) => name !== undefined),
        });
    });
  });
}

function cell(row) {
  if (row === undefined) return '';
  if (row.loaded < row.programs || row.programs === 0) return `${row.loaded}/${row.programs} load`;
  if (row.attached < row.programs) return 'loads';
  return row.missing?.length === 0 ? 'events' : row.missing === null ? 'attached' : 'events missing';
}

/** One row a fixture, one column a kernel, and the reasons below. */
function report(results) {
  const names = [...new Set(results.flatMap(({ rows }) => rows.map(({ name }) => name)))].sort();
  const lines = [
    `| program | ${results.map(({ release }) => release).join(' | ')} |`,
    `|---|${results.map(() => '---|').join('')}`,
  ];
  for (const name of names)
    lines.push(`| ${name} | ${results.map(({ rows }) => cell(rows.find((row) => row.name === name))).join(' | ')} |`);
  lines.push('', 'Why not:', '');
  for (const { release, rows } of results)
    for (const { name, error, missing } of rows) {
      const reason = [error.split(' help:')[0], ...(missing ?? [])].filter((text) => text !== '').join('; ');
      if (reason !== '') lines.push(`- ${release}, ${name}: ${reason.slice(0, 300)}`);
    }
  return `${lines.join('\n')}\n`;
}

if (MACHINES[process.arch] === undefined) skip(`no virtual machine for ${process.arch} is described here`);
for (const program of [MACHINES[process.arch][0], 'busybox', 'cpio', 'dpkg-deb', 'clang'])
  if (!have(program)) skip(`${program} is not installed (apt install qemu-system busybox-static cpio clang)`);
mkdirSync(kernelsDirectory, { recursive: true });
if (flags.has('--fetch')) for (const suite of SUITES) fetchKernel(suite);
const kernels =
  given.length > 0
    ? given
    : readdirSync(kernelsDirectory)
        .filter((name) => /^vmlinuz|^linux-(image|binary).*\.deb$/.test(name))
        .map((name) => path.join(kernelsDirectory, name));
if (kernels.length === 0) skip(`no kernels in ${kernelsDirectory}; --fetch downloads Debian's`);

// below the project, where the bundle that compiles finds its packages
const scratch = mkdtempSync(path.join(root, 'node_modules', '.ecc-kernels-'));
try {
  const initrd = await makeInitrd(scratch);
  const results = [];
  for (const kernel of kernels) {
    const start = Date.now();
    try {
      const { image, extra } = unpackKernel(kernel, scratch);
      results.push(await boot(image, extra === undefined ? [initrd] : [initrd, extra]));
      process.stderr.write(`${results.at(-1).release}: ${Math.round((Date.now() - start) / 1000)} s\n`);
    } catch (error) {
      // the others are worth having
      process.stderr.write(`${path.basename(kernel)}: ${error.message}\n`);
      process.exitCode = 1;
    }
  }
  const order = (release) => release.split(/[.-]/).slice(0, 2).map(Number);
  results.sort((a, b) => order(a.release)[0] - order(b.release)[0] || order(a.release)[1] - order(b.release)[1]);
  const table = report(results);
  process.stdout.write(table);
  if (flags.has('--write')) {
    const file = path.join(root, 'docs', 'kernels.md');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '# Kernels\n\n<!-- table -->\n';
    writeFileSync(file, `${text.split('<!-- table -->')[0]}<!-- table -->\n\n${table}`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
