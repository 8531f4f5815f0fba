#!/usr/bin/env node
// Makes a checkout ready: system packages through apt when they are missing and that is permitted, npm packages, the build.
// Only Node's own modules are used: nothing else is there yet.
//
//   node scripts/setup.mjs [--test] [--no-build]      --test: also what only the tests need
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const forTests = process.argv.includes('--test');

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(`Node ${process.versions.node} is too old: Node 20 or newer is needed`);
}

const onPath = (name) =>
  [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].some((directory) =>
    isProgram(path.join(directory, name)),
  );
const header = (name) => existsSync(path.join('/usr/include', name));

/** What is needed, how to see that it is there, and Debian's package for it. */
const needs = [
  { package: 'clang', present: () => onPath('clang') },
  { package: 'llvm', present: () => onPath('llvm-strip') },
  { package: 'libbpf-dev', present: () => header('bpf/bpf_helpers.h') },
  { package: 'bpftool', present: () => onPath('bpftool') },
];
const testNeeds = [
  { package: 'gcc', present: () => onPath('gcc') },
  { package: 'libc6-dev', present: () => header('stdio.h') },
  { package: 'libelf-dev', present: () => header('libelf.h') },
  { package: 'zlib1g-dev', present: () => header('zlib.h') },
  { package: 'git', present: () => onPath('git') },
  { package: 'make', present: () => onPath('make') },
  { package: 'procps', present: () => onPath('ps') },
  // the other compilers that users have; tests of "the same with every clang" run with those that are there
  { package: 'clang-16', present: () => onPath('clang-16'), optional: true },
  { package: 'llvm-16', present: () => onPath('llvm-strip-16'), optional: true },
  { package: 'clang-19', present: () => onPath('clang-19'), optional: true },
  { package: 'llvm-19', present: () => onPath('llvm-strip-19'), optional: true },
];

installSystemPackages([...needs, ...(forTests ? testNeeds : [])]);
installNpmPackages();
if (!process.argv.includes('--no-build')) build();

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options }).status === 0;
}

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function installSystemPackages(wanted) {
  const missing = wanted.filter(({ present }) => !present());
  if (missing.length === 0) return;
  const required = missing.filter(({ optional }) => !optional).map((need) => need.package);
  const command = `apt install ${missing.map((need) => need.package).join(' ')}`;
  const isRoot = process.getuid() === 0;
  const sudo = isRoot ? [] : ['sudo', '-n'];
  const permitted =
    onPath('apt-get') && (isRoot || (onPath('sudo') && run('sudo', ['-n', 'true'], { stdio: 'ignore' })));
  if (!permitted) {
    if (required.length > 0)
      fail(`missing: ${required.join(', ')}\n  install them first: ${isRoot ? '' : 'sudo '}${command}`);
    return;
  }
  console.error(`setup: ${command}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => {
    const [program, ...rest] = [...sudo, 'apt-get', '-qq', '-o', 'Dpkg::Use-Pty=0', ...args];
    return run(program, rest, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  apt('update');
  if (required.length > 0 && !apt('install', '--no-install-recommends', '-y', ...required)) fail(`${command} failed`);
  for (const { package: name, optional } of missing) {
    if (optional && !apt('install', '--no-install-recommends', '-y', name))
      console.error(`setup: ${name} is not to be had here; going on without it`);
  }
}

function installNpmPackages() {
  const stamp = path.join('node_modules', '.ecc-lock');
  const lock = readFileSync('package-lock.json', 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('setup: npm ci');
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) fail('npm ci failed');
  writeFileSync(stamp, lock);
}

/** Builds unless the result is newer than everything that it is made from. */
function build() {
  const built = path.join('dist', 'cli.cjs');
  const newest = Math.max(...['src', 'scripts/build.mjs', 'package.json', 'tsconfig.json'].map(newestIn));
  if (existsSync(built) && existsSync('dist/types') && statSync(built).mtimeMs > newest) return;
  console.error('setup: npm run build');
  if (!run(process.execPath, ['scripts/build.mjs'])) fail('the build failed');
}

function newestIn(file) {
  const info = statSync(file);
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(info.mtimeMs, ...readdirSync(file).map((entry) => newestIn(path.join(file, entry))));
}
