/** Looking at a package or an object of somebody else runs no program and loads no native code. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ECC, ecc, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { fileDirectory } from '../support/temporary.ts';

/** Node may read and write files, but neither start programs nor threads nor load native code. */
const FILES_ONLY = [
  Number(process.versions.node.split('.')[0]) < 23 ? '--experimental-permission' : '--permission',
  '--allow-fs-read=*',
  '--allow-fs-write=*',
];

describe('with a package that was built before', () => {
  const directory = fileDirectory();
  writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
  const built = ecc(['a.bpf.c', '--yaml'], { cwd: directory });
  const restricted = (args: readonly string[]) =>
    run(process.execPath, [...FILES_ONLY, ECC, ...args], { cwd: directory, env: { NO_COLOR: '1' } });

  test.each([
    ['inspect', 'package', 'package.yaml'],
    ['inspect', 'skeleton', 'a.bpf.o'],
    ['inspect', 'structs', 'a.bpf.o'],
    ['unpack', 'package.yaml', '-o', 'unpacked'],
    ['types', 'package.yaml'],
  ])('%s %s %s', async (...args) => {
    expect((await built).status).toBe(0);
    const { status, stderr, stdout } = await restricted(args);
    expect(status, stderr + stdout).toBe(0);
  });

  test('a build would not be possible like that', async () => {
    expect((await built).status).toBe(0);
    writeFileSync(path.join(directory, 'b.bpf.c'), TINY);
    const { status, stderr } = await restricted(['b.bpf.c']);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/Access to this API has been restricted/);
  });
});
