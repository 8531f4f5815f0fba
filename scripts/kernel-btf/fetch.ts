/**
 * Getting Debian's kernel packages. Of the machine's apt configuration only the address of its mirror is read: each suite and
 * architecture gets an apt root of its own, so nothing is installed and nothing of the machine changes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../../src/core/hash.ts';
import type { KernelSpec, PackagePin } from './types.ts';

export interface Download {
  readonly file: string;
  readonly package: PackagePin;
}

/**
 * The package that `spec` pins, or, when it pins none or `update` says so, the newest that fits.
 * @param directory  where downloads stay, for the next time
 * @throws {Error} it cannot be had, or is not what was pinned.
 */
export async function fetchPackage(spec: KernelSpec, directory: string, update: boolean): Promise<Download> {
  mkdirSync(directory, { recursive: true });
  const pin = update ? undefined : spec.package;
  const { name, version } = pin ?? newestPackage(spec, directory);
  const file = path.join(directory, `${name}_${version.replace(':', '%3a')}_${spec.debArch}.deb`);
  if (!existsSync(file)) {
    if (spec.pool) await downloadFromPool(spec, file);
    else downloadWithApt(spec, directory, `${name}=${version}`);
  }
  const digest = sha256(readFileSync(file));
  if (pin !== undefined && digest !== pin.sha256) {
    throw new Error(`${file}: sha256 ${digest}, but kernels.json has ${pin.sha256}`);
  }
  return { file, package: { name, version, sha256: digest } };
}

/** Name and version of the newest package that fits. */
function newestPackage(spec: KernelSpec, directory: string): { name: string; version: string } {
  const list = run('apt-cache', [...aptRoot(spec, directory), 'dumpavail']);
  const wanted = new RegExp(spec.match);
  const found = list.split('\n\n').flatMap((stanza) => {
    const name = /^Package: (.*)$/m.exec(stanza)?.[1];
    const version = /^Version: (.*)$/m.exec(stanza)?.[1];
    return name !== undefined && version !== undefined && wanted.test(name) ? [{ name, version }] : [];
  });
  const newest = found.reduce<{ name: string; version: string } | undefined>(
    (best, one) => (best === undefined || isNewer(one.version, best.version) ? one : best),
    undefined,
  );
  if (newest === undefined) throw new Error(`${spec.suite}/${spec.debArch}: no package matches ${spec.match}`);
  return newest;
}

function isNewer(a: string, b: string): boolean {
  return spawnSync('dpkg', ['--compare-versions', a, 'gt', b]).status === 0;
}

function downloadWithApt(spec: KernelSpec, directory: string, what: string): void {
  run('apt-get', [...aptRoot(spec, directory), '-qq', 'download', what], directory);
}

/** A file of the pool, by the path that Debian's archives give to all packages of the kernel. */
async function downloadFromPool(spec: KernelSpec, file: string): Promise<void> {
  if (spec.package === undefined) throw new Error(`${spec.id}: a package from the pool needs a digest in kernels.json`);
  const url = `${mirrorFor(spec.suite)}/pool/main/l/linux/${encodeURIComponent(path.basename(file))}`;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  writeFileSync(`${file}.part`, new Uint8Array(await response.arrayBuffer()));
  renameSync(`${file}.part`, file);
}

/** Options that give apt a root of its own, with the index of the suite in it. */
function aptRoot({ suite, debArch }: KernelSpec, directory: string): string[] {
  const root = path.join(directory, 'apt', `${suite}-${debArch}`);
  for (const part of ['lists/partial', 'cache/archives/partial']) mkdirSync(path.join(root, part), { recursive: true });
  writeFileSync(path.join(root, 'status'), '');
  writeFileSync(path.join(root, 'sources.list'), `deb [arch=${debArch}] ${mirrorFor(suite)} ${suite} main\n`);
  const settings = {
    'Dir::State::Lists': path.join(root, 'lists'),
    'Dir::State::status': path.join(root, 'status'),
    'Dir::Cache': path.join(root, 'cache'),
    'Dir::Etc::SourceList': path.join(root, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'APT::Architecture': debArch,
    'APT::Architectures::': debArch,
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const updated = readdirSync(path.join(root, 'lists')).some((name) => name.includes('_Packages'));
  if (!updated) run('apt-get', [...options, '-qq', 'update']);
  return options;
}

/** The address of the archive that has the suite, out of the machine's own apt configuration. */
function mirrorFor(suite: string): string {
  const archive = suite.endsWith('-security') ? '/debian-security' : '/debian';
  const parts = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(parts) ? readdirSync(parts).map((f) => path.join(parts, f)) : []),
  ];
  for (const file of files.filter((name) => existsSync(name))) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const addresses = /^URIs:(.*)$/.exec(line)?.[1] ?? /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/.exec(line)?.[1] ?? '';
      const found = addresses.split(/\s+/).find((address) => address.replace(/\/+$/, '').endsWith(archive));
      if (found !== undefined) return found.replace(/\/+$/, '');
    }
  }
  throw new Error(`no mirror of Debian (…${archive}) in /etc/apt`);
}

function run(command: string, args: readonly string[], cwd?: string): string {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}
