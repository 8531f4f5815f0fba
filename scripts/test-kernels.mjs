#!/usr/bin/env node
// Loads and attaches the fixtures in other kernels, under QEMU, with Node and our own runner inside an initramfs, and prints a table
// of program and kernel.
//
//   node scripts/test-kernels.mjs [--fetch] [--write] [KERNEL...]
//
// KERNEL is a vmlinuz or a linux-image-*.deb; without one, those in $KERNELS_DIR [~/.cache/ebpf-ecc/kernels]. --fetch downloads
// Debian's kernels there with apt-get; nothing is installed. --write puts the table into docs/kernels.md. Without KVM a kernel takes a
// few minutes.
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
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cache = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache');
const kernelsDirectory = process.env.KERNELS_DIR ?? path.join(cache, 'ebpf-ecc', 'kernels');
/** Debian releases and the kernels that they come with: 5.10, 6.1, 6.12, and the newest. */
const SUITES = ['bullseye', 'bookworm', 'trixie', 'forky'];
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

/** Downloads the newest kernel image of a Debian release, with an apt configuration of its own. */
function fetchKernel(suite) {
  const home = path.join(kernelsDirectory, '.apt', suite);
  mkdirSync(path.join(home, 'lists', 'partial'), { recursive: true });
  mkdirSync(path.join(home, 'cache', 'archives', 'partial'), { recursive: true });
  writeFileSync(path.join(home, 'status'), '', { flag: 'a' });
  const mirror = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
  const arch = run('dpkg', ['--print-architecture']).toString().trim();
  writeFileSync(path.join(home, 'sources.list'), `deb [arch=${arch}] ${mirror} ${suite} main\n`);
  const options = Object.entries({
    'Dir::State::Lists': path.join(home, 'lists'),
    'Dir::State::status': path.join(home, 'status'),
    'Dir::Cache': path.join(home, 'cache'),
    'Dir::Etc::SourceList': path.join(home, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', [...options, '-qq', 'update']);
  const depends = run('apt-cache', [...options, 'depends', `linux-image-cloud-${arch}`]).toString();
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`${suite} has no kernel image for ${arch}`);
  run('apt-get', [...options, '-qq', 'download', name], { cwd: kernelsDirectory });
}

/** The vmlinuz of a package, unpacked below `scratch`; other files are kernels already. */
function kernelImage(file, scratch) {
  if (!file.endsWith('.deb')) return file;
  const directory = mkdtempSync(path.join(scratch, 'deb-'));
  run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards "*/vmlinuz-*"', 'sh', file, directory]);
  const found = readdirSync(directory, { recursive: true }).find((name) => /(^|\/)vmlinuz-/.test(name));
  if (found === undefined) throw new Error(`${file} holds no vmlinuz`);
  return path.join(directory, found);
}

async function bundle(entry, outfile) {
  await build({
    entryPoints: [path.join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    define: { __ECC_VERSION__: '"0.0.0-test"' },
  });
}

/** A program and the shared libraries that it wants, at their own paths. */
function copyProgram(file, tree) {
  const place = (name) => {
    const target = path.join(tree, name);
    mkdirSync(path.dirname(target), { recursive: true });
    if (!existsSync(target)) cpSync(name, target, { dereference: true });
  };
  place(file);
  for (const [, library] of run('ldd', [file])
    .toString()
    .matchAll(/(\/\S+) \(0x/g))
    place(library);
}

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /cgroup && mount -t cgroup2 none /cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs trace /sys/kernel/tracing
ip link set lo up
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
  for (const name of ['bin', 'dev', 'proc', 'sys', 'tmp', 'app', 'packages'])
    mkdirSync(path.join(tree, name), { recursive: true });
  cpSync(run('sh', ['-c', 'command -v busybox']).toString().trim(), path.join(tree, 'bin', 'busybox'));
  copyProgram(process.execPath, tree);
  if (!existsSync(path.join(tree, 'usr/bin/node'))) {
    mkdirSync(path.join(tree, 'usr/bin'), { recursive: true });
    cpSync(path.join(tree, process.execPath), path.join(tree, 'usr/bin/node'));
  }
  const libbpf = run('sh', ['-c', "ldconfig -p | sed -n 's/.*libbpf.so.1 .*=> //p' | head -n 1"]).toString().trim();
  copyProgram(libbpf, tree);
  mkdirSync(path.join(tree, 'lib'), { recursive: true });
  cpSync(libbpf, path.join(tree, 'lib', 'libbpf.so.1'), { dereference: true });
  const modules = path.join(tree, 'app', 'node_modules');
  for (const name of ['koffi', `@koromix/koffi-linux-${process.arch}`])
    cpSync(path.join(root, 'node_modules', name), path.join(modules, name), { recursive: true, dereference: true });
  await bundle('scripts/kernels/guest.ts', path.join(tree, 'app', 'guest.mjs'));
  const payload = path.join(scratch, 'payload.mjs');
  await bundle('scripts/kernels/payload.ts', payload);
  run(process.execPath, [payload, path.join(tree, 'packages')], { stdio: ['ignore', 'pipe', 'inherit'] });
  writeFileSync(path.join(tree, 'init'), INIT);
  chmodSync(path.join(tree, 'init'), 0o755);
  const initrd = path.join(scratch, 'initrd');
  run('sh', ['-c', 'cd "$1" && find . | cpio -o -H newc --quiet >"$2"', 'sh', tree, initrd]);
  return initrd;
}

const MACHINES = {
  x64: ['qemu-system-x86_64', ['-M', 'q35', '-cpu', 'max', '-serial', 'stdio'], 'ttyS0'],
  arm64: ['qemu-system-aarch64', ['-M', 'virt,gic-version=max', '-cpu', 'max', '-serial', 'stdio'], 'ttyAMA0'],
};

/** Boots a kernel and gives what the guest reported. */
function boot(image, initrd) {
  const [qemu, machine, console] = MACHINES[process.arch];
  const append = `console=${console} quiet panic=-1 mitigations=off random.trust_cpu=on`;
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
      if (!reports.some(({ done }) => done))
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
  return row.attached === row.programs ? 'attached' : 'loads';
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
    for (const { name, error } of rows)
      if (error !== '') lines.push(`- ${release}, ${name}: ${error.split(' help:')[0].slice(0, 200)}`);
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
        .filter((name) => /^vmlinuz|^linux-image.*\.deb$/.test(name))
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
      results.push(await boot(kernelImage(kernel, scratch), initrd));
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
