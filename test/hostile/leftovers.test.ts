/** What builds leave that are killed by SIGKILL, and who removes it: later builds and `ecc cache clear`, when its process is gone and it is old enough. */
import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CacheStore } from '../../src/build/cache/store.ts';
import { machineId } from '../../src/core/processes.ts';
import { ECC, TINY } from '../support/cli.ts';
import { runOk } from '../support/command.ts';
import { testDirectory } from '../support/temporary.ts';

const MINUTES = 60;

/** A project with temporary files and a cache of its own. */
function project() {
  const root = testDirectory();
  const [temporary, cache] = [path.join(root, 'tmp'), path.join(root, 'cache')];
  mkdirSync(temporary);
  mkdirSync(cache);
  writeFileSync(path.join(root, 'a.bpf.c'), TINY);
  // a compiler that says that it runs, and then does not end
  writeFileSync(
    path.join(root, 'clang'),
    '#!/bin/sh\ncase "$*" in *--version*|*-print-targets*) exec clang "$@";; esac\ntouch "$0.runs"; exec sleep 1000\n',
    {
      mode: 0o755,
    },
  );
  const env = { ...process.env, TMPDIR: temporary, ECC_CACHE_DIR: cache, NO_COLOR: '1' };
  const ecc = (...args: string[]) => runOk(process.execPath, [ECC, ...args], { cwd: root, env });
  return { root, temporary, cache, env, ecc, compiler: path.join(root, 'clang') };
}

function age(file: string, seconds: number): void {
  const time = Date.now() / 1000 - seconds;
  utimesSync(file, time, time);
}

/** Builds and is killed while clang runs. @returns the work directory that is left */
async function killedBuild({ root, temporary, env, compiler }: ReturnType<typeof project>): Promise<string> {
  const before = new Set(readdirSync(temporary));
  const child = spawn(process.execPath, [ECC, 'a.bpf.c', '-c', compiler], {
    cwd: root,
    env,
    stdio: 'ignore',
    detached: true,
  });
  await expect.poll(() => existsSync(`${compiler}.runs`), { timeout: 20_000 }).toBe(true);
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  process.kill(-child.pid!, 'SIGKILL');
  expect(await ended).toBe('SIGKILL');
  const left = readdirSync(temporary).filter((name) => !before.has(name));
  expect(left).toHaveLength(1);
  return path.join(temporary, left[0]!);
}

test('a work directory goes with a later build, not while it may be in use', async () => {
  const place = project();
  const left = await killedBuild(place);
  await place.ecc('a.bpf.c', '--no-cache');
  expect(existsSync(left)).toBe(true);
  age(left, 2 * MINUTES);
  await place.ecc('a.bpf.c');
  expect(readdirSync(place.temporary)).toEqual([]);
});

test('an unchanged source does not look for leftovers', async () => {
  const place = project();
  await place.ecc('a.bpf.c');
  const left = await killedBuild(Object.assign(place, { env: { ...place.env, ECC_CACHE_SIZE: '0' } }));
  age(left, 2 * MINUTES);
  await place.ecc('a.bpf.c');
  expect(existsSync(left)).toBe(true);
  await place.ecc('cache', 'clear');
  expect(existsSync(left)).toBe(false);
});

test('ecc cache clear removes what is ours, old and of no running process; the rest stays', async () => {
  const { temporary, cache, ecc, root } = project();
  const machine = machineId();
  const gone = 2 ** 22 + 1;
  const make = (directory: string, name: string, seconds: number) => {
    const file = path.join(directory, name);
    mkdirSync(file, { recursive: true });
    writeFileSync(path.join(file, 'content'), '');
    age(file, seconds);
    return file;
  };
  const removed = [
    make(temporary, `ecc-${machine}-${gone}-Ab12Cd`, 2 * MINUTES),
    make(temporary, `ecc-0123abcd-1-Ab12Cd`, 25 * 60 * MINUTES),
    make(cache, 'btfhub-archive.123', 25 * 60 * MINUTES),
  ];
  const kept = [
    make(temporary, `ecc-${machine}-${gone}-Ab12Ce`, 10),
    make(temporary, `ecc-${machine}-${process.pid}-Ab12Cd`, 99 * 60 * MINUTES),
    make(temporary, `ecc-0123abcd-${gone}-Ab12Ce`, 60 * MINUTES),
    make(temporary, 'ecc-of-somebody', 99 * 60 * MINUTES),
    make(temporary, `ecc-${machine}-${gone}-Ab12Cdxyz`, 99 * 60 * MINUTES),
    make(cache, 'btfhub-archive.124', 23 * 60 * MINUTES),
  ];
  // a link is removed, what it leads to is not
  const link = path.join(temporary, `ecc-${machine}-${gone}-Li12nk`);
  symlinkSync(root, link);
  if (process.getuid?.() === 0) {
    const foreign = make(temporary, `ecc-${machine}-${gone}-Fo12re`, 99 * 60 * MINUTES);
    chownSync(foreign, 65534, 65534);
    kept.push(foreign);
  }
  const { stdout } = await ecc('cache', 'clear');
  expect(stdout).toContain('left by builds that were killed:\n');
  for (const file of removed) expect(stdout).toContain(`  ${file}\n`);
  expect(removed.filter((file) => existsSync(file))).toEqual([]);
  expect(kept.filter((file) => !existsSync(path.join(file, 'content')))).toEqual([]);
  expect(existsSync(path.join(root, 'a.bpf.c'))).toBe(true);
});

test('half-written files in the cache', async () => {
  const { cache, ecc } = project();
  await ecc('a.bpf.c');
  const make = (name: string, seconds: number) => {
    const file = path.join(cache, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'half');
    age(file, seconds);
    return file;
  };
  const old = [
    make('kernel-0123456789abcdef0123456789abcdef-v2.0123456789ab', 61 * MINUTES),
    make('tools/0123456789abcdef.4242', 61 * MINUTES),
    make('code/x-v20-x64-cli.cjs.4242', 61 * MINUTES),
  ];
  const young = [make('tools/0123456789abcdef.4243', 59 * MINUTES), make('tools/0123456789abcdef', 9999 * MINUTES)];
  const blob = make('builds/blobs/ab/cdef.4242.0123abcd', 61 * MINUTES);
  const youngBlob = make('builds/blobs/ab/cdef.4242.0123abce', 59 * MINUTES);
  await ecc('a.bpf.c', '--no-cache');
  expect(old.filter((file) => existsSync(file))).toEqual([]);
  expect(young.every((file) => existsSync(file))).toBe(true);
  new CacheStore(cache).trim();
  expect([existsSync(blob), existsSync(youngBlob)]).toEqual([false, true]);
});
