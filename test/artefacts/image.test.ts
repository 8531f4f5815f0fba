/**
 * The container image: the Dockerfile and its parts fit together, the entry point gives up root for the owner of the mounted directory, and
 * `ecc` works inside an image made by `scripts/image/build.mjs` (named by `$ECC_IMAGE`: making one takes minutes and a mirror).
 */
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { TINY } from '../support/cli.ts';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { FIXTURES_DIRECTORY } from '../support/fixtures.ts';
import { requireRoot, requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const ENTRYPOINT = path.join(ROOT, 'scripts/image/entrypoint.sh');
const OWNER = 4711;

describe('the Dockerfile', () => {
  const text = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
  const instructions = text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  test('has only instructions that exist, and copies only what is there', () => {
    const stages = new Set<string>();
    for (const line of instructions) {
      const [, instruction, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
      expect(['FROM', 'RUN', 'COPY', 'ENV', 'WORKDIR', 'ENTRYPOINT', 'CMD']).toContain(instruction);
      if (instruction === 'FROM') stages.add(/ AS (\w+)$/.exec(rest!)?.[1] ?? '');
      const from = /^--from=(\w+) /.exec(rest!)?.[1];
      if (from !== undefined) expect(stages).toContain(from);
      else if (instruction === 'COPY')
        for (const file of rest!.split(' ').slice(0, -1)) expect(existsSync(path.join(ROOT, file)), file).toBe(true);
      if (instruction === 'CMD' || instruction === 'ENTRYPOINT') expect(Array.isArray(JSON.parse(rest!))).toBe(true);
    }
  });

  test('leaves out of the context what is made or installed', () => {
    expect(readFileSync(path.join(ROOT, '.dockerignore'), 'utf8').split('\n')).toEqual(
      expect.arrayContaining(['node_modules', 'dist', '.git']),
    );
  });

  test('its shell script and its RUN instructions pass shellcheck', async (context) => {
    const shellcheck = requireTool(context, 'shellcheck');
    const { stdout, status } = await run(shellcheck, [ENTRYPOINT]);
    expect(stdout).toBe('');
    expect(status).toBe(0);
    const runs = text.replace(/\\\n\s*/g, '').matchAll(/^RUN (.*)$/gm);
    const script = [...runs].map(([, command]) => `${command}\n`).join('');
    expect(script.trimEnd().split('\n')).toHaveLength(4);
    expect((await run(shellcheck, ['--shell=sh', '-'], { input: script })).stdout).toBe('');
  });

  test('Debian has the packages that it installs', async (context) => {
    const aptCache = requireTool(context, 'apt-cache');
    const packages = readFileSync(path.join(ROOT, 'scripts/image/packages'), 'utf8').trimEnd().split('\n');
    expect(packages).toEqual([...new Set(packages)].sort());
    const found = await run(aptCache, ['show', '--no-all-versions', 'hello', ...packages]);
    if (!/^Package: hello$/m.test(found.stdout)) context.skip('apt has no lists of packages here (apt-get update)');
    const known = new Set(Array.from(found.stdout.matchAll(/^Package: (.*)$/gm), ([, name]) => name));
    expect(packages.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('the entry point', () => {
  /** Runs it in `directory` with an `ecc` that says who it is and what it got. */
  async function enter(directory: string, ...args: string[]): Promise<string> {
    const bin = path.join(testDirectory(), 'bin');
    mkdirSync(bin);
    chmodSync(path.dirname(bin), 0o755);
    writeFileSync(path.join(bin, 'ecc'), '#!/bin/sh\necho "$(id -u):$(id -g)" "$@"\n', { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}` };
    return (await runOk('sh', [ENTRYPOINT, ...args], { cwd: directory, env })).stdout.trim();
  }

  test('becomes the owner of the directory', async (context) => {
    requireRoot(context);
    requireTool(context, 'setpriv');
    const directory = testDirectory();
    chownSync(directory, OWNER, OWNER + 1);
    expect(await enter(directory, 'a b.bpf.c', '-o', 'out')).toBe(`${OWNER}:${OWNER + 1} a b.bpf.c -o out`);
    expect(await enter(directory)).toBe(`${OWNER}:${OWNER + 1}`);
  });

  test('stays root for what loads programs, and where root is the owner', async (context) => {
    requireRoot(context);
    const directory = testDirectory();
    expect(await enter(directory, 'a.bpf.c')).toBe('0:0 a.bpf.c');
    chownSync(directory, OWNER, OWNER);
    expect(await enter(directory, 'run', 'package.json')).toBe('0:0 run package.json');
    expect(await enter(directory, 'check', 'package.json')).toBe('0:0 check package.json');
  });
});

test('an image, named by $ECC_IMAGE', async (context) => {
  const image = process.env.ECC_IMAGE;
  if (image === undefined)
    return context.skip(
      'no image to look into: ECC_IMAGE=FILE.tar, made by scripts/image/build.mjs or of the Dockerfile',
    );
  requireRoot(context);
  const unshare = requireTool(context, 'unshare');
  const scratch = testDirectory();
  const [layout, rootfs, source] = ['layout', 'rootfs', 'source'].map((name) => path.join(scratch, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [layout, rootfs, source]) mkdirSync(directory);
  await runOk('tar', ['-xf', image, '-C', layout], { timeoutMs: 300_000 });
  const json = (name: string) => JSON.parse(readFileSync(path.join(layout, name), 'utf8'));
  const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`;
  const manifest = json(blob(json('index.json').manifests[0].digest));
  const { config, rootfs: contents } = json(blob(manifest.config.digest));
  expect(manifest.layers).toHaveLength(contents.diff_ids.length);
  for (const { digest, size } of manifest.layers) {
    expect(statSync(path.join(layout, blob(digest))).size).toBe(size);
    expect((await runOk('sha256sum', [path.join(layout, blob(digest))])).stdout.split(' ')[0]).toBe(
      digest.split(':')[1],
    );
    await runOk('tar', ['-xzf', path.join(layout, blob(digest)), '-C', rootfs], { timeoutMs: 300_000 });
  }

  chownSync(source, OWNER, OWNER);
  cpSync(path.join(FIXTURES_DIRECTORY, 'sigsnoop/sigsnoop.bpf.c'), path.join(source, 'sigsnoop.bpf.c'));
  writeFileSync(path.join(source, 'tiny.bpf.c'), TINY);
  /** As a container runtime would: its own mounts, the source at /src, the image's environment and entry point. */
  const container = (...args: string[]): Promise<CommandResult> => {
    const script =
      'mount --bind "$1" "$2/src" && mount -t proc proc "$2/proc" && shift && root=$1 && shift && exec chroot "$root" /usr/bin/env -i "$@"';
    const command = [
      ...config.Env,
      'sh',
      '-c',
      'cd "$0" && exec "$@"',
      config.WorkingDir,
      ...config.Entrypoint,
      ...(args.length > 0 ? args : config.Cmd),
    ];
    return run(unshare, ['-m', 'sh', '-ec', script, 'sh', source, rootfs, ...command]);
  };

  const built = await container('sigsnoop.bpf.c');
  expect(built.stderr).toBe(
    'Compiling bpf object...\nGenerating export types...\nPacking ebpf object and config into package.json...\n',
  );
  expect(built.status).toBe(0);
  for (const name of ['package.json', 'sigsnoop.bpf.o', 'sigsnoop.skel.json']) {
    expect(statSync(path.join(source, name)).uid, name).toBe(OWNER);
  }
  const standalone = await container('tiny.bpf.c', '--standalone', '-o', 'out');
  expect(standalone.stderr).toContain('Generating standalone executable...');
  expect(standalone.status, standalone.stderr).toBe(0);
  expect((await runOk(path.join(source, 'out/tiny.out'), ['--version'])).stdout).toBe('tiny 0.1.0\n');
  expect((await container('doctor')).status).toBe(0);
  expect((await container()).stdout).toContain('--wasm-header');
}, 900_000);
