/** Places that are unusual: rights, file systems, names of full length, standard output that goes away. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ECC, ecc, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { requireRoot } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

function projectIn(directory: string, name = 'a.bpf.c'): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, name), TINY);
  return directory;
}

test('umask 077: only the user reads what is made', async () => {
  const directory = projectIn(testDirectory());
  const { status, stderr } = await run('sh', ['-c', `umask 077; exec "$0" "$@"`, process.execPath, ECC, 'a.bpf.c'], {
    cwd: directory,
  });
  expect(status, stderr).toBe(0);
  for (const name of ['a.bpf.o', 'a.skel.json', 'package.json'])
    expect(statSync(path.join(directory, name)).mode & 0o777).toBe(0o600);
});

test('sources, cache and temporary files on three file systems', async (context) => {
  requireRoot(context);
  const directory = projectIn(testDirectory());
  const [temporary, cache] = ['tmp', 'cache'].map((name) => path.join(directory, name)) as [string, string];
  for (const place of [temporary, cache]) {
    mkdirSync(place);
    const mount = await run('mount', ['-t', 'tmpfs', 'tmpfs', place]);
    if (mount.status !== 0) context.skip(`mount is not permitted: ${mount.stderr.trim()}`);
  }
  try {
    const env = { TMPDIR: temporary, ECC_CACHE_DIR: cache, ECC_CACHE_SIZE: '64' };
    for (const flags of [[], [], ['--no-cache'], ['-o', path.join(temporary, 'out')]]) {
      expect(await ecc(['a.bpf.c', '--ts', ...flags], { cwd: directory, env })).toMatchObject({ status: 0 });
    }
    expect(readdirSync(temporary)).toEqual(['out']);
    expect(readdirSync(directory).sort()).toEqual([
      'a.bpf.c',
      'a.bpf.o',
      'a.bpf.ts',
      'a.skel.json',
      'cache',
      'package.json',
      'tmp',
    ]);
  } finally {
    for (const place of [temporary, cache]) await run('umount', [place]);
  }
});

test('a source tree that cannot be written, and a cache that belongs to somebody else', async (context) => {
  requireRoot(context);
  const directory = testDirectory();
  const source = projectIn(path.join(directory, 'src'));
  const out = path.join(directory, 'out');
  const cache = path.join(directory, 'cache');
  for (const place of [out, cache]) mkdirSync(place);
  chmodSync(directory, 0o755);
  chmodSync(source, 0o555);
  chmodSync(cache, 0o700);
  chmodSync(out, 0o777);
  // somebody who may read everything that is needed, and write only there
  const nobody = 65_534;
  const as = (args: string[]) =>
    run('setpriv', [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', process.execPath, ECC, ...args], {
      cwd: source,
      env: { ECC_CACHE_DIR: cache, HOME: '/nonexistent', TMPDIR: out },
    });
  const probe = await as(['--version']);
  if (probe.status !== 0) context.skip(`another user cannot run it here: ${probe.stderr.trim().split('\n')[0]}`);
  const refused = await as(['a.bpf.c']);
  expect(refused.status, refused.stderr).toBe(74);
  expect(refused.stderr).toMatch(/error\[IO_WRITE_FAILED\]: .*permission denied\n.*-o DIR/);
  expect(readdirSync(source)).toEqual(['a.bpf.c']);
  expect(await as(['a.bpf.c', '-o', out])).toMatchObject({ status: 0 });
  const artefacts = ['a.bpf.o', 'a.skel.json', 'package.json'];
  expect(readdirSync(out).sort()).toEqual(artefacts);
  expect(readdirSync(cache)).toEqual([]);
  // and it is what anybody else gets
  const own = path.join(directory, 'own');
  expect(await ecc(['a.bpf.c', '-o', own], { cwd: source })).toMatchObject({ status: 0 });
  for (const name of artefacts) {
    expect(readFileSync(path.join(out, name)).equals(readFileSync(path.join(own, name))), name).toBe(true);
  }
});

test('a name of 255 bytes has no room for a longer suffix: nothing is written', async () => {
  const longest = `${'x'.repeat(255 - '.bpf.c'.length)}.bpf.c`;
  const directory = projectIn(testDirectory(), longest);
  const { status, stderr } = await ecc([longest], { cwd: directory });
  expect(status).toBe(74);
  expect(stderr).toContain('the name is too long');
  expect(readdirSync(directory)).toEqual([longest]);
  const multibyte = `${'é'.repeat(100)}.bpf.c`;
  const other = projectIn(testDirectory(), multibyte);
  expect(await ecc([multibyte], { cwd: other })).toMatchObject({ status: 0 });
});

test('output through a link, and a link to nowhere', async () => {
  const directory = projectIn(testDirectory());
  mkdirSync(path.join(directory, 'real'));
  symlinkSync('real', path.join(directory, 'link'));
  symlinkSync('nowhere', path.join(directory, 'broken'));
  expect(await ecc(['a.bpf.c', '-o', 'link'], { cwd: directory })).toMatchObject({ status: 0 });
  expect(existsSync(path.join(directory, 'real', 'package.json'))).toBe(true);
  const { status, stderr } = await ecc(['a.bpf.c', '-o', 'broken'], { cwd: directory });
  expect(status, stderr).toBe(74);
  expect(await ecc(['a.bpf.c', '-o', '/proc/nowhere/at/all'], { cwd: directory })).toMatchObject({ status: 74 });
});

test.each([['../b.bpf.c'], ['run', 'package.json'], ['vmlinux'], ['nonsense']])(
  'a working directory that is gone: ecc %s',
  async (...args) => {
    const directory = projectIn(path.join(testDirectory(), 'gone'));
    const { stderr, status } = await run(
      'sh',
      ['-c', 'cp a.bpf.c ../b.bpf.c; rm -r "$PWD"; exec "$0" "$@"', process.execPath, ECC, ...args],
      { cwd: directory },
    );
    expect(stderr).toBe('error[IO_NO_DIRECTORY]: the working directory is gone\n  help: go to one that is there\n');
    expect(status).toBe(74);
  },
);

test('standard output and error that are closed: no noise, artefacts there', async () => {
  const directory = projectIn(testDirectory());
  const env = { ECC_CACHE_DIR: path.join(directory, 'cache') };
  const head = await run(
    'sh',
    ['-c', `"$0" "$@" | head -c 1 >/dev/null; echo "end"`, process.execPath, ECC, 'vmlinux'],
    { cwd: directory, env },
  );
  expect(head).toEqual({ status: 0, stdout: 'end\n', stderr: '' });
  for (const closed of ['>&- 2>&-', '>/dev/full 2>/dev/full', '<&-']) {
    const script = `"$0" "$@" ${closed}; echo $? >status`;
    await run('sh', ['-c', script, process.execPath, ECC, 'a.bpf.c', '-o', 'out'], { cwd: directory, env });
    expect(existsSync(path.join(directory, 'out', 'package.json')), closed).toBe(true);
    rmSync(path.join(directory, 'out'), { recursive: true });
  }
});

test('output that is lost is an error', async () => {
  const directory = projectIn(testDirectory());
  const { status, stderr } = await run('sh', ['-c', '"$0" "$@" >/dev/full', process.execPath, ECC, 'vmlinux'], {
    cwd: directory,
  });
  expect(stderr).toContain(
    'error[IO_WRITE_FAILED]: standard output: cannot be written: no space is left on the device',
  );
  expect(status).toBe(74);
});

test('a terminal that goes away: the build goes on, also one that is answered from the cache', async () => {
  const directory = projectIn(testDirectory());
  const env = { ...process.env, ECC_CACHE_DIR: path.join(directory, 'cache') };
  for (const how of ['built', 'restored with its warnings']) {
    const child = spawn(process.execPath, [ECC, 'a.bpf.c', '-o', 'out'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await new Promise((resolve) => child.on('exit', resolve)), how).toBe(0);
    expect(readdirSync(path.join(directory, 'out')).sort()).toEqual(['a.bpf.o', 'a.skel.json', 'package.json']);
    rmSync(path.join(directory, 'out'), { recursive: true });
  }
});
