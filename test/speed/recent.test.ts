/** An unchanged build that is known by times alone: what it spares, and that it misses nothing. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ECC, TINY } from '../support/cli.ts';
import { run, runOk } from '../support/command.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';

const UP_TO_DATE = 'prog.bpf.c: up to date\n';

/** Prints whether files were hashed, which is what times spare. */
const probe = path.join(fileDirectory(), 'probe.cjs');
writeFileSync(
  probe,
  `process.on('exit', () => console.log(process.moduleLoadList.includes('NativeModule crypto') ? 'read' : 'looked'));`,
);

async function ecc(directory: string, ...args: readonly string[]) {
  return eccIn(directory, {}, ...args);
}

async function eccIn(directory: string, env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const { stdout, stderr, status } = await run(process.execPath, ['-r', probe, ECC, 'prog.bpf.c', ...args], {
    cwd: directory,
    env: {
      ECC_CACHE_DIR: path.join(directory, '.cache'),
      NO_COLOR: '1',
      // nothing is in there, yet
      PATH: `${path.join(directory, 'bin')}:${process.env.PATH}`,
      ...env,
    },
  });
  expect(status, stderr).toBe(0);
  return { how: stdout.trim(), stderr };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A project that was built, and found unchanged when its files were old enough to go by their times. */
async function settled(): Promise<string> {
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'event.h'), 'struct event { int a; };\n');
  // long enough for a name, so that there is no warning to repeat
  writeFileSync(path.join(directory, 'prog.bpf.c'), TINY.replace('#include <bpf', '#include "event.h"\n#include <bpf'));
  await ecc(directory);
  expect(await ecc(directory)).toEqual({ how: 'read', stderr: UP_TO_DATE });
  await sleep(2600);
  expect(await ecc(directory)).toEqual({ how: 'read', stderr: UP_TO_DATE });
  expect(await ecc(directory)).toEqual({ how: 'looked', stderr: UP_TO_DATE });
  return directory;
}

test('nothing is read until something is different', async () => {
  const directory = await settled();
  const touched = path.join(directory, 'event.h');
  const { mtimeMs } = statSync(touched);

  // the same number of bytes, and the time put back: only the time of the change itself tells
  writeFileSync(touched, 'struct event { int b; };\n');
  utimesSync(touched, mtimeMs / 1000, mtimeMs / 1000);
  expect((await ecc(directory)).stderr).toContain('Compiling bpf object...');
});

test('artefacts that are edited, gone, or replaced come back', async () => {
  const directory = await settled();
  const file = path.join(directory, 'prog.skel.json');
  const wanted = readFileSync(file);
  for (const spoil of [
    () => writeFileSync(file, wanted.toString().replace('{', '[')),
    () => rmSync(file),
    () => cpSync(path.join(directory, 'prog.bpf.o'), file),
  ]) {
    spoil();
    expect((await ecc(directory)).stderr).toBe('prog.bpf.c: restored from the cache\n');
    expect(readFileSync(file).equals(wanted)).toBe(true);
  }
});

test('a file where none was found, other flags, another place for the output', async () => {
  const directory = await settled();
  expect((await ecc(directory, '-o', 'out')).stderr).toBe('prog.bpf.c: restored from the cache\n');
  expect((await ecc(directory)).how).toBe('looked');
  expect((await ecc(directory, '-a', '-DOTHER', '-o', 'other')).stderr).toContain('Compiling bpf object...');
  expect((await ecc(directory)).how).toBe('looked');
  // beside the source, where it is looked for before anywhere else
  const header = await run(process.execPath, [ECC, 'vmlinux', '--for', 'prog.bpf.c'], { cwd: directory });
  writeFileSync(path.join(directory, 'vmlinux.h'), header.stdout.slice(header.stdout.indexOf('\n')));
  expect((await ecc(directory)).how).toBe('read');
});

test('another clang: named, on another path, or where none was found on the path', async () => {
  const directory = await settled();
  const clang = (await runOk('sh', ['-c', 'command -v clang'])).stdout.trim();
  // one clang under several names is one to the cache; only that has to be looked at
  expect((await eccIn(directory, { CLANG: clang })).how).toBe('read');
  expect((await eccIn(directory, { PATH: process.env.PATH! })).how).toBe('read');
  expect((await ecc(directory)).how).toBe('looked');
  mkdirSync(path.join(directory, 'bin'));
  symlinkSync(clang, path.join(directory, 'bin/clang'));
  expect((await ecc(directory)).how).toBe('read');
});

test('a note that is broken counts as none', async () => {
  const directory = await settled();
  const notes = path.join(directory, '.cache/builds/notes');
  const files = readdirSync(notes, { recursive: true, encoding: 'utf8' }).map((name) => path.join(notes, name));
  for (const file of files.filter((name) => statSync(name).isFile())) {
    const text = readFileSync(file, 'utf8');
    for (const broken of [
      '',
      '{}',
      'null',
      text.slice(0, -5),
      text.replace('"stamps":[', '"stamps":[["/etc/hostname","1"],'),
    ]) {
      writeFileSync(file, broken);
      expect((await ecc(directory)).stderr).toBe(UP_TO_DATE);
    }
  }
  expect(existsSync(path.join(directory, 'package.json'))).toBe(true);
});
