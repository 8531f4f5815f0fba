/** The file system fails at each step in turn: a clear error or a build that does without, old artefacts whole, nothing left behind. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ECC, TINY } from '../support/cli.ts';
import { run, runOk } from '../support/command.ts';
import { requireRoot, requireTool } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';

const { EIO, ENOSPC } = os.constants.errno;
/** Which of the calls fails; all of them take minutes (`ECC_LONG_TESTS=1`). */
const PLACES = process.env.ECC_LONG_TESTS ? Array.from({ length: 60 }, (_, i) => i + 1) : [1, 2, 4, 7, 12];
const STATUSES = [0, 3, 4, 74];
const ARTEFACTS = ['a.bpf.o', 'a.skel.json', 'package.json'];

const root = fileDirectory();
const project = path.join(root, 'project');
const temporary = path.join(root, 'tmp');
const library = path.join(root, 'faults.so');

function artefacts(directory: string): string[] {
  return ARTEFACTS.map((name) => readFileSync(path.join(directory, name), 'base64'));
}

async function build(directory: string, env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []) {
  const cache = { TMPDIR: temporary, ECC_CACHE_DIR: path.join(root, 'cache'), NO_COLOR: '1' };
  return run(process.execPath, [ECC, 'a.bpf.c', ...flags], { cwd: directory, env: { ...cache, ...env } });
}

beforeAll(async () => {
  mkdirSync(project);
  mkdirSync(temporary);
  writeFileSync(path.join(project, 'a.bpf.c'), TINY);
  await runOk(process.execPath, [ECC, 'a.bpf.c'], { cwd: project });
});

describe('one system call after the other', () => {
  test.each([
    ['create', EIO],
    ['write', ENOSPC],
    ['fsync', EIO],
    ['rename', EIO],
    ['mkdir', ENOSPC],
  ])('%s fails', { timeout: 300_000 }, async (call, errno) => {
    const gcc = requireToolHere();
    if (!existsSync(library))
      await runOk(gcc, ['-shared', '-fPIC', '-O1', '-o', library, path.join(import.meta.dirname, 'faults.c'), '-ldl']);
    const log = path.join(root, 'reached');
    const statuses: number[] = [];
    for (const nth of PLACES) {
      const old = artefacts(project);
      const next = TINY.replace('target_pid = 0', `target_pid = ${call.length * 100 + nth}`);
      writeFileSync(path.join(project, 'a.bpf.c'), next);
      rmSync(log, { force: true });
      rmSync(path.join(root, 'cache'), { recursive: true, force: true });
      const env = {
        LD_PRELOAD: library,
        FAULT_CALL: call,
        FAULT_NTH: String(nth),
        FAULT_ERRNO: String(errno),
        FAULT_LOG: log,
      };
      const { status, stderr } = await build(project, env);
      if (!existsSync(log)) break;
      const what = `${call} ${nth}: ${stderr}`;
      statuses.push(status);
      expect(STATUSES, what).toContain(status);
      expect(stderr, what).not.toMatch(/INTERNAL|\n\s+at /);
      if (status !== 0) expect(stderr, what).toMatch(/error\[[A-Z_]+\]: .*\n/);
      expect(readdirSync(project).sort(), what).toEqual(['a.bpf.c', ...ARTEFACTS]);
      expect(readdirSync(temporary), what).toEqual([]);
      // files are renamed one after the other: each is the old or the new one
      const after = artefacts(project);
      expect(await build(project, {}, ['--no-cache']), what).toMatchObject({ status: 0 });
      const fresh = artefacts(project);
      after.forEach((bytes, i) => {
        expect([old[i], fresh[i]], `${what}: ${ARTEFACTS[i]}`).toContain(bytes);
      });
      if (call !== 'rename' && status !== 0) expect(after, what).toEqual(old);
    }
    expect(statuses.length).toBeGreaterThan(1);
  });
});

function requireToolHere(): string {
  return requireTool(
    {
      skip: () => {
        throw new Error('gcc is needed');
      },
    },
    'gcc',
  );
}

test('a disk that fills up at any size: old artefacts whole, nothing left', { timeout: 300_000 }, async (context) => {
  requireRoot(context);
  const full = path.join(root, 'full');
  mkdirSync(full);
  const mount = await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
  if (mount.status !== 0) context.skip(`mount is not permitted: ${mount.stderr.trim()}`);
  try {
    writeFileSync(path.join(full, 'a.bpf.c'), TINY);
    expect(await build(full)).toMatchObject({ status: 0 });
    const old = artefacts(full);
    writeFileSync(path.join(full, 'a.bpf.c'), TINY.replace('kill by', 'killed by'));
    let failed = 0;
    for (let free = 0; free <= 32; free += 4) {
      rmSync(path.join(full, 'ballast'), { force: true });
      const used = readdirSync(full).reduce(
        (sum, name) => sum + Math.ceil(readFileSync(path.join(full, name)).length / 4096) * 4,
        0,
      );
      writeFileSync(path.join(full, 'ballast'), Buffer.alloc(Math.max(0, 64 - used - free) * 1024));
      const { status, stderr } = await build(full);
      expect([0, 74], `${free} kB free: ${stderr}`).toContain(status);
      expect(readdirSync(full).sort()).toEqual(['a.bpf.c', ...ARTEFACTS, 'ballast'].sort());
      if (status === 0) break;
      failed++;
      expect(stderr).toContain('no space is left on the device');
      expect(artefacts(full)).toEqual(old);
    }
    expect(failed).toBeGreaterThan(0);
  } finally {
    await run('umount', [full]);
  }
});
