/** The user's own vmlinux.h precompiled: when it is made, when it is used, and that nobody can tell by the artefacts. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ECC, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';
import { installedClangs } from '../support/tools.ts';

const header = path.join(fileDirectory(), 'vmlinux.h');

beforeAll(async () => {
  // the marker in its first line says that it is ours, which counts as none
  const { stdout } = await ecc(path.dirname(header), ['vmlinux']);
  writeFileSync(header, stdout.slice(stdout.indexOf('\n')));
});

function ecc(directory: string, args: readonly string[]) {
  return run(process.execPath, [ECC, ...args], {
    cwd: directory,
    env: { ECC_CACHE_DIR: path.join(directory, '.cache'), NO_COLOR: '1' },
  });
}

function project(text = TINY): string {
  const directory = testDirectory();
  mkdirSync(path.join(directory, '.cache'));
  // an empty one counts as new
  writeFileSync(path.join(directory, '.cache/used'), '');
  cpSync(header, path.join(directory, 'vmlinux.h'));
  writeFileSync(path.join(directory, 'prog.bpf.c'), text);
  return directory;
}

/** Bytes of each precompiled header that is kept. */
function kept(directory: string): number[] {
  const place = path.join(directory, '.cache/headers');
  return existsSync(place) ? readdirSync(place).map((name) => statSync(path.join(place, name)).size) : [];
}

const build = (directory: string, ...more: string[]) => ecc(directory, ['prog.bpf.c', '--no-cache', '-v', ...more]);
const artefact = (directory: string) => readFileSync(path.join(directory, 'package.json'), 'utf8');

test.each(installedClangs())('%s: made by one build, used by the next, for the same bytes', async (clang) => {
  const directory = project();
  const first = await build(directory, '-c', clang);
  expect(first).toMatchObject({ status: 0 });
  expect(first.stderr).not.toContain('-include-pch');
  const wanted = artefact(directory);
  const [size] = kept(directory);
  expect(size).toBeGreaterThan(1_000_000);
  const second = await build(directory, '-c', clang);
  expect(second.status, second.stderr).toBe(0);
  expect(second.stderr).toContain('-include-pch');
  expect(artefact(directory)).toBe(wanted);
  // other flags, other header
  expect((await build(directory, '-c', clang, '-a', '-DOTHER')).stderr).not.toContain('-include-pch');
  expect(kept(directory).length).toBe(2);
});

test('the first build in an empty cache makes none', async () => {
  const directory = project();
  await run('rm', ['-r', path.join(directory, '.cache')]);
  expect((await build(directory)).status).toBe(0);
  expect(kept(directory)).toEqual([]);
});

test('errors are those of a compile without it', async () => {
  const directory = project();
  await build(directory);
  writeFileSync(path.join(directory, 'prog.bpf.c'), `${TINY}int broken = nothing_like_that;\n`);
  const { status, stderr } = await build(directory);
  expect(status).toBe(4);
  expect(stderr).toContain("prog.bpf.c:18:14: error: use of undeclared identifier 'nothing_like_that'");
  expect(stderr.match(/error: use of/g)?.length).toBe(1);
});

test('a broken one is passed over', async () => {
  const directory = project();
  await build(directory);
  const wanted = artefact(directory);
  const place = path.join(directory, '.cache/headers');
  const file = path.join(place, readdirSync(place)[0]!);
  writeFileSync(file, readFileSync(file).subarray(0, 100_000));
  expect(await build(directory)).toMatchObject({ status: 0 });
  expect(artefact(directory)).toBe(wanted);
});

test('not where something stands before the header', async () => {
  const directory = project(`#define something\n${TINY}`);
  expect((await build(directory)).status).toBe(0);
  expect(kept(directory)).toEqual([]);
});

test('a header with warnings is read each time', async () => {
  const directory = project();
  writeFileSync(path.join(directory, 'vmlinux.h'), `${readFileSync(header)}\n#warning an old kernel\n`);
  for (const _ of [1, 2]) expect((await build(directory)).stderr).toContain('warning: an old kernel');
  expect(kept(directory)).toEqual([0]);
});
