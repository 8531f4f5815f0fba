#!/usr/bin/env node
// The image of the Dockerfile as an OCI archive, without a Docker daemon: Debian's packages by mmdebstrap, ours from this
// checkout. Needs root (or mmdebstrap's user namespaces), a mirror, and `npm ci` done.
//
//   node scripts/image/build.mjs OUT.tar [--suite trixie] [--mirror URL] [--system SYSTEM.tar]
//
// With --system the Debian part is not made but taken from a tar of an earlier run's first layer.
// Load it with `docker load -i OUT.tar`, `podman load -i OUT.tar` or `skopeo copy oci-archive:OUT.tar ...`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', default: 'trixie' },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
    system: { type: 'string' },
  },
});
if (positionals.length !== 1) fail('usage: build.mjs OUT.tar [--suite trixie] [--mirror URL] [--system SYSTEM.tar]');

/** Time of everything in the image: that of the last commit, so that the same commit gives the same image. */
const epoch = process.env.SOURCE_DATE_EPOCH ?? output('git', ['-C', root, 'log', '-1', '--format=%ct']).trim();
const created = new Date(Number(epoch) * 1000).toISOString();
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch] ?? process.arch;

const scratch = mkdtempSync(path.join(os.tmpdir(), 'ecc-image-'));
try {
  const layers = [await addLayer(makeSystem()), await addLayer(makePackage())];
  writeImage(layers, path.resolve(positionals[0]));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args, options = {}) {
  const env = { ...process.env, SOURCE_DATE_EPOCH: epoch };
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env, ...options });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? `status ${status}`}`);
}

function output(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  return stdout;
}

/** Debian with the packages of the list. */
function makeSystem() {
  const layer = path.join(scratch, 'system.tar');
  if (values.system !== undefined) {
    copyFileSync(values.system, layer);
    return layer;
  }
  const packages = readFileSync(path.join(here, 'packages'), 'utf8').trim().split('\n');
  const unwanted = ['man', 'doc', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  run('mmdebstrap', [
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    ...unwanted,
    values.suite,
    layer,
    values.mirror,
  ]);
  return layer;
}

/** Our package, as npm would install it, with the libraries that it does not bundle. */
function makePackage() {
  const tree = path.join(scratch, 'package');
  const modules = path.join(tree, 'opt/ecc/node_modules');
  mkdirSync(path.join(modules, 'ebpf-ecc'), { recursive: true });
  run(process.execPath, [path.join(root, 'scripts/build.mjs')]);
  const packed = output('npm', ['pack', '--silent', '--pack-destination', scratch, root]).trim().split('\n').at(-1);
  run('tar', ['-xzf', path.join(scratch, packed), '-C', path.join(modules, 'ebpf-ecc'), '--strip-components=1']);
  for (const name of ['koffi', `@koromix/koffi-linux-${process.arch}`]) {
    const from = path.join(root, 'node_modules', name);
    if (existsSync(from)) cpSync(from, path.join(modules, name), { recursive: true });
  }
  mkdirSync(path.join(tree, 'usr/bin'), { recursive: true });
  mkdirSync(path.join(tree, 'src'));
  copyFileSync(path.join(here, 'entrypoint.sh'), path.join(tree, 'usr/bin/ecc-entrypoint'));
  chmodSync(path.join(tree, 'usr/bin/ecc-entrypoint'), 0o755);
  symlinkSync('/opt/ecc/node_modules/ebpf-ecc/bin/ecc.js', path.join(tree, 'usr/bin/ecc'));
  const layer = path.join(scratch, 'package.tar');
  const plain = ['--sort=name', `--mtime=@${epoch}`, '--owner=0', '--group=0', '--numeric-owner', '--format=pax'];
  const names = ['--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime', '--mode=go-w'];
  run('tar', [...plain, ...names, '-C', tree, '-cf', layer, ...readdirSync(tree).sort()]);
  return layer;
}

function blobPath(digest) {
  return path.join(scratch, 'image/blobs/sha256', digest);
}

async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Compresses a layer into the image. */
async function addLayer(file) {
  mkdirSync(path.dirname(blobPath('x')), { recursive: true });
  const diffId = await sha256(file);
  const compressed = `${file}.gz`;
  await pipeline(createReadStream(file), createGzip(), createWriteStream(compressed));
  const digest = await sha256(compressed);
  const { size } = statSync(compressed);
  renameSync(compressed, blobPath(digest));
  rmSync(file);
  return { diffId, digest, size };
}

function addJson(mediaType, value) {
  const text = JSON.stringify(value);
  const digest = createHash('sha256').update(text).digest('hex');
  writeFileSync(blobPath(digest), text);
  return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}

/** An OCI image layout, with the index that older versions of `docker load` want. */
function writeImage(layers, file) {
  const config = addJson('application/vnd.oci.image.config.v1+json', {
    created,
    architecture,
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'ECC_CACHE_DIR=/tmp/ecc-cache'],
      Entrypoint: ['/usr/bin/ecc-entrypoint'],
      Cmd: ['--help'],
      WorkingDir: '/src',
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => `sha256:${diffId}`) },
    history: [
      { created, created_by: 'mmdebstrap' },
      { created, created_by: `ebpf-ecc ${version}` },
    ],
  });
  const manifest = addJson('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: layers.map(({ digest, size }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: `sha256:${digest}`,
      size,
    })),
  });
  const image = path.join(scratch, 'image');
  const blob = (digest) => `blobs/sha256/${digest.replace('sha256:', '')}`;
  const write = (name, value) => writeFileSync(path.join(image, name), JSON.stringify(value));
  write('oci-layout', { imageLayoutVersion: '1.0.0' });
  write('index.json', {
    schemaVersion: 2,
    manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': `ecc:${version}` } }],
  });
  write('manifest.json', [
    {
      Config: blob(config.digest),
      RepoTags: [`ecc:${version}`],
      Layers: layers.map(({ digest }) => blob(digest)),
    },
  ]);
  run('tar', ['--sort=name', `--mtime=@${epoch}`, '--owner=0', '--group=0', '-C', image, '-cf', file, '.']);
  console.error(`${file}: ecc:${version} for ${architecture}, ${Math.round(statSync(file).size / 1e6)} MB`);
}
