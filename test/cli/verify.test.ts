/** `ecc verify`: is a package what its source gives? */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ecc, TINY } from '../support/cli.ts';
import { testDirectory } from '../support/temporary.ts';
import { installedClangs } from '../support/tools.ts';

async function project(...flags: string[]): Promise<{ directory: string; text: string }> {
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
  expect(await ecc(['a.bpf.c', ...flags], { cwd: directory })).toMatchObject({ status: 0 });
  return { directory, text: readFileSync(path.join(directory, 'package.json'), 'utf8') };
}

test('a package and its source, from another directory too', async () => {
  const { directory } = await project('-a', '-DX=1 -O1');
  const near = await ecc(['verify', 'package.json', 'a.bpf.c'], { cwd: directory });
  expect(near).toEqual({ status: 0, stdout: 'package.json is what a.bpf.c gives, to the byte\n', stderr: '' });
  const files = ['package.json', 'a.bpf.c'].map((name) => path.join(directory, name));
  expect(await ecc(['verify', ...files], { cwd: testDirectory() })).toMatchObject({ status: 0 });
  const { stdout } = await ecc(['verify', 'package.json', 'a.bpf.c', '--json'], { cwd: directory });
  expect(JSON.parse(stdout)).toEqual({ same: true, inputs: [], contents: [] });
});

test('flags in two words are taken from the package as those in one', async () => {
  const directory = testDirectory();
  mkdirSync(path.join(directory, 'own dir'));
  writeFileSync(path.join(directory, 'own dir', 'own.h'), '');
  writeFileSync(path.join(directory, 'a.bpf.c'), `#include "own.h"\n${TINY}int answer = X;\n`);
  const flags = ['-a', '-D X=4 -U Y -DZ', '-a', "-I 'own dir' -I. -iquote . -isystem ."];
  expect(await ecc(['a.bpf.c', ...flags], { cwd: directory })).toMatchObject({ status: 0 });
  const info = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')).build_info;
  expect(info.cflags.slice(0, 5)).toEqual(['-D', 'X=4', '-U', 'Y', '-DZ']);
  const verified = await ecc(['verify', 'package.json', 'a.bpf.c'], { cwd: directory });
  expect(verified).toEqual({ status: 0, stdout: 'package.json is what a.bpf.c gives, to the byte\n', stderr: '' });
  expect(await ecc(['verify', 'package.json', 'a.bpf.c', ...flags], { cwd: directory })).toEqual(verified);
});

test('another source, other flags, another object inside', async () => {
  const { directory, text } = await project();
  writeFileSync(path.join(directory, 'a.bpf.c'), TINY.replace('kill by', 'killed by'));
  const other = await ecc(['verify', 'package.json', 'a.bpf.c'], { cwd: directory });
  expect(other.status).toBe(1);
  expect(other.stdout).toMatch(
    /is not what a\.bpf\.c gives:\n {2}object: .*\n.*\n {2}source a\.bpf\.c: sha256 .*; here: sha256/,
  );
  writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
  expect((await ecc(['verify', 'package.json', 'a.bpf.c', '-a', '-O1'], { cwd: directory })).stdout).toContain(
    'flags: ; here: -O1',
  );

  writeFileSync(path.join(directory, 'forged.json'), text.replace('"link":true', '"link":false'));
  const forged = await ecc(['verify', 'forged.json', 'a.bpf.c'], { cwd: directory });
  expect(forged).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('metadata, meta.bpf_skel.progs[0].link: false; here: true'),
  });
});

test('another compiler is named', async (context) => {
  const [first, second] = installedClangs();
  if (first === undefined || second === undefined) return context.skip('needs two versions of clang');
  const { directory } = await project('-c', first);
  const { stdout, status } = await ecc(['verify', 'package.json', 'a.bpf.c', '-c', second], { cwd: directory });
  // small programs come out the same
  expect(status).toBe(stdout.includes('to the byte') ? 0 : 1);
  expect(stdout).toMatch(/clang: .*version \d+.*; here: .*version \d+/);
});

test('what a stranger’s package asks clang to do is not done', async () => {
  const { directory, text } = await project('-a', '-DX');
  for (const flag of [
    '-fplugin=./x.so',
    '-Xclang',
    '-include',
    '-I/etc',
    '@file',
    '-Wp,-MD,x',
    '-save-temps',
    '-mllvm',
    '-D -fplugin=./x.so',
    '-D X -fplugin=./x.so',
    '-I /etc',
    '-I -save-temps',
    '-D',
  ]) {
    const words = flag.split(' ').map((word) => JSON.stringify(word));
    writeFileSync(path.join(directory, 'evil.json'), text.replace('"-DX"', words.join(',')));
    const { stderr, status } = await ecc(['verify', 'evil.json', 'a.bpf.c'], { cwd: directory });
    expect(status, flag).toBe(2);
    expect(stderr).toContain('error[USAGE_VERIFY_FLAG]');
  }
});

test('a package that does not say how it was made', async () => {
  const { directory, text } = await project();
  const verified = async (change: (file: Record<string, unknown>) => void) => {
    const file = JSON.parse(text);
    change(file);
    writeFileSync(path.join(directory, 'b.json'), JSON.stringify(file));
    return (await ecc(['verify', 'b.json', 'a.bpf.c'], { cwd: directory })).stderr;
  };
  expect(await verified((file) => delete file.build_info)).toContain('error[PKG_NO_BUILD_INFO]: b.json: ');
  expect(await verified((file) => Object.assign(file, { build_info: { ecc: 1 } }))).toContain(
    'build_info.ecc: a string expected',
  );
  const info = JSON.parse(text).build_info;
  expect(
    await verified((file) => Object.assign(file, { build_info: { ...info, target_arch: '__proto__' } })),
  ).toContain('error[USAGE_ARCH]');
  expect(
    await verified((file) => Object.assign(file, { build_info: { ...info, kernel_headers: 'my.btf sha256:00' } })),
  ).toMatch(/USAGE_VERIFY_KERNEL.*--vmlinux FILE/s);
});
