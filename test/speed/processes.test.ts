/** The command line and its cache: one line and nothing loaded for what did not change, many processes at once, processes that are killed. */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ECC, TINY } from '../support/cli.ts';
import { type CommandResult, run } from '../support/command.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';

const ARTEFACTS = ['prog.bpf.o', 'prog.skel.json', 'package.json'];
const UP_TO_DATE = { status: 0, stdout: '', stderr: 'prog.bpf.c: up to date\n' };
const BUILT =
  'Compiling bpf object...\nGenerating export types...\nPacking ebpf object and config into package.json...\n';

const kernel = fileDirectory();
/** The artefacts of `TINY`. */
const wanted = new Map<string, Buffer>();

function ecc(directory: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, program = ECC) {
  return run(process.execPath, [program, ...args], {
    cwd: directory,
    env: { ECC_CACHE_DIR: path.join(directory, '.cache'), NO_COLOR: '1', TMPDIR: directory, ...env },
  });
}

/** A directory with a source and a cache that holds kernel types only. */
function project(): string {
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'prog.bpf.c'), TINY);
  mkdirSync(path.join(directory, '.cache'));
  for (const name of readdirSync(path.join(kernel, '.cache')))
    if (name.startsWith('kernel-'))
      copyFileSync(path.join(kernel, '.cache', name), path.join(directory, '.cache', name));
  return directory;
}

const read = (directory: string, name: string) => readFileSync(path.join(directory, name));

beforeAll(async () => {
  writeFileSync(path.join(kernel, 'prog.bpf.c'), TINY);
  mkdirSync(path.join(kernel, '.cache'));
  // an empty one counts as new
  writeFileSync(path.join(kernel, '.cache/used'), '');
  const result = await ecc(kernel, ['prog.bpf.c', '--no-cache']);
  expect(result).toEqual({ status: 0, stdout: '', stderr: BUILT });
  for (const name of ARTEFACTS) wanted.set(name, read(kernel, name));
});

function expectWanted(directory: string): void {
  for (const name of ARTEFACTS) expect(read(directory, name).equals(wanted.get(name)!), name).toBe(true);
}

test('what makes later builds faster is left to the second that uses a directory', async () => {
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'prog.bpf.c'), TINY);
  const kept = () => readdirSync(path.join(directory, '.cache')).filter((name) => /^kernel-/.test(name));
  await ecc(directory, ['prog.bpf.c']);
  expect(kept()).toEqual([]);
  await ecc(directory, ['prog.bpf.c', '--no-cache']);
  expect(kept()).toEqual([expect.stringMatching(/^kernel-\w+-v\d+$/)]);
  expectWanted(directory);
});

test('bytecode for a Node that did not make the bundle is kept in the cache, and a broken one is passed over', async () => {
  const root = path.dirname(path.dirname(ECC));
  const other = testDirectory();
  for (const name of ['package.json', 'data', 'templates']) symlinkSync(path.join(root, name), path.join(other, name));
  cpSync(path.join(root, 'dist'), path.join(other, 'dist'), { recursive: true });
  rmSync(path.join(other, 'dist/cli/bytecode'), { recursive: true, force: true });
  const program = path.join(other, 'dist/cli.cjs');
  const directory = project();
  writeFileSync(path.join(directory, '.cache/used'), '');
  const build = () => ecc(directory, ['prog.bpf.c', '--no-cache'], {}, program);
  expect((await build()).stderr).toBe(BUILT);
  const code = path.join(directory, '.cache/code');
  const [name, ...more] = readdirSync(code);
  expect([name, more]).toEqual([expect.stringMatching(/-build\.cjs$/), []]);
  for (const spoil of [(bytes: Buffer) => bytes, (bytes: Buffer) => bytes.subarray(0, 5000), () => Buffer.from('x')]) {
    writeFileSync(path.join(code, name!), spoil(readFileSync(path.join(code, name!))));
    expect((await build()).stderr).toBe(BUILT);
    expectWanted(directory);
  }
});

test("a program's small header is kept, taken for the next build of it, and made anew when it is broken", async () => {
  const directory = project();
  const build = () => ecc(directory, ['prog.bpf.c', '--no-cache', '--timings']);
  expect((await build()).stderr).toContain('kernel types');
  const headers = path.join(directory, '.cache/vmlinux');
  const [name, ...more] = readdirSync(headers);
  expect(more).toEqual([]);
  const file = path.join(headers, name!);
  const whole = readFileSync(file, 'utf8');
  const again = await build();
  expect(again.stderr).not.toContain('kernel types');
  expectWanted(directory);
  // clang takes this one as well, and makes something else of it
  expect(whole).toContain('typedef int __s32;');
  writeFileSync(file, whole.replace('typedef int __s32;', 'typedef char __s32;'));
  const mended = await build();
  expect(mended.status).toBe(0);
  expect(mended.stderr.match(/clang: code generation/g)).toHaveLength(2);
  expectWanted(directory);
  expect(readFileSync(file, 'utf8')).toBe(whole);
});

describe('the same command again', () => {
  test('one line, for each of several sources', async () => {
    const directory = project();
    expect((await ecc(directory, ['prog.bpf.c'])).stderr).toBe(BUILT);
    expect(await ecc(directory, ['prog.bpf.c'])).toEqual(UP_TO_DATE);
    copyFileSync(path.join(directory, 'prog.bpf.c'), path.join(directory, 'second.bpf.c'));
    const both = ['prog.bpf.c', 'second.bpf.c', '-o', 'out'];
    await ecc(directory, both);
    expect((await ecc(directory, both)).stderr).toBe('prog.bpf.c: up to date\nsecond.bpf.c: up to date\n');
  });

  test('an artefact that is gone comes back', async () => {
    const directory = project();
    await ecc(directory, ['prog.bpf.c']);
    rmSync(path.join(directory, 'prog.bpf.o'));
    expect((await ecc(directory, ['prog.bpf.c'])).stderr).toBe('prog.bpf.c: restored from the cache\n');
    expectWanted(directory);
  });

  test('what is needed for it is in the first, small files', async () => {
    const directory = project();
    await ecc(directory, ['prog.bpf.c']);
    const root = path.dirname(path.dirname(ECC));
    const alone = path.join(testDirectory(), 'package');
    mkdirSync(path.join(alone, 'dist'), { recursive: true });
    mkdirSync(path.join(alone, 'templates'));
    copyFileSync(path.join(root, 'package.json'), path.join(alone, 'package.json'));
    const program = path.join(alone, 'dist/cli.cjs');
    copyFileSync(path.join(root, 'dist/cli.cjs'), program);
    expect((await ecc(directory, ['--version'], {}, program)).status).toBe(0);
    mkdirSync(path.join(alone, 'dist/cli'));
    copyFileSync(path.join(root, 'dist/cli/help.txt'), path.join(alone, 'dist/cli/help.txt'));
    expect((await ecc(directory, ['--help'], {}, program)).status).toBe(0);
    expect((await ecc(directory, ['prog.bpf.c'], {}, program)).status).not.toBe(0);
    for (const name of ['start.cjs', 'quick-build.cjs'])
      copyFileSync(path.join(root, 'dist/cli', name), path.join(alone, 'dist/cli', name));
    expect(await ecc(directory, ['prog.bpf.c'], {}, program)).toEqual(UP_TO_DATE);
    // the rest is not there
    expect((await ecc(directory, ['doctor'], {}, program)).status).not.toBe(0);
  });

  test('--no-cache and ECC_CACHE_SIZE=0 build', async () => {
    const directory = project();
    await ecc(directory, ['prog.bpf.c']);
    expect((await ecc(directory, ['prog.bpf.c', '--no-cache'])).stderr).toBe(BUILT);
    expect((await ecc(directory, ['prog.bpf.c'], { ECC_CACHE_SIZE: '0' })).stderr).toBe(BUILT);
  });

  test('--verbose says why a build is not kept', async () => {
    const directory = project();
    const args = ['prog.bpf.c', '-a', '-Xclang -disable-llvm-verifier', '-v'];
    expect((await ecc(directory, args)).stderr).toContain(
      'prog.bpf.c: not kept in the cache: what -Xclang makes clang read is not known\n',
    );
  });

  test('a warning is shown again', async () => {
    const directory = project();
    writeFileSync(path.join(directory, 'prog.bpf.c'), `#warning "take care"\n${TINY}`);
    const first = await ecc(directory, ['prog.bpf.c']);
    expect(first.stderr).toContain('prog.bpf.c:1:2: warning: "take care"');
    const second = await ecc(directory, ['prog.bpf.c']);
    expect(second.stderr).toContain('prog.bpf.c:1:2: warning: "take care"');
    expect(second.stderr).toMatch(/prog\.bpf\.c: up to date\n$/);
  });

  test('errors are found again: a failed build is not kept', async () => {
    const directory = project();
    writeFileSync(path.join(directory, 'prog.bpf.c'), `${TINY}int broken = ;\n`);
    for (let round = 0; round < 2; round++) {
      const result = await ecc(directory, ['prog.bpf.c']);
      expect(result.status).toBe(4);
      expect(result.stderr).toContain('expected expression');
    }
  });
});

describe('ecc cache', () => {
  test('info counts, clear removes', async () => {
    const directory = project();
    await ecc(directory, ['prog.bpf.c']);
    const info = JSON.parse((await ecc(directory, ['cache', 'info', '--json'])).stdout) as {
      parts: { name: string; files: number; bytes: number }[];
    };
    const builds = info.parts.find(({ name }) => name === 'finished builds')!;
    // three artefacts, a record, the count
    expect(builds.files).toBe(5);
    expect(builds.bytes).toBeGreaterThan([...wanted.values()].reduce((sum, { length }) => sum + length, 0));
    expect((await ecc(directory, ['cache', 'info'])).stdout).toMatch(/finished builds +5 files/);
    expect((await ecc(directory, ['cache', 'clear'])).stdout).toMatch(/^removed:\n.*finished builds/s);
    expect(readdirSync(path.join(directory, '.cache'))).toEqual([]);
    expect((await ecc(directory, ['cache', 'clear'])).stdout).toBe('nothing to remove\n');
    expect((await ecc(directory, ['prog.bpf.c'])).stderr).toBe(BUILT);
  });

  test('something else is refused', async () => {
    expect((await ecc(testDirectory(), ['cache', 'wash'])).status).toBe(2);
  });
});

describe('many processes', () => {
  test('eight at once on one source and one cache', async () => {
    const directory = project();
    const results = await Promise.all(Array.from({ length: 8 }, () => ecc(directory, ['prog.bpf.c'])));
    expect(results.map(({ status }) => status)).toEqual(new Array<number>(8).fill(0));
    expectWanted(directory);
    expect(await ecc(directory, ['prog.bpf.c'])).toEqual(UP_TO_DATE);
    const left = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /tmp|ecc-/.test(name));
    expect(left).toEqual([]);
  });

  test('builds, restores and clears at once', async () => {
    const directory = project();
    await ecc(directory, ['prog.bpf.c']);
    const jobs: Promise<CommandResult>[] = [];
    for (let index = 0; index < 4; index++) {
      jobs.push(ecc(directory, ['prog.bpf.c', '-o', `out${index}`]));
      jobs.push(ecc(directory, ['cache', 'clear']));
    }
    for (const { status, stderr } of await Promise.all(jobs)) expect(status, stderr).toBe(0);
    for (let index = 0; index < 4; index++) expectWanted(path.join(directory, `out${index}`));
  });
});

test('killed at any point: no half artefact, and the next build is right', async () => {
  const directory = project();
  const slow = await timeOf(() => ecc(directory, ['prog.bpf.c', '--no-cache', '-o', 'timed']));
  let killed = 0;
  const rounds = 14;
  for (let round = 0; round < rounds; round++) {
    for (const name of ARTEFACTS) rmSync(path.join(directory, name), { force: true });
    rmSync(path.join(directory, '.cache/builds'), { recursive: true, force: true });
    if (await killAfter(directory, (slow * (round + 1)) / rounds)) killed++;
    for (const name of ARTEFACTS) {
      if (existsSync(path.join(directory, name)))
        expect(read(directory, name).equals(wanted.get(name)!), name).toBe(true);
    }
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await ecc(directory, ['prog.bpf.c'])).status).toBe(0);
    expectWanted(directory);
    expect(await ecc(directory, ['prog.bpf.c'])).toEqual(UP_TO_DATE);
  }
  expect(killed).toBeGreaterThan(0);
}, 180_000);

async function timeOf(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

/** Starts a build and kills it with SIGKILL; false when it was faster. */
function killAfter(directory: string, ms: number): Promise<boolean> {
  const child = spawn(process.execPath, [ECC, 'prog.bpf.c'], {
    cwd: directory,
    env: { ...process.env, ECC_CACHE_DIR: path.join(directory, '.cache'), TMPDIR: directory },
    stdio: 'ignore',
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  return new Promise((resolve) => {
    child.on('exit', (_, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL');
    });
  });
}
