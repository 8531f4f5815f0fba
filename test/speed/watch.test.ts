/** Watching: which changes lead to a build, what becomes of builds that a newer change overtakes, how it ends. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BuildOptions } from '../../src/build/build.ts';
import { type WatchResult, watchBuild } from '../../src/build/watch.ts';
import { isEccError } from '../../src/core/errors.ts';
import { ECC } from '../support/cli.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';
import { HEADER, Project, SOURCE } from './project.ts';

/** Holds kernel types, and the answers of tools. */
const cacheDir = path.join(fileDirectory(), 'cache');
/** Long enough for a build on a busy machine, and for a wrong one to have happened. */
const QUIET_MS = 1200;

class Watch {
  readonly results: WatchResult[] = [];
  readonly #controller = new AbortController();
  readonly ready: Promise<void>;
  readonly ended: Promise<unknown>;

  constructor(options: Omit<BuildOptions, 'signal'>) {
    let isReady = () => {};
    this.ready = new Promise((resolve) => {
      isReady = resolve;
    });
    this.ended = watchBuild(
      { ...options, cacheDir, signal: this.#controller.signal },
      { onResult: (result) => this.results.push(result), onReady: isReady },
    ).catch((error: unknown) => error);
    onTestFinished(async () => void (await this.end()));
  }

  async end(): Promise<unknown> {
    this.#controller.abort();
    return this.ended;
  }

  /** The next results, one for each source that changed. */
  async next(count = 1): Promise<WatchResult[]> {
    const start = performance.now();
    while (this.results.length < count) {
      if (performance.now() - start > 30_000) throw new Error(`only ${this.results.length} of ${count} builds`);
      await sleep(20);
    }
    return this.results.splice(0, count);
  }

  /** Nothing more is built. */
  async expectQuiet(): Promise<void> {
    await sleep(QUIET_MS);
    expect(this.results.map(({ source, error }) => ({ source, error }))).toEqual([]);
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const project = (files: Readonly<Record<string, string>> = {}) => new Project(testDirectory(), cacheDir, files);

async function watching(it: Project, options: Partial<BuildOptions> = {}): Promise<Watch> {
  const watch = new Watch({ sources: [it.at('prog.bpf.c')], ...options });
  await watch.ready;
  const sources = options.sources?.length ?? 1;
  await watch.next(sources);
  return watch;
}

const codeOf = ({ error }: WatchResult) => (isEccError(error) ? error.code : error);

describe('a change', () => {
  test('of the source, of a header; artefacts follow', async () => {
    const it = project();
    const watch = await watching(it);
    const before = it.artefacts();
    it.write('shared.h', '#define LIMIT 4242\n');
    const [result] = await watch.next();
    expect(result).toMatchObject({ source: it.at('prog.bpf.c'), error: undefined });
    expect(it.artefacts()).not.toBe(before);
    it.write('prog.bpf.c', SOURCE.replace('> limit', '< limit'));
    expect((await watch.next())[0]!.error).toBeUndefined();
    await watch.expectQuiet();
  });

  test('by an editor that replaces the file, several times', async () => {
    const it = project();
    const watch = await watching(it);
    for (let round = 0; round < 3; round++) {
      writeFileSync(it.at('shared.h~'), `#define LIMIT ${round}\n`);
      renameSync(it.at('shared.h~'), it.at('shared.h'));
      expect((await watch.next())[0]!.error).toBeUndefined();
      await watch.expectQuiet();
    }
  });

  test('that breaks the program, and one that mends it', async () => {
    const it = project();
    const watch = await watching(it);
    const before = it.artefacts();
    it.write('prog.bpf.c', `${SOURCE}int broken = ;\n`);
    expect(codeOf((await watch.next())[0]!)).toBe('COMPILE_FAILED');
    expect(it.artefacts()).toBe(before);
    it.write('prog.bpf.c', SOURCE);
    expect((await watch.next())[0]!.error).toBeUndefined();
  });

  test('of a file that has nothing to do with it', async () => {
    const it = project({ 'unused.h': '' });
    const watch = await watching(it);
    it.write('unused.h', 'int x;\n');
    it.write('new.h', 'int x;\n');
    it.write('package.json', it.read('package.json').toString());
    await watch.expectQuiet();
  });

  test('many at once are one build', async () => {
    const it = project();
    const watch = await watching(it);
    for (let round = 0; round < 5; round++) {
      it.write('shared.h', `#define LIMIT ${round}\n`);
      it.write('prog.bpf.c', `${SOURCE}int round_${round};\n`);
    }
    await watch.next();
    await watch.expectQuiet();
    expect(it.read('prog.skel.json').toString()).toContain('round_4');
  });
});

describe('the set of files', () => {
  test('a header that is included now is watched, one that is not any more is not', async () => {
    const it = project({ 'more.h': 'int more;\n' });
    const watch = await watching(it);
    it.write('prog.bpf.c', `#include "more.h"\n${SOURCE}`);
    await watch.next();
    await watch.expectQuiet();
    it.write('more.h', 'int even_more;\n');
    await watch.next();
    expect(it.read('prog.skel.json').toString()).toContain('even_more');
    it.write('prog.bpf.c', SOURCE);
    await watch.next();
    await watch.expectQuiet();
    it.write('more.h', 'int nobody_cares;\n');
    await watch.expectQuiet();
  });

  test('a header that was missing is waited for', async () => {
    const it = project();
    rmSync(it.at('shared.h'));
    const watch = new Watch({ sources: [it.at('prog.bpf.c')] });
    await watch.ready;
    expect(codeOf((await watch.next())[0]!)).toBe('COMPILE_FAILED');
    it.write('shared.h', HEADER);
    expect((await watch.next())[0]!.error).toBeUndefined();
    rmSync(it.at('shared.h'));
    expect(codeOf((await watch.next())[0]!)).toBe('COMPILE_FAILED');
    it.write('shared.h', HEADER);
    expect((await watch.next())[0]!.error).toBeUndefined();
  });

  test('a header comes to lie in front of the one that was taken', async () => {
    const it = project({ 'prog.bpf.c': SOURCE.replace('"shared.h"', '<flag.h>'), 'second/flag.h': HEADER });
    mkdirSync(it.at('first'));
    const watch = await watching(it, { cflags: [`-I${it.at('first')}`, `-I${it.at('second')}`] });
    const before = it.artefacts();
    it.write('first/flag.h', '#define LIMIT 77\n');
    await watch.next();
    expect(it.artefacts()).not.toBe(before);
  });

  test('the source is away for a while', async () => {
    const it = project();
    const watch = await watching(it);
    rmSync(it.at('prog.bpf.c'));
    expect(codeOf((await watch.next())[0]!)).toBe('USAGE_NO_FILE');
    it.write('prog.bpf.c', `${SOURCE}int back_again;\n`);
    expect((await watch.next())[0]!.error).toBeUndefined();
    expect(it.read('prog.skel.json').toString()).toContain('back_again');
  });

  test('of several sources only those that a file belongs to are built', async () => {
    const it = project({ 'other.bpf.c': SOURCE.replace('shared.h', 'other.h'), 'other.h': HEADER });
    const watch = await watching(it, { sources: [it.at('prog.bpf.c'), it.at('other.bpf.c')] });
    it.write('other.h', '#define LIMIT 12\n');
    expect((await watch.next()).map(({ source }) => path.basename(source))).toEqual(['other.bpf.c']);
    await watch.expectQuiet();
    it.write('shared.h', '#define LIMIT 13\n');
    expect((await watch.next()).map(({ source }) => path.basename(source))).toEqual(['prog.bpf.c']);
    await watch.expectQuiet();
  });
});

describe('a newer change', () => {
  test('cancels the build under way; only the last counts', async () => {
    const it = project();
    const watch = await watching(it);
    const commands: string[] = [];
    await watch.end();
    const again = new Watch({
      sources: [it.at('prog.bpf.c')],
      noCache: true,
      onCommand: (command) => {
        commands.push(command);
        if (!command.includes(' -c ') || commands.filter((one) => one.includes(' -c ')).length > 1) return;
        // while clang reads what was there before
        it.write('prog.bpf.c', `${SOURCE}int the_newest;\n`);
      },
    });
    await again.ready;
    const results = await again.next();
    await again.expectQuiet();
    expect(results[0]!.error).toBeUndefined();
    expect(commands.filter((command) => command.includes(' -c '))).toHaveLength(2);
    expect(it.read('prog.skel.json').toString()).toContain('the_newest');
  });
});

test('the end: AbortError, and nothing is left behind', async () => {
  const it = project();
  const watch = await watching(it);
  it.write('shared.h', '#define LIMIT 99\n');
  const error = await watch.end();
  expect(error).toMatchObject({ name: 'AbortError' });
  expect(readdirSync(it.directory).sort()).toEqual([
    'package.json',
    'prog.bpf.c',
    'prog.bpf.o',
    'prog.skel.json',
    'shared.h',
  ]);
});

test('a source that is not there at the beginning is refused', async () => {
  const watch = new Watch({ sources: [path.join(testDirectory(), 'none.bpf.c')] });
  expect(await watch.ended).toMatchObject({ code: 'USAGE_NO_FILE' });
});

test('the command line: a line a build, errors below it, 130 after Ctrl-C', async () => {
  const it = project();
  const child = spawn(process.execPath, [ECC, '-W', 'prog.bpf.c'], {
    cwd: it.directory,
    env: { ...process.env, ECC_CACHE_DIR: cacheDir, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const shows = async (pattern: RegExp) => {
    const start = performance.now();
    while (!pattern.test(text)) {
      if (performance.now() - start > 30_000) throw new Error(`${pattern} is not in\n${text}`);
      await sleep(20);
    }
    text = '';
  };
  await shows(
    /^\d\d:\d\d:\d\d prog\.bpf\.c: (built in|restored from the cache in) \d+ ms\nwatching prog\.bpf\.c; Ctrl-C ends it\n$/,
  );
  it.write('shared.h', '#define LIMIT (\n');
  await shows(/^\d\d:\d\d:\d\d prog\.bpf\.c: failed after \d+ ms\nerror\[COMPILE_FAILED\].*expected expression/s);
  it.write('shared.h', '#define LIMIT 31\n');
  await shows(/^\d\d:\d\d:\d\d prog\.bpf\.c: built in \d+ ms\n$/);
  child.kill('SIGINT');
  expect(await new Promise((resolve) => child.on('exit', (code) => resolve(code)))).toBe(130);
  expect(text).toBe('');
});
